"""What was taken in is applied: one transaction for each event, which holds its reader's row first.

Only what never has a consequence is noted many at a time: a copy's delivery, which some mail providers tell of every
copy, keeps no complaint waiting.

Whatever the order in which events of one reader come, the end is the same: each looks at all that are known by then,
and a suppression's strongest reason stands.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db import Database
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.delivery.warm_ups import count_complaint
from app.editions.watch import pause_for_complaints
from app.feedback.models import DUE, EventState, FeedbackEvent
from app.feedback.notices import NoticeKind
from app.feedback.policy import (
    WITHOUT_CONSEQUENCE,
    Consequence,
    History,
    SoftBounce,
    TakenCopy,
    decide,
    is_complained_of,
)
from app.feedback.spikes import hold_spikes
from app.mail.providers import provider_of
from app.settings.feedback import FeedbackSettings
from app.subscriptions.kinds import ConsentMethod, SuppressionReason
from app.subscriptions.leaving import end_subscription
from app.subscriptions.locking import lock_reader
from app.subscriptions.models import Subscriber, Subscription, subscription_of_letter
from app.subscriptions.rights.address_change import (
    ADDRESS_CHANGE,
    ADDRESS_NOTICE,
    address_change,
    end_open_change,
    moved_at,
)
from app.subscriptions.suppression import suppress_reader

#: Events that are looked up together.
BATCH = 500
_BOUNCES = (NoticeKind.HARD, NoticeKind.SOFT)
#: What is said by whoever has the mailbox.
_OWN_WORDS = frozenset({NoticeKind.COMPLAINT, NoticeKind.LEAVE})
_EVENTS = FeedbackEvent.__table__
_PLACED = ("provider", "newsletter_id", "edition_id", "state", "subscriber_id", "applied_at")
_PLACE = (
    update(_EVENTS)  # type: ignore[arg-type]
    .where(_EVENTS.c.id == sa.bindparam("key"))
    .values({name: sa.bindparam(f"new_{name}", type_=_EVENTS.c[name].type) for name in _PLACED})
)


def apply_events(database: Database, *, rules: FeedbackSettings, suppression_key: str, now: datetime) -> int:
    """Apply all events that are due, and return how many that were; several processes may do so at once."""
    applied, placed = 0, BATCH
    while placed == BATCH:
        placed, noted = _place(database, now)
        applied += noted
    hold_spikes(database, rules=rules, suppression_key=suppression_key, now=now)
    while events := _due(database):
        for event_id, _, _ in events:
            with database.transaction() as session:
                applied += apply_event(session, event_id, rules=rules, suppression_key=suppression_key, now=now)
        complained = {edition_id for _, kind, edition_id in events if kind is NoticeKind.COMPLAINT and edition_id}
        for edition_id in sorted(complained):
            with database.transaction() as session:
                _judge_edition(session, edition_id, rules, now)
    return applied


def apply_event(
    session: Session, event_id: int, *, rules: FeedbackSettings, suppression_key: str, now: datetime
) -> bool:
    """Let one event have its consequence; return whether it was still due."""
    copy = session.execute(_copy_of(event_id)).one_or_none()
    subscriber = None if copy is None or copy.subscriber_id is None else lock_reader(session, copy.subscriber_id)
    due = select(FeedbackEvent).where(FeedbackEvent.id == event_id, FeedbackEvent.state.in_(DUE)).with_for_update()
    event = session.scalars(due, execution_options={"populate_existing": True}).one_or_none()
    if event is None:
        return False
    event.state, event.applied_at = EventState.NOTED, now
    if copy is None or subscriber is None:
        return True
    event.subscriber_id = subscriber.id
    session.flush()
    if _went_elsewhere(session, subscriber, event, copy):
        if copy.kind == ADDRESS_CHANGE and event.kind in _OWN_WORDS:
            end_open_change(session, public_id=copy.reference, now=now)
        return True
    consequence = decide(event.kind, event.at, _history(session, subscriber, event), rules, now)
    if _carry_out(session, subscriber, event, consequence, suppression_key=suppression_key, now=now):
        event.state = EventState.APPLIED
    return True


def _place(database: Database, now: datetime) -> tuple[int, int]:
    """Write to new events what their copies were of and whose mailboxes they went to, and note those of no consequence.

    Return how many there were, and how many of them are noted.
    """
    with database.transaction() as session:
        unplaced = select(FeedbackEvent.id).where(FeedbackEvent.state.in_(DUE), FeedbackEvent.provider.is_(None))
        held = session.scalars(unplaced.order_by(FeedbackEvent.id).limit(BATCH).with_for_update(skip_locked=True))
        event_ids = held.all()
        rows = session.execute(_as_to_place(event_ids)).all()
        readers = {row.subscriber_id for row in rows if row.kind in WITHOUT_CONSEQUENCE and row.subscriber_id}
        known = _staying(session, readers) | {None}
        noted = {row.key for row in rows if row.kind in WITHOUT_CONSEQUENCE and row.subscriber_id in known}
        placed = [
            {"key": row.key, "new_provider": provider_of(row.email_key) if row.email_key else "",
             "new_newsletter_id": row.newsletter_id, "new_edition_id": row.edition_id,
             "new_state": EventState.NOTED if row.key in noted else row.state,
             "new_subscriber_id": row.subscriber_id if row.key in noted else None,
             "new_applied_at": now if row.key in noted else None}
            for row in rows
        ]  # fmt: skip
        if placed:
            session.connection().execute(_PLACE, placed)
    return len(placed), len(noted)


def _as_to_place(event_ids: Sequence[int]) -> sa.Select[*tuple[Any, ...]]:
    """Select of events what their rows are to tell: `key`, `kind`, `state`, and whom and what their copies were for."""
    return (
        select(
            FeedbackEvent.id.label("key"), FeedbackEvent.kind, FeedbackEvent.state,
            Subscriber.id.label("subscriber_id"), Subscriber.email_key, Chunk.newsletter_id, Chunk.edition_id,
        )
        .outerjoin(Delivery, Delivery.id == FeedbackEvent.delivery_id)
        .outerjoin(Chunk, Chunk.id == Delivery.chunk_id)
        .outerjoin(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(FeedbackEvent.id.in_(event_ids))
    )  # fmt: skip


def _staying(session: Session, subscriber_ids: Collection[int]) -> set[int | None]:
    """Return those readers who cannot be erased before the transaction ends; it holds events, and waits for nobody."""
    readers = select(Subscriber.id).where(Subscriber.id.in_(subscriber_ids))
    return set(session.scalars(readers.with_for_update(read=True, key_share=True, skip_locked=True)))


def _due(database: Database) -> Sequence[tuple[int, NoticeKind, int | None]]:
    due = select(FeedbackEvent.id, FeedbackEvent.kind, FeedbackEvent.edition_id).where(
        FeedbackEvent.state.in_(DUE), FeedbackEvent.provider.is_not(None)
    )
    with database.reading() as session:
        return [(*row,) for row in session.execute(due.order_by(FeedbackEvent.id).limit(BATCH))]


def _copy_of(event_id: int) -> sa.Select[*tuple[Any, ...]]:
    """Select whose the copy of an event was and what it was of, and when it was queued and came to an end."""
    copy = select(Delivery.subscriber_id, Delivery.reference, Delivery.settled_at, Chunk.kind, Chunk.created_at)
    copy = copy.join_from(FeedbackEvent, Delivery, Delivery.id == FeedbackEvent.delivery_id)
    return copy.join(Chunk, Chunk.id == Delivery.chunk_id).where(FeedbackEvent.id == event_id)


def _went_elsewhere(
    session: Session, subscriber: Subscriber, event: FeedbackEvent, copy: sa.Row[*tuple[Any, ...]]
) -> bool:
    """Whether what came back is of another mailbox than the reader has, and says nothing of the one that they have.

    What a reader says themselves of a copy that they got, they say wherever they got it.
    """
    if copy.kind == ADDRESS_CHANGE:
        change = address_change(session, copy.reference)
        return change is None or change.email_key != subscriber.email_key
    if event.kind in _OWN_WORDS:
        return False
    since = moved_at(session, subscriber)
    sent_at = copy.created_at if copy.kind == ADDRESS_NOTICE else copy.settled_at or event.at
    return since is not None and sent_at < since


def _history(session: Session, subscriber: Subscriber, event: FeedbackEvent) -> History:
    confirmed = select(sa.func.max(Subscription.confirmed_at)).where(Subscription.subscriber_id == subscriber.id)
    if event.kind is NoticeKind.LEAVE and event.newsletter_id is not None:
        confirmed = confirmed.where(Subscription.newsletter_id == event.newsletter_id)
    confirmed_at = session.scalar(confirmed)
    if event.kind is not NoticeKind.SOFT:
        return History(confirmed_at)
    since = moved_at(session, subscriber)
    is_of_this_mailbox = (
        sa.true() if since is None else sa.func.coalesce(Delivery.settled_at, FeedbackEvent.at) >= since
    )
    told = session.execute(
        select(FeedbackEvent.kind, FeedbackEvent.at, FeedbackEvent.edition_id)
        .outerjoin(Delivery, Delivery.id == FeedbackEvent.delivery_id)
        .where(FeedbackEvent.subscriber_id == subscriber.id, is_of_this_mailbox)
        .where(FeedbackEvent.kind.in_((NoticeKind.SOFT, NoticeKind.DELIVERED)))
    ).all()
    softs = [SoftBounce(at, edition_id) for kind, at, edition_id in told if kind is NoticeKind.SOFT]
    return History(
        confirmed_at,
        softs,
        [at for kind, at, _ in told if kind is NoticeKind.DELIVERED],
        _taken_copies(session, subscriber.id, min(soft.at for soft in softs)),
    )


def _taken_copies(session: Session, subscriber_id: int, since: datetime) -> list[TakenCopy]:
    bounce = select(FeedbackEvent.id).where(FeedbackEvent.delivery_id == Delivery.id, FeedbackEvent.kind.in_(_BOUNCES))
    taken = select(Delivery.settled_at, bounce.exists()).where(
        Delivery.subscriber_id == subscriber_id, Delivery.state == DeliveryState.ACCEPTED, Delivery.settled_at > since
    )
    return [TakenCopy(at, has_bounced) for at, has_bounced in session.execute(taken) if at is not None]


def _carry_out(
    session: Session,
    subscriber: Subscriber,
    event: FeedbackEvent,
    consequence: Consequence,
    *,
    suppression_key: str,
    now: datetime,
) -> bool:
    """Do what follows; return whether anything changed by it."""
    if consequence is Consequence.NOTHING:
        return False
    if consequence is Consequence.LEAVE:
        return _end_subscriptions(session, subscriber, event, ConsentMethod.PROVIDER, now)
    reason, method = _SUPPRESSIONS[consequence]
    has_changed = suppress_reader(
        session, subscriber, suppression_key=suppression_key, reason=reason, method=method, source=event.source, now=now
    )
    if consequence is Consequence.COMPLAINED:
        has_changed |= _end_subscriptions(session, subscriber, event, method, now)
        if event.newsletter_id is not None:
            count_complaint(session, event.newsletter_id, now=now)
    return has_changed


_SUPPRESSIONS = {
    Consequence.SUPPRESS_DEAD: (SuppressionReason.HARD_BOUNCE, ConsentMethod.BOUNCE),
    Consequence.SUPPRESS_FAILING: (SuppressionReason.SOFT_BOUNCES, ConsentMethod.BOUNCE),
    Consequence.COMPLAINED: (SuppressionReason.COMPLAINT, ConsentMethod.COMPLAINT),
}


def _end_subscriptions(
    session: Session, subscriber: Subscriber, event: FeedbackEvent, method: ConsentMethod, now: datetime
) -> bool:
    """End the reader's subscription under whose name the copy went."""
    own = subscription_of_letter(subscriber.id, event.newsletter_id)
    subscription = session.scalars(own, execution_options={"populate_existing": True}).one_or_none()
    return subscription is not None and end_subscription(session, subscription, method=method, now=now)


def _judge_edition(session: Session, edition_id: int, rules: FeedbackSettings, now: datetime) -> None:
    """Pause an edition that draws too many complaints, of which each copy counts once."""
    told = select(sa.func.count(FeedbackEvent.delivery_id.distinct())).where(
        FeedbackEvent.edition_id == edition_id, FeedbackEvent.kind == NoticeKind.COMPLAINT
    )
    complaints = session.scalar(told) or 0
    # Counting stops where the complaints would be few enough.
    enough = complaints * 10_000 // rules.complaints_per_10000 + 1
    accepted = (
        select(Delivery.id)
        .join(Chunk, Chunk.id == Delivery.chunk_id)
        .where(Chunk.edition_id == edition_id, Delivery.state == DeliveryState.ACCEPTED)
        .limit(enough)
        .subquery()
    )
    sent = session.scalar(select(sa.func.count()).select_from(accepted)) or 0
    if is_complained_of(complaints=complaints, sent=sent, rules=rules):
        pause_for_complaints(session, edition_id, now=now)
