"""How long things are kept: sign-ups that nobody confirmed go, and only their number stays (GDPR art. 5(1)(e))."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.queue import cancel_reader
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.locking import lock, lock_readers_of
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import PurgeCount
from app.subscriptions.rights.erasure import forget

#: Rows of one call; the job calls again.
BATCH = 200
#: Literally, as the partial indexes say it.
_IS_PENDING = sa.text("subscriptions.status = 'pending'")
_IS_HELD = sa.text("subscriptions.status = 'held'")


def purge_unconfirmed(session: Session, *, now: datetime, pending_days: int) -> int:
    """Delete the sign-ups that stayed unconfirmed for `pending_days`, a batch at a time; return how many.

    A reader who had once confirmed, left, and never confirmed the new request is back to having left: the proof of
    the earlier consent has its own, longer time.
    """
    before = now - timedelta(days=pending_days)
    due = unconfirmed_before(before).order_by(Subscription.requested_at, Subscription.id).limit(BATCH)
    purged, found = 0, session.execute(due).scalars().all()
    lock_readers_of(session, found)
    for key in found:
        subscription = session.get(Subscription, key)
        if subscription is None or not lock(session, subscription) or not _is_due(subscription, before):
            continue
        cancel_reader(
            session, subscriber_id=subscription.subscriber_id, newsletter_id=subscription.newsletter_id, now=now
        )
        if subscription.confirmed_at is not None:
            subscription.unsubscribe(subscription.unsubscribed_at or now)
        else:
            forget(session, subscription, now=now)
            purged += 1
    if purged:
        _count(session, purged, now)
    session.flush()
    return purged


def unconfirmed_before(before: datetime) -> sa.Select[int, datetime]:
    """Select the subscriptions requested before `before` and not confirmed since, and when they were.

    Whose data may not be used stays where it is (GDPR art. 18(2)).
    """
    return (
        select(Subscription.id, Subscription.requested_at)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(_IS_PENDING, Subscription.requested_at < before, Subscriber.restricted_at.is_(None))
    )


def held_before(before: datetime) -> sa.Select[int, datetime]:
    """Select the subscriptions that were imported without proof before `before` and never asked about, and since when.

    Whose data may not be used stays where it is (GDPR art. 18(2)).
    """
    return (
        select(Subscription.id, Subscription.requested_at)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(_IS_HELD, Subscription.requested_at < before, Subscriber.restricted_at.is_(None))
    )


def forget_held(session: Session, *, before: datetime, now: datetime) -> int:
    """Delete a batch of them; return how many there were."""
    due = held_before(before).order_by(Subscription.id).limit(BATCH)
    forgotten, found = 0, session.execute(due).scalars().all()
    lock_readers_of(session, found)
    for key in found:
        subscription = session.get(Subscription, key)
        if subscription is None or not lock(session, subscription):
            continue
        if subscription.status is SubscriptionStatus.HELD and subscription.subscriber.restricted_at is None:
            forget(session, subscription, now=now)
            forgotten += 1
    session.flush()
    return forgotten


def _is_due(subscription: Subscription, before: datetime) -> bool:
    is_restricted = subscription.subscriber.restricted_at is not None
    return (
        subscription.status is SubscriptionStatus.PENDING and subscription.requested_at < before and not is_restricted
    )


def _count(session: Session, purged: int, now: datetime) -> None:
    day = now.astimezone(UTC).date().isoformat()
    row = session.get(PurgeCount, day, with_for_update=True)
    if row is None:
        session.add(PurgeCount(day=day, purged=purged))
    else:
        row.purged += purged
