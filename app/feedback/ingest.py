"""Taking in notices: each is kept once, whatever the way it came and however often it is told; nothing follows yet.

What follows is worked out a moment later, reader by reader (`app.feedback.applying`): whoever hears of a copy, a
settling sender above all, must not wait for the reader's row.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import insert_into
from app.delivery.endings import Settlement
from app.delivery.models import Delivery, DeliveryState
from app.feedback.models import EVENT_ID_MAX, Diagnostic, EventState, FeedbackEvent, UnlinkedCount
from app.feedback.notices import DIAGNOSTIC_MAX, Notice, NoticeKind
from app.mail.replies import find_enhanced
from app.mail.transport import Fault, Outcome, OutcomeKind
from app.subscriptions.models import Subscriber

#: Who tells of refusals that our own sender was given.
SMTP = "smtp"
#: Rows of one purge; the clock calls again.
BATCH = 500
#: Of a refused copy: its id, the number of its try, what that tells, the enhanced code.
_Refusal = tuple[int, int, NoticeKind, str | None]
_KIND_BY_FAULT = {Fault.ADDRESS: NoticeKind.HARD, Fault.MAILBOX: NoticeKind.SOFT}


def ingest(session: Session, notices: Iterable[Notice], *, now: datetime) -> int:
    """Keep the notices that name a copy of ours, and count the others; return how many are new.

    What is told for a time to come happened now.
    """
    linked: dict[tuple[str, str], Notice] = {}
    unlinked: Counter[tuple[date, str, NoticeKind]] = Counter()
    for notice in notices:
        if notice.delivery_id is None:
            unlinked[now.astimezone(UTC).date(), notice.source, notice.kind] += 1
        else:
            linked.setdefault((notice.source, notice.event_id[:EVENT_ID_MAX]), notice)
    _count_unlinked(session, unlinked)
    known = _known_copies(session, {notice.delivery_id for notice in linked.values()})
    new = 0
    # In one order, so that those who tell the same at once do not wait for each other in a circle.
    for key in sorted(linked):
        new += _keep(session, key[1], linked[key], known, now)
    return new


def note_refusals(session: Session, settlements: Sequence[Settlement], now: datetime) -> None:
    """Keep, in the transaction that settles them, the final refusals that speak of a reader's address or mailbox.

    What was put off once too often is given up, and counts as what was last said of the mailbox.
    """
    refused: list[_Refusal] = []
    put_off: list[int] = []
    for copy, ending in settlements:
        if not isinstance(ending, Outcome) or ending.fault not in _KIND_BY_FAULT:
            continue
        if ending.kind is OutcomeKind.REJECTED:
            status = ending.enhanced or find_enhanced(ending.text)
            refused.append((copy.id, copy.attempt, _KIND_BY_FAULT[ending.fault], status))
        elif ending.kind is OutcomeKind.DEFERRED:
            put_off.append(copy.id)
    if put_off:
        refused += _given_up(session, Delivery.id.in_(put_off), now)
    _keep_refusals(session, refused, now)


def note_expired(session: Session, chunk_ids: Sequence[int], now: datetime) -> None:
    """Keep, in the transaction that lets chunks expire, what was last said of the mailboxes of their readers."""
    _keep_refusals(session, _given_up(session, Delivery.chunk_id.in_(chunk_ids), now), now)


def events_before(before: datetime) -> sa.Select[int, datetime]:
    """Select the events that were heard of before `before`, and when they were; what is held waits for an admin."""
    is_over = (FeedbackEvent.received_at < before) & (FeedbackEvent.state != EventState.HELD)
    return select(FeedbackEvent.id, FeedbackEvent.received_at).where(is_over)


def drop_events(session: Session, *, before: datetime) -> int:
    """Delete a batch of the events heard of before `before`, with what was said; return how many there were."""
    ids = session.scalars(events_before(before).with_only_columns(FeedbackEvent.id).limit(BATCH)).all()
    session.execute(sa.delete(FeedbackEvent).where(FeedbackEvent.id.in_(ids)))
    return len(ids)


def _given_up(session: Session, which: sa.ColumnElement[bool], now: datetime) -> list[_Refusal]:
    """Return the copies that were given up just now, and whose last reply spoke of the mailbox."""
    ended = select(Delivery.id, Delivery.attempt, Delivery.reply_text).where(
        which,
        Delivery.state == DeliveryState.EXPIRED,
        Delivery.settled_at == now,
        Delivery.fault == Fault.MAILBOX,
    )
    return [
        (copy_id, attempt, NoticeKind.SOFT, find_enhanced(text or ""))
        for copy_id, attempt, text in session.execute(ended)
    ]


def _keep_refusals(session: Session, refused: Iterable[_Refusal], now: datetime) -> None:
    rows = [
        {
            "source": SMTP,
            "event_id": f"{copy_id}-{attempt}",
            "kind": kind,
            "at": now,
            "received_at": now,
            "delivery_id": copy_id,
            "status": status,
        }
        for copy_id, attempt, kind, status in refused
    ]
    if rows:
        inserting = insert_into(session, FeedbackEvent).on_conflict_do_nothing(index_elements=["source", "event_id"])
        session.execute(inserting, rows)


def _keep(session: Session, event_id: str, notice: Notice, known: set[int | None], now: datetime) -> int:
    if notice.delivery_id not in known:
        return 0  # a copy so old that its row is gone
    inserting = insert_into(session, FeedbackEvent).on_conflict_do_nothing(index_elements=["source", "event_id"])
    new_id = session.scalar(
        inserting.values(
            source=notice.source,
            event_id=event_id,
            kind=notice.kind,
            at=min(notice.at, now),
            received_at=now,
            delivery_id=notice.delivery_id,
            status=notice.status[:16] if notice.status else None,
        ).returning(FeedbackEvent.id)
    )
    if new_id is None:
        return 0
    if notice.diagnostic:
        _keep_words(session, new_id, notice)
    return 1


def _keep_words(session: Session, event_id: int, notice: Notice) -> None:
    """Keep what was said, as long as there is a reader whom it was said of."""
    words = notice.diagnostic.replace("\0", "")[:DIAGNOSTIC_MAX]
    reader = (
        select(sa.literal(event_id), Subscriber.id, sa.literal(words))
        .join(Delivery, Delivery.subscriber_id == Subscriber.id)
        .where(Delivery.id == notice.delivery_id)
        .with_for_update(read=True, key_share=True, of=Subscriber)
    )
    inserting = sa.insert(Diagnostic).from_select(["event_id", "subscriber_id", "text"], reader)
    session.execute(inserting)


def _known_copies(session: Session, delivery_ids: set[int | None]) -> set[int | None]:
    return set(session.scalars(select(Delivery.id).where(Delivery.id.in_(delivery_ids))))


def _count_unlinked(session: Session, counts: Counter[tuple[date, str, NoticeKind]]) -> None:
    if not counts:
        return
    adding = insert_into(session, UnlinkedCount)
    adding = adding.on_conflict_do_update(
        index_elements=["day", "source", "kind"],
        set_={"number": UnlinkedCount.__table__.c.number + adding.excluded.number},
    )
    rows = [
        {"day": day, "source": source, "kind": kind, "number": number}
        for (day, source, kind), number in sorted(counts.items())
    ]
    session.execute(adding, rows)
