"""Why no letters come to a reader who is subscribed: what every page that would promise letters must look at first."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.subscriptions.models import Subscription, gets_letters


class Silence(StrEnum):
    """Why a confirmed subscription gets no editions; of several, the one that stands first."""

    RESTRICTED = "restricted"
    WITHHELD = "withheld"
    PAUSED = "paused"


def silence_of(subscription: Subscription, now: datetime) -> Silence | None:
    """Return why a confirmed subscription gets no editions at `now`, or None where it does (`gets_letters`)."""
    if subscription.subscriber.restricted_at is not None:
        return Silence.RESTRICTED
    if subscription.is_withheld:
        return Silence.WITHHELD
    is_paused = subscription.paused_until is not None and subscription.paused_until > now
    return Silence.PAUSED if is_paused else None


def letters_come(session: Session, subscriber_id: int, now: datetime) -> bool:
    """Whether a reader gets the editions of any newsletter at `now`."""
    theirs = select(Subscription.id).where(Subscription.subscriber_id == subscriber_id, gets_letters(now))
    return session.scalar(theirs.limit(1)) is not None
