"""Who it is sent to: readers, their rights, and who is never mailed."""

from app.web.admin.readers import (  # noqa: F401 - views attach to the blueprint
    finding,
    imports,
    reader,
    receipts,
    renewal,
    rights,
    rights_log,
    suppressions,
)
