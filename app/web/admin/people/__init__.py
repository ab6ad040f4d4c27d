"""Who works at the desk: coming in, and one's own account."""

from app.web.admin.people import account, signin  # noqa: F401 - views attach to the blueprint
