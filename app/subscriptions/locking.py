"""One reader at a time: every change of a subscription holds the reader's row first.

Because all changes lock the reader first, simultaneous ones happen one after another and never wait for each other in a
circle. An edition that starts meanwhile may name the reader in its rows, and does not wait. SQLite's writers queue
anyway.
"""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import NotFound, TransitionRefused
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription, subscription_by_public_id


def lock_reader(session: Session, subscriber_id: int) -> Subscriber | None:
    """Hold a reader's row until the transaction ends, and return it as it is now, or None where it is gone."""
    reader = select(Subscriber).where(Subscriber.id == subscriber_id).with_for_update(key_share=True)
    return session.scalars(reader.execution_options(populate_existing=True)).one_or_none()


def lock_readers_of(session: Session, subscription_ids: Collection[int]) -> None:
    """Hold the readers of several subscriptions, by id, as an import does: nobody waits for a batch in a circle.

    Each is to be read anew by `lock`, which then waits for nobody.
    """
    theirs = select(Subscription.subscriber_id).where(Subscription.id.in_(subscription_ids))
    readers = select(Subscriber.id).where(Subscriber.id.in_(theirs)).order_by(Subscriber.id)
    session.execute(readers.with_for_update(key_share=True)).all()


def lock_confirmed(session: Session, public_id: str) -> Subscription:
    """Hold the reader of a subscription that gets letters, and return it. Raises NotFound, TransitionRefused."""
    subscription = session.scalars(subscription_by_public_id(public_id)).one_or_none()
    if subscription is None or not lock(session, subscription):
        raise NotFound("no such subscription")
    if subscription.status is not SubscriptionStatus.CONFIRMED:
        raise TransitionRefused("not subscribed")
    return subscription


def lock(session: Session, subscription: Subscription) -> bool:
    """Hold the reader of `subscription` and read it anew; return whether it still exists."""
    lock_reader(session, subscription.subscriber_id)
    renewed = select(Subscription).where(Subscription.id == subscription.id).execution_options(populate_existing=True)
    return session.scalars(renewed).one_or_none() is not None
