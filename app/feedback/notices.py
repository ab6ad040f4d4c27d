"""A notice: what a returned mail or a mail provider's report says became of one copy, whatever the way it came.

Reading makes notices and decides nothing; only `ingest` and its policy change rows.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.mail.reports import report


class NoticeKind(StrEnum):
    """What a notice tells. Whatever is not known for sure to be worse is soft."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"
    NOT_SPAM = "not-spam"
    LEAVE = "leave"
    DELIVERED = "delivered"
    SENDER_FAULT = "sender-fault"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Notice:
    """What was told of one copy.

    `source` says who told it (`dsn`, `arf`, `text`, `mailgun`, …); `event_id` is unique within it, so that the same
    notice told twice counts once. `delivery_id` names the copy where a seal of ours proves it; a notice without one
    changes nothing (RFC 3461 §4.4). `recipient` is as told, and proves nothing. `status` is the enhanced code
    (RFC 3463), `diagnostic` the last server's words, at most `DIAGNOSTIC_MAX` characters.
    """

    kind: NoticeKind
    source: str
    event_id: str
    at: datetime
    delivery_id: int | None
    recipient: str | None = None
    status: str | None = None
    diagnostic: str = ""


#: Characters kept of what a server said.
DIAGNOSTIC_MAX = report.DIAGNOSTIC_MAX
