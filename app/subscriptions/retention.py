"""How long things are kept: sign-ups that nobody confirmed go, and only their number stays (GDPR art. 5(1)(e))."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.queue import cancel_reader
from app.subscriptions.locking import lock, lock_readers_of
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import PurgeCount
from app.subscriptions.rights.erasure import forget
from app.subscriptions.rights.log import is_left_alone

#: Rows of one call; the job calls again.
BATCH = 200
#: Literally, as the partial indexes say it.
_IS_PENDING = sa.text("subscriptions.status = 'pending'")
_IS_HELD = sa.text("subscriptions.status = 'held'")


def purge_unconfirmed(session: Session, *, now: datetime, pending_days: int) -> int:
    """End a batch of the requests that stayed unconfirmed for `pending_days`; return how many there were.

    A sign-up that was never confirmed is deleted, and counted. A reader who had once confirmed, left, and never
    confirmed the new request is back to having left: the proof of the earlier consent has its own, longer time.
    """
    before = now - timedelta(days=pending_days)
    due = unconfirmed_before(before)
    batch = due.order_by(Subscription.requested_at, Subscription.id).limit(BATCH)
    ended, purged, found = 0, 0, session.execute(batch).scalars().all()
    lock_readers_of(session, found)
    for key in found:
        subscription = session.get(Subscription, key)
        if subscription is None or not lock(session, subscription) or not _is_due(session, due, key):
            continue
        cancel_reader(
            session, subscriber_id=subscription.subscriber_id, newsletter_id=subscription.newsletter_id, now=now
        )
        if subscription.confirmed_at is not None:
            subscription.unsubscribe(subscription.unsubscribed_at or now)
        else:
            forget(session, subscription, now=now)
            purged += 1
        ended += 1
    if purged:
        _count(session, purged, now)
    session.flush()
    return ended


def unconfirmed_before(before: datetime) -> sa.Select[int, datetime]:
    """Select the subscriptions requested before `before` and not confirmed since, and when they were.

    Whom the clocks leave alone stays.
    """
    return (
        select(Subscription.id, Subscription.requested_at)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(_IS_PENDING, Subscription.requested_at < before, ~is_left_alone())
    )


def held_before(before: datetime) -> sa.Select[int, datetime]:
    """Select the subscriptions that were imported without proof before `before` and never asked about, and since when.

    Whom the clocks leave alone stays.
    """
    return (
        select(Subscription.id, Subscription.requested_at)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(_IS_HELD, Subscription.requested_at < before, ~is_left_alone())
    )


def forget_held(session: Session, *, before: datetime, now: datetime) -> int:
    """Delete a batch of them; return how many there were."""
    due = held_before(before)
    forgotten, found = 0, session.execute(due.order_by(Subscription.id).limit(BATCH)).scalars().all()
    lock_readers_of(session, found)
    for key in found:
        subscription = session.get(Subscription, key)
        if subscription is None or not lock(session, subscription) or not _is_due(session, due, key):
            continue
        forget(session, subscription, now=now)
        forgotten += 1
    session.flush()
    return forgotten


def _is_due(session: Session, due: sa.Select[int, datetime], subscription_id: int) -> bool:
    """Whether a subscription whose reader is held by now is still among those that are due."""
    return session.scalar(due.with_only_columns(Subscription.id).where(Subscription.id == subscription_id)) is not None


def _count(session: Session, purged: int, now: datetime) -> None:
    day = now.astimezone(UTC).date().isoformat()
    row = session.get(PurgeCount, day, with_for_update=True)
    if row is None:
        session.add(PurgeCount(day=day, purged=purged))
    else:
        row.purged += purged
