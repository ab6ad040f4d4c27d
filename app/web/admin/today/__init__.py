"""The first page of the desk."""

from app.web.admin.today import dashboard  # noqa: F401 - views attach to the blueprint
