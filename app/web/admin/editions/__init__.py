"""What is sent: compiling, looking, sending and watching."""

from app.web.admin.editions import causes, drafts, preview, retry, sending, warm_up  # noqa: F401 - views attach to the blueprint
