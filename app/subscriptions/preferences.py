"""What a confirmed reader may choose: today, the language of the letters."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.errors import InputRefused, NotFound, TransitionRefused
from app.newsletters.models import Newsletter
from app.subscriptions.ledger import Act, record_act
from app.subscriptions.locking import lock
from app.subscriptions.models import (
    ConsentKind,
    ConsentMethod,
    Subscription,
    SubscriptionStatus,
    subscription_by_public_id,
)


def change_language(session: Session, *, public_id: str, language: str, now: datetime) -> Subscription:
    """Send this reader's letters in `language` from now on.

    Raises NotFound, TransitionRefused where the reader has left, InputRefused for a language the newsletter has not.
    """
    subscription = session.scalars(subscription_by_public_id(public_id)).one_or_none()
    if subscription is None or not lock(session, subscription):
        raise NotFound("no such subscription")
    if subscription.status is not SubscriptionStatus.CONFIRMED:
        raise TransitionRefused("not subscribed")
    newsletter = session.get_one(Newsletter, subscription.newsletter_id)
    if language not in {face.language for face in newsletter.languages}:
        raise InputRefused("no such language")
    if language == subscription.language:
        return subscription
    subscription.language = language
    record_act(session, subscription, Act(ConsentKind.LANGUAGE_CHANGED, ConsentMethod.PREFERENCES, now, language))
    session.flush()
    return subscription
