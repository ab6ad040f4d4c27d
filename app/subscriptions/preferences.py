"""What a reader may choose, or have corrected: the language of the letters, and when to get none for a while."""

from datetime import UTC, date, datetime, time
from enum import Enum
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import months_later
from app.errors import InputRefused, NotFound, TransitionRefused
from app.newsletters.models import Newsletter
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.ledger import Act, record_act
from app.subscriptions.locking import lock_confirmed, lock_reader
from app.subscriptions.models import Subscription

#: The longest pause; who wants a longer one leaves.
PAUSE_MAX_MONTHS = 12


class PauseSpan(Enum):
    """The pauses that are offered by name: so many days, so many months."""

    WEEK = (7, 0)
    MONTH = (0, 1)
    QUARTER = (0, 3)

    def end(self, today: date) -> date:
        """Return the day on which letters come again."""
        days, months = self.value
        return date.fromordinal(months_later(today, months).toordinal() + days)


def change_language(session: Session, *, public_id: str, language: str, now: datetime) -> Subscription:
    """Send this reader's letters in `language` from now on.

    Raises NotFound, TransitionRefused where the reader has left, InputRefused for a language the newsletter has not.
    """
    subscription = lock_confirmed(session, public_id)
    _speak(session, subscription, language, ConsentMethod.PREFERENCES, now)
    return subscription


def correct_language(session: Session, *, subscriber_id: int, language: str, actor: str, now: datetime) -> None:
    """Send a reader's letters in `language`, as they asked the admin `actor` to (GDPR art. 16).

    Letters of newsletters that do not have it stay as they are. Raises NotFound, TransitionRefused where the reader has
    left, InputRefused where none of theirs has it.
    """
    if lock_reader(session, subscriber_id) is None:
        raise NotFound("no such reader")
    theirs = select(Subscription).where(
        Subscription.subscriber_id == subscriber_id, Subscription.status != SubscriptionStatus.UNSUBSCRIBED
    )
    theirs = theirs.order_by(Subscription.id).execution_options(populate_existing=True)
    subscriptions = session.scalars(theirs).all()
    of_newsletters = {each.newsletter_id: session.get_one(Newsletter, each.newsletter_id) for each in subscriptions}
    speaking = [each for each in subscriptions if language in of_newsletters[each.newsletter_id].language_codes]
    if not subscriptions:
        raise TransitionRefused("this reader has left: no letters come to them")
    if not speaking:
        raise InputRefused("no newsletter of this reader's is in this language")
    for subscription in speaking:
        _speak(session, subscription, language, ConsentMethod.ADMIN, now, actor=actor)


def pause(session: Session, *, public_id: str, until: date, now: datetime) -> Subscription:
    """Send this reader no editions before the day `until`, in the newsletter's own zone.

    Copies that wait already are withheld when their turn comes. Raises NotFound, TransitionRefused where the reader has
    left, InputRefused for a day that is not ahead, or further than a year.
    """
    subscription = lock_confirmed(session, public_id)
    zone = ZoneInfo(session.get_one(Newsletter, subscription.newsletter_id).timezone)
    today = now.astimezone(zone).date()
    if not today < until <= months_later(today, PAUSE_MAX_MONTHS):
        raise InputRefused("no such day to pause until")
    subscription.paused_until = datetime.combine(until, time.min, zone).astimezone(UTC)
    _record(session, subscription, ConsentKind.PAUSED, now, detail=f"until {until.isoformat()}")
    return subscription


def resume(session: Session, *, public_id: str, now: datetime) -> Subscription:
    """Send this reader the editions again that start from now on. Raises NotFound, TransitionRefused."""
    subscription = lock_confirmed(session, public_id)
    if subscription.paused_until is not None:
        is_paused = subscription.paused_until > now
        subscription.paused_until = None
        if is_paused:
            _record(session, subscription, ConsentKind.RESUMED, now)
    return subscription


def _speak(
    session: Session,
    subscription: Subscription,
    language: str,
    method: ConsentMethod,
    now: datetime,
    *,
    actor: str | None = None,
) -> None:
    newsletter = session.get_one(Newsletter, subscription.newsletter_id)
    newsletter.check_language(language)
    if language != subscription.language:
        subscription.language = language
        record_act(session, subscription, Act(ConsentKind.LANGUAGE_CHANGED, method, now, language, actor=actor))
        session.flush()


def _record(
    session: Session, subscription: Subscription, kind: ConsentKind, now: datetime, *, detail: str | None = None
) -> None:
    act = Act(kind, ConsentMethod.PREFERENCES, now, subscription.language, detail=detail)
    record_act(session, subscription, act)
    session.flush()
