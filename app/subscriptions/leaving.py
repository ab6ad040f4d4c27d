"""Leaving: at once, without a reason, as often as the link is pressed (GDPR art. 7(3), RFC 8058)."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.delivery.queue import cancel_reader
from app.subscriptions.erasure import forget
from app.subscriptions.ledger import Act, record_act
from app.subscriptions.locking import lock
from app.subscriptions.models import (
    ConsentKind,
    ConsentMethod,
    Subscription,
    SubscriptionStatus,
    subscription_by_public_id,
)


def unsubscribe(session: Session, *, public_id: str, method: ConsentMethod, now: datetime) -> None:
    """End the subscription that a letter's link names, and cancel its copies that still wait.

    A second time, or for a reader erased since, nothing happens. A request never confirmed is forgotten altogether.
    """
    subscription = session.scalars(subscription_by_public_id(public_id)).one_or_none()
    if subscription is None or not lock(session, subscription):
        return
    end_subscription(session, subscription, method=method, now=now)


def end_subscription(session: Session, subscription: Subscription, *, method: ConsentMethod, now: datetime) -> bool:
    """As `unsubscribe`, for a caller that holds the reader's row; return whether there was anything to end."""
    if subscription.status is SubscriptionStatus.UNSUBSCRIBED:
        return False
    cancel_reader(session, subscriber_id=subscription.subscriber_id, newsletter_id=subscription.newsletter_id, now=now)
    if subscription.confirmed_at is None:
        forget(session, subscription, now=now)
        return True
    record_act(session, subscription, Act(ConsentKind.UNSUBSCRIBED, method, now, subscription.language))
    subscription.unsubscribe(now)
    session.flush()
    return True
