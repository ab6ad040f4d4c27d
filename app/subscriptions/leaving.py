"""Leaving: at once, without a reason, as often as the link is pressed (GDPR art. 7(3), RFC 8058).

A press by mistake can be taken back for ten minutes, on the page that follows it.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.delivery.queue import cancel_reader
from app.errors import DepartureStands
from app.subscriptions.departures.models import Departure
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.ledger import Act, record_act
from app.subscriptions.locking import lock
from app.subscriptions.models import Subscription, subscription_by_public_id
from app.subscriptions.rights.address_change import end_open_change
from app.subscriptions.rights.erasure import forget
from app.subscriptions.suppression import find_suppression

#: For how long a departure can be taken back.
UNDO_WITHIN = timedelta(minutes=10)


def unsubscribe(session: Session, *, public_id: str, method: ConsentMethod, now: datetime) -> None:
    """End the subscription that a letter's link names, and cancel its copies that still wait.

    A second time, or for a reader erased since, nothing happens. A request never confirmed is forgotten altogether, and
    by the link of the letter to a new address the change of address ends, not the subscription.
    """
    subscription = session.scalars(subscription_by_public_id(public_id)).one_or_none()
    if subscription is None:
        end_open_change(session, public_id=public_id, now=now)
        return
    if not lock(session, subscription):
        return
    end_subscription(session, subscription, method=method, now=now)


def end_subscription(session: Session, subscription: Subscription, *, method: ConsentMethod, now: datetime) -> bool:
    """As `unsubscribe`, for a caller that holds the reader's row; return whether there was anything to end."""
    if subscription.status is SubscriptionStatus.UNSUBSCRIBED:
        return False
    cancel_reader(session, subscriber_id=subscription.subscriber_id, newsletter_id=subscription.newsletter_id, now=now)
    if subscription.confirmed_at is None:
        chain_id, newsletter_id = subscription.subscriber.chain_id, subscription.newsletter_id
        session.add(Departure(chain_id=chain_id, newsletter_id=newsletter_id, at=now))
        forget(session, subscription, now=now)
        return True
    record_act(session, subscription, Act(ConsentKind.UNSUBSCRIBED, method, now, subscription.language))
    subscription.unsubscribe(now)
    session.flush()
    return True


def undo_departure(session: Session, *, public_id: str, suppression_key: str, now: datetime) -> Subscription:
    """Take a departure of the last ten minutes back; copies that it called off stay called off.

    A second time nothing happens. Raises DepartureStands where it is too late, or where more was asked than to leave:
    an objection stands.
    """
    subscription = session.scalars(subscription_by_public_id(public_id)).one_or_none()
    if subscription is None or not lock(session, subscription):
        raise DepartureStands("gone")
    if subscription.status is SubscriptionStatus.CONFIRMED:
        return subscription
    _check_departure(session, subscription, suppression_key, now)
    subscription.undo_departure()
    act = Act(ConsentKind.DEPARTURE_UNDONE, ConsentMethod.UNSUBSCRIBE_PAGE, now, subscription.language)
    record_act(session, subscription, act)
    session.flush()
    return subscription


def _check_departure(session: Session, subscription: Subscription, suppression_key: str, now: datetime) -> None:
    """Raise DepartureStands unless the departure of a subscription, whose reader is held, may be taken back."""
    left_at = subscription.unsubscribed_at
    if subscription.status is not SubscriptionStatus.UNSUBSCRIBED or left_at is None or not subscription.was_confirmed:
        raise DepartureStands("gone")
    if subscription.subscriber.restricted_at is not None:
        raise DepartureStands("restricted")
    if subscription.is_withheld:
        email_key = subscription.subscriber.email_key
        suppression = find_suppression(session, email_key=email_key, suppression_key=suppression_key)
        raise DepartureStands("stopped" if suppression is not None and suppression.may_ask else "closed")
    if now - left_at > UNDO_WITHIN:
        raise DepartureStands("late")
