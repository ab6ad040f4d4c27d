"""One reader at a time: every change of a subscription holds the reader's row first."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.subscriptions.models import Subscriber, Subscription


def lock(session: Session, subscription: Subscription) -> bool:
    """Hold the reader's row until the transaction ends and read `subscription` anew; whether it still exists.

    Because all changes lock the reader first, simultaneous ones happen one after another and never wait for each
    other in a circle. An edition that starts meanwhile may name the reader in its rows, and does not wait. SQLite's
    writers queue anyway.
    """
    reader = select(Subscriber.id).where(Subscriber.id == subscription.subscriber_id)
    session.execute(reader.with_for_update(key_share=True))
    renewed = select(Subscription).where(Subscription.id == subscription.id).execution_options(populate_existing=True)
    return session.scalars(renewed).one_or_none() is not None
