"""What is shown of what came back: of one reader, and in all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.models import Delivery
from app.feedback.ingest import SMTP
from app.feedback.models import Diagnostic, FeedbackEvent, UnlinkedCount
from app.feedback.notices import NoticeKind
from app.subscriptions.kinds import SuppressionReason
from app.subscriptions.records import Suppression

#: Days over which notices that name no copy are counted for the desk.
COUNTED_DAYS = 30


@dataclass(frozen=True)
class ToldEvent:
    """An event of a reader, and what the server said."""

    event: FeedbackEvent
    words: str


@dataclass(frozen=True)
class Unlinked:
    """Notices of a source and kind that named no copy of ours lately."""

    source: str
    kind: NoticeKind
    number: int


def events_of_reader(
    session: Session, subscriber_id: int, *, before: datetime | None = None, limit: int | None = None
) -> Sequence[ToldEvent]:
    """Return what became of a reader's copies `before` a time, newest first.

    The words of a live refusal stand with its copy.
    """
    is_before = sa.true() if before is None else FeedbackEvent.at < before
    rows = session.execute(
        select(FeedbackEvent, Diagnostic.text, Delivery.reply_text)
        .outerjoin(Diagnostic, Diagnostic.event_id == FeedbackEvent.id)
        .outerjoin(Delivery, Delivery.id == FeedbackEvent.delivery_id)
        .where(FeedbackEvent.subscriber_id == subscriber_id, is_before)
        .order_by(FeedbackEvent.at.desc(), FeedbackEvent.id.desc())
        .limit(limit)
    )
    return [ToldEvent(event, words or (reply if event.source == SMTP else "") or "") for event, words, reply in rows]


def count_suppressions(session: Session) -> dict[SuppressionReason, int]:
    """Return how many addresses are suppressed, by reason."""
    rows = session.execute(select(Suppression.reason, sa.func.count()).group_by(Suppression.reason))
    return {reason: number for reason, number in rows}  # noqa: C416 - a Row is no tuple to mypy


def count_unlinked(session: Session, *, now: datetime) -> Sequence[Unlinked]:
    """Return what lately named no copy of ours: forged, garbled, or of letters that are not ours."""
    since = (now - timedelta(days=COUNTED_DAYS)).astimezone(UTC).date()
    rows = session.execute(
        select(UnlinkedCount.source, UnlinkedCount.kind, sa.func.sum(UnlinkedCount.number))
        .where(UnlinkedCount.day >= since)
        .group_by(UnlinkedCount.source, UnlinkedCount.kind)
        .order_by(UnlinkedCount.source, UnlinkedCount.kind)
    )
    return [Unlinked(*row) for row in rows]
