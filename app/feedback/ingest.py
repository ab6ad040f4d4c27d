"""Where all notices go in, whatever the way they came."""

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from app.feedback.notices import Notice

log = logging.getLogger(__name__)


def ingest(session: Session, notices: Iterable[Notice], *, now: datetime) -> int:
    """Count `notices` in the log; return how many there are."""
    counted = Counter((notice.source, notice.kind) for notice in notices)
    for (source, kind), count in counted.items():
        log.info("%s told of %d: %s", source, count, kind)
    return counted.total()
