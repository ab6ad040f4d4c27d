"""Which readers are meant: a filter as a value, in the words of an address, and as a query that indexes answer."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import TypeVar
from unicodedata import normalize

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, aliased, contains_eager

from app.choices.models import Cadence, Profile, Rhythm
from app.errors import AddressInvalid
from app.feedback.models import FeedbackEvent
from app.feedback.notices import NoticeKind
from app.i18n import LANGUAGES
from app.mail.address import parse_address
from app.newsletters.models import Newsletter
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import ConsentEvent

#: Readers are counted up to here; beyond, nobody needs the number.
COUNTED_MAX = 10_000
#: Characters of a topic's key.
TOPIC_MAX = 60
#: Characters of a newsletter's short name.
SLUG_MAX = 60
_BOUNCES = (NoticeKind.HARD, NoticeKind.SOFT)
#: No text that begins alike stands behind this in the order of bytes.
_LAST = "\U0010ffff"

Value = TypeVar("Value", bound=StrEnum)


class Origin(StrEnum):
    """Where a reader's consent came from."""

    FORM = "form"
    EMBEDDED_FORM = "embedded-form"
    ADMIN = "admin"
    IMPORTED = "imported"


#: What a subscription's first event is that tells so.
_FIRST_ACTS: Mapping[Origin, tuple[ConsentKind, ConsentMethod]] = {
    Origin.FORM: (ConsentKind.REQUESTED, ConsentMethod.FORM),
    Origin.EMBEDDED_FORM: (ConsentKind.REQUESTED, ConsentMethod.EMBEDDED_FORM),
    Origin.ADMIN: (ConsentKind.REQUESTED, ConsentMethod.ADMIN),
    Origin.IMPORTED: (ConsentKind.IMPORTED, ConsentMethod.ADMIN),
}
#: As the index says it that finds the few who came by a rare way.
_IS_ORIGIN = sa.text("consent_events.kind IN ('requested', 'imported')")


@dataclass(frozen=True)
class ReaderFilter:
    """Which readers are meant; what is not set does not matter. `since` is the day from which they are known.

    `newsletter` is the short name of one.
    """

    newsletter: str | None = None
    status: SubscriptionStatus | None = None
    language: str | None = None
    topic: str | None = None
    cadence: Cadence | None = None
    origin: Origin | None = None
    since: date | None = None
    bounced: bool = False
    restricted: bool = False

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "ReaderFilter":
        """Read a filter from the words of an address; what is none does not matter."""
        language, topic = query.get("language", ""), query.get("topic", "")[:TOPIC_MAX]
        newsletter = query.get("newsletter", "")[:SLUG_MAX]
        return cls(
            newsletter=newsletter if newsletter and newsletter.isprintable() else None,
            status=_member(SubscriptionStatus, query.get("status")),
            language=language if language in LANGUAGES else None,
            topic=topic if topic and topic.isprintable() else None,
            cadence=_member(Cadence, query.get("cadence")),
            origin=_member(Origin, query.get("origin")),
            since=_day(query.get("since", "")),
            bounced=bool(query.get("bounced")),
            restricted=bool(query.get("restricted")),
        )

    def as_query(self) -> dict[str, str]:
        """Return the words from which `from_query` reads the same filter."""
        words = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and value is not False:
                words[field.name] = (
                    "1" if value is True else value.isoformat() if isinstance(value, date) else str(value)
                )
        return words


def find_readers(wanted: ReaderFilter, *, beginning: str = "") -> Select[Subscription]:
    """Select the subscriptions of the readers that are meant, with their readers.

    With `beginning`, those whose address begins so; a whole address finds the one, however it is written.
    """
    query = select(Subscription).join(Subscription.subscriber).options(contains_eager(Subscription.subscriber))
    if beginning:
        start = _key_of(beginning)
        query = query.where(Subscriber.email_key >= start, Subscriber.email_key <= start + _LAST)
    return query.where(*_conditions(wanted))


def count_up_to(session: Session, query: Select[Subscription]) -> int:
    """Return how many there are, or one more than COUNTED_MAX where there are more."""
    some = query.with_only_columns(Subscription.id, maintain_column_froms=True).limit(COUNTED_MAX + 1).subquery()
    return session.scalar(select(sa.func.count()).select_from(some)) or 0


def _key_of(beginning: str) -> str:
    """Return how the keys of addresses begin that begin so; only of a whole domain is it known how it is stored."""
    try:
        return parse_address(beginning).key
    except AddressInvalid:
        return normalize("NFC", beginning.lower())


def _conditions(wanted: ReaderFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.newsletter:
        named = select(Newsletter.id).where(Newsletter.slug == wanted.newsletter)
        found.append(Subscription.newsletter_id == named.scalar_subquery())
    if wanted.status:
        found.append(Subscription.status == wanted.status)
    if wanted.language:
        found.append(Subscription.language == wanted.language)
    if wanted.topic:
        # Keys stand in the list between quotation marks, and hold none.
        names_it = sa.cast(Profile.followed, sa.Text()).contains(f'"{wanted.topic}"', autoescape=True)
        found.append(Subscription.profile_id.in_(select(Profile.id).where(names_it)))
    if wanted.cadence:
        found.append(Subscription.rhythm_id.in_(select(Rhythm.id).where(Rhythm.cadence == wanted.cadence)))
    if wanted.origin:
        found.append(_came_by(wanted.origin))
    if wanted.since:
        found.append(Subscriber.created_at >= datetime.combine(wanted.since, time(), UTC))
    if wanted.bounced:
        event = select(FeedbackEvent.id).where(FeedbackEvent.kind.in_(_BOUNCES))
        found.append(event.where(FeedbackEvent.subscriber_id == Subscription.subscriber_id).exists())
    if wanted.restricted:
        found.append(Subscriber.restricted_at.is_not(None))
    return found


def _came_by(origin: Origin) -> ColumnElement[bool]:
    kind, method = _FIRST_ACTS[origin]
    theirs = (
        select(ConsentEvent.id)
        .where(_IS_ORIGIN, ConsentEvent.kind == kind, ConsentEvent.method == method)
        .where(ConsentEvent.subscription_id == Subscription.id)
    )
    before = aliased(ConsentEvent)
    is_later = select(before.id).where(before.subscription_id == ConsentEvent.subscription_id)
    return theirs.where(~is_later.where(before.id < ConsentEvent.id).exists()).exists()


def _member(kind: type[Value], text: str | None) -> Value | None:
    return kind(text) if text in set(kind) else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
