"""All that happened with one reader, in one line of time: what they agreed to and changed, letters, what came back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement, SQLColumnExpression, select
from sqlalchemy.orm import Session

from app.delivery.models import Chunk, Delivery, DeliveryState, state_now
from app.editions.models import Edition
from app.feedback.models import FeedbackEvent
from app.feedback.reading import events_of_reader
from app.newsletters.models import ConsentWording, PrivacyPolicy
from app.subscriptions.models import Subscriber
from app.subscriptions.records import ConsentEvent

PAGE_LENGTH = 30


@dataclass(frozen=True)
class ActEntry:
    """What was done with the reader's consent or data, and the versions of the texts that were shown."""

    at: datetime
    event: ConsentEvent
    wording: int | None
    policy: int | None


@dataclass(frozen=True)
class LetterEntry:
    """A letter, and what became of it; `at` is when it was settled, or else queued. Editions have a subject."""

    at: datetime
    kind: str
    state: DeliveryState
    subject: str | None
    language: str | None
    delivery: Delivery


@dataclass(frozen=True)
class NoticeEntry:
    """What came back of a letter, and what the server said."""

    at: datetime
    event: FeedbackEvent
    words: str


Entry = ActEntry | LetterEntry | NoticeEntry


@dataclass(frozen=True)
class Chronicle:
    """Some entries, newest first; the next ones are those `before` a time, if there are any."""

    entries: Sequence[Entry]
    before: datetime | None


def read_chronicle(session: Session, subscriber: Subscriber, *, before: datetime | None = None) -> Chronicle:
    """Return a page of what happened with a reader, from the newest or from `before`.

    Entries of the same moment stay together, so that none falls between two pages.
    """
    found: list[Entry] = []
    for read in (_acts, _letters, _notices):
        found += read(session, subscriber, before)
    found.sort(key=lambda entry: entry.at, reverse=True)
    end = min(PAGE_LENGTH, len(found))
    while 0 < end < len(found) and found[end].at == found[end - 1].at:
        end += 1
    return Chronicle(found[:end], found[end - 1].at if end < len(found) else None)


def _acts(session: Session, subscriber: Subscriber, before: datetime | None) -> list[ActEntry]:
    rows = session.execute(
        select(ConsentEvent, ConsentWording.version, PrivacyPolicy.version)
        .outerjoin(ConsentWording, ConsentEvent.wording_id == ConsentWording.id)
        .outerjoin(PrivacyPolicy, ConsentEvent.policy_id == PrivacyPolicy.id)
        .where(ConsentEvent.chain_id == subscriber.chain_id, _is_before(ConsentEvent.at, before))
        .order_by(ConsentEvent.at.desc(), ConsentEvent.seq.desc())
        .limit(PAGE_LENGTH + 1)
    )
    return [ActEntry(event.at, event, wording, policy) for event, wording, policy in rows]


def _letters(session: Session, subscriber: Subscriber, before: datetime | None) -> list[LetterEntry]:
    at = sa.func.coalesce(Delivery.settled_at, Chunk.created_at, type_=Chunk.__table__.c.created_at.type)
    rows = session.execute(
        select(at, Chunk.kind, state_now(), Edition.subject, Edition.language, Delivery)
        .join_from(Delivery, Chunk, Chunk.id == Delivery.chunk_id)
        .outerjoin(Edition, Edition.id == Delivery.edition_id)
        .where(Delivery.subscriber_id == subscriber.id, _is_before(at, before))
        .order_by(at.desc(), Delivery.id.desc())
        .limit(PAGE_LENGTH + 1)
    )
    return [LetterEntry(*row) for row in rows]


def _notices(session: Session, subscriber: Subscriber, before: datetime | None) -> list[NoticeEntry]:
    told = events_of_reader(session, subscriber.id, before=before, limit=PAGE_LENGTH + 1)
    return [NoticeEntry(each.event.at, each.event, each.words) for each in told]


def _is_before(at: SQLColumnExpression[datetime], before: datetime | None) -> ColumnElement[bool]:
    return sa.true() if before is None else at < before
