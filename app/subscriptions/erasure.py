"""Deleting a reader's rows, with everything that hangs on them."""

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.models import Delivery
from app.subscriptions.models import Subscriber, Subscription


def forget(session: Session, subscription: Subscription) -> None:
    """Delete a subscription with its consent events, and the subscriber where it was the only one."""
    subscriber_id = subscription.subscriber_id
    session.flush()
    # A server's reply often quotes the address.
    session.execute(sa.update(Delivery).where(Delivery.subscriber_id == subscriber_id).values(reply_text=None))
    session.execute(sa.delete(Subscription).where(Subscription.id == subscription.id))
    session.expunge(subscription)
    others = select(Subscription.id).where(Subscription.subscriber_id == subscriber_id).exists()
    session.execute(sa.delete(Subscriber).where(Subscriber.id == subscriber_id, ~others))
