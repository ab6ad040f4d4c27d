"""Who it is sent to: readers, their rights, and who is never mailed."""

from app.web.admin.readers import finding, receipts, renewal, rights, rights_log, suppressions  # noqa: F401 - views attach to the blueprint
