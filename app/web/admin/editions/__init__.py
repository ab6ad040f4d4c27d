"""What is sent: compiling, looking, sending and watching."""

from app.web.admin.editions import (  # noqa: F401 - views attach to the blueprint
    causes,
    comments,
    drafts,
    gate,
    live,
    past,
    preview,
    retry,
    saving,
    sending,
    twin,
    warm_up,
)
