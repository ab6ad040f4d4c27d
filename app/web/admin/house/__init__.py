"""What concerns the house as a whole."""

from app.web.admin.house import audit, components, jobs, newsletters, schedules, settings, templates, wordings  # noqa: F401 - views attach to the blueprint
