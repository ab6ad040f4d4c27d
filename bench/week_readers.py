"""Six readers of the week, as different as real ones are, who sign up and choose as the pages let them."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.choices.choices import Interests, Timing
from app.choices.choosing import choose
from app.choices.models import Cadence
from app.digests.coverage import covered_since
from app.digests.schedule import ensure_schedules
from app.mail.address import parse_address
from app.newsletters.models import Newsletter
from app.newsletters.wordings import texts_in_force
from app.product import Product
from app.subscriptions.confirming import confirm_subscription
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.preferences import pause
from app.subscriptions.signup import request_subscription

EVERYTHING = Interests()


@dataclass(frozen=True)
class Reader:
    """One reader: `language` of the letters, what to read and when; a pause is (the day it begins, the day it ends)."""

    name: str
    about: str
    language: str
    interests: Interests = EVERYTHING
    timing: Timing | None = None
    pause: tuple[date, date] | None = None

    @property
    def address(self) -> str:
        """Where their letters go."""
        return f"{self.name}@reader.example"

    @property
    def languages(self) -> tuple[str, ...]:
        """What they can read."""
        return (self.language, *self.interests.also_reads)


READERS = (
    Reader("anne", "French, daily, everything", "fr", timing=Timing(Cadence.DAILY, 7, 0, "Europe/Paris")),
    Reader(
        "ben", "English, weekly, follows espionage and China", "en",
        Interests(followed=frozenset({"theme:espionage", "place:CN"})), Timing(Cadence.WEEKLY, 8, 1, "Europe/London"),
    ),
    Reader(
        "chloe", "both languages, daily in the evening, mutes industry", "fr",
        Interests(("en",), muted=frozenset({"theme:industry"})), Timing(Cadence.DAILY, 18, 0, "Europe/Paris"),
    ),
    Reader("dan", "English, flashes and a digest a day", "en", timing=Timing(Cadence.REAL_TIME, 7, 0, "Europe/London")),
    Reader(
        "eve", "English, weekly in New York, pauses over one letter", "en",
        timing=Timing(Cadence.WEEKLY, 9, 3, "America/New_York"), pause=(date(2026, 7, 29), date(2026, 8, 1)),
    ),
    Reader(
        "farid", "both languages, daily, follows North Korea alone", "fr",
        Interests(("en",), followed=frozenset({"place:KP"})), Timing(Cadence.DAILY, 7, 0, "Asia/Baku"),
    ),
)  # fmt: skip


def sign_up(session: Session, product: Product, reader: Reader, now: datetime) -> None:
    """Let a reader ask, confirm and choose."""
    newsletter, language, key = (
        session.scalars(select(Newsletter)).one(),
        reader.language,
        product.config.suppression_key,
    )
    request_subscription(
        session, address=parse_address(reader.address), newsletter_id=newsletter.id,
        form_url=product.links.home(language), method=ConsentMethod.FORM,
        shown=texts_in_force(session, 1, language), suppression_key=key, now=now,
    )  # fmt: skip
    asked = _subscription(session, reader)
    subscription = confirm_subscription(
        session, confirmation_id=asked.confirmation_id or "", suppression_key=key, now=now
    )
    since = covered_since(session, subscription, now)
    chosen = {"interests": reader.interests, "timing": reader.timing}
    choose(session, public_id=subscription.public_id, **chosen, since=since, now=now)
    session.flush()
    ensure_schedules(session, subscription, now)


def begin_pause(session: Session, reader: Reader, now: datetime) -> None:
    """Let a reader pause on the day on which they do."""
    if reader.pause and reader.pause[0] == now.date():
        pause(session, public_id=_subscription(session, reader).public_id, until=reader.pause[1], now=now)


def _subscription(session: Session, reader: Reader) -> Subscription:
    of_reader = select(Subscription).join(Subscriber).where(Subscriber.email == reader.address)
    return session.scalars(of_reader).one()
