"""A reader's say over what is counted of their reading: a consent of its own, apart from the newsletter's.

French and European law want it asked for separately, refused at no cost, and taken back as easily as given (French
Data Protection Act, art. 82; GDPR art. 7(3)).
"""

from datetime import datetime

from sqlalchemy.orm import Session

from app.errors import TextsNotShown
from app.newsletters.models import ConsentWording, WordingPurpose
from app.subscriptions.kinds import ConsentKind, ConsentMethod
from app.subscriptions.ledger import Act, record_act
from app.subscriptions.locking import lock_confirmed
from app.subscriptions.models import Subscription


def allow_counting(session: Session, *, public_id: str, wording_id: int, policy_id: int, now: datetime) -> Subscription:
    """Count what this reader opens and follows from now on; they were shown the texts named.

    Raises NotFound, TransitionRefused where the reader has left, TextsNotShown for a wording of something else or of
    another newsletter.
    """
    subscription = lock_confirmed(session, public_id)
    wording = session.get(ConsentWording, wording_id)
    is_about_it = wording is not None and wording.purpose is WordingPurpose.MEASUREMENT
    if wording is None or not is_about_it or wording.newsletter_id != subscription.newsletter_id:
        raise TextsNotShown("no wording about counting was shown")
    if subscription.is_counted:
        return subscription
    subscription.is_counted = True
    act = Act(
        kind=ConsentKind.COUNTING_ALLOWED,
        method=ConsentMethod.PREFERENCES,
        at=now,
        language=wording.language,
        wording_id=wording_id,
        policy_id=policy_id,
    )
    record_act(session, subscription, act)
    session.flush()
    return subscription


def end_counting(session: Session, *, public_id: str, now: datetime) -> Subscription:
    """Count nothing of this reader any more, in letters already sent either. Raises NotFound, TransitionRefused."""
    subscription = lock_confirmed(session, public_id)
    if not subscription.is_counted:
        return subscription
    subscription.is_counted = False
    act = Act(ConsentKind.COUNTING_ENDED, ConsentMethod.PREFERENCES, now, subscription.language)
    record_act(session, subscription, act)
    session.flush()
    return subscription
