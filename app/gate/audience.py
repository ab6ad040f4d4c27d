"""Who gets an edition and who does not, in numbers, and how it differs from the last one of its line."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Database
from app.editions.audience import count_superseded
from app.editions.lines import Line
from app.editions.models import Edition, EditionStatus
from app.gate.findings import Finding, What
from app.gate.models import Baseline, PlaceCount
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscription

#: So many subscriptions are counted as a page is made, within some ten milliseconds.
COUNTED_AT_ONCE = 20_000
#: Losing more than this share of the readers since the last edition is worth a look.
FEWER_SHARE = 0.2


class Place(StrEnum):
    """Where a subscription stands as to an edition: its reader gets it, or why not."""

    GETS = "gets"
    PENDING = "pending"
    HELD = "held"
    PAUSED = "paused"
    WITHHELD = "withheld"
    LEFT = "left"


@dataclass(frozen=True)
class Last:
    """The last edition of a line that started, and what it started with, where that is known.

    `waiting`: copies of it, and of those before, that are given up when the next one starts.
    """

    edition: Edition
    baseline: Baseline | None
    waiting: int


def read_places(session: Session, *, edition: Edition, now: datetime) -> tuple[Mapping[Place, int], datetime | None]:
    """Return how many subscriptions of the edition's newsletter and language stand where, in one statement.

    Many are not counted for a page: then these are kept numbers, and the time at which they were counted.
    """
    kept = select(PlaceCount.place, PlaceCount.number, PlaceCount.counted_at).where(
        PlaceCount.newsletter_id == edition.newsletter_id, PlaceCount.language == edition.language
    )
    # A condition that names no row of its table is looked at once, before any.
    counted = _counted(now).where(
        Subscription.newsletter_id == edition.newsletter_id, Subscription.language == edition.language, ~kept.exists()
    )
    rows = session.execute(sa.union_all(kept, counted)).all()
    return {Place(row.place): row.number for row in rows}, next((row.counted_at for row in rows), None)


def keep_places(database: Database, *, now: datetime) -> None:
    """Count the subscriptions of all newsletters, and keep the numbers where there are too many for a page to count."""
    with database.reading() as session:
        line = (Subscription.newsletter_id, Subscription.language)
        rows = session.execute(_counted(now).add_columns(*line).group_by(*line)).all()
    sizes: Counter[tuple[int, str]] = Counter()
    for row in rows:
        sizes[row.newsletter_id, row.language] += row.number
    kept = [
        {**row._mapping, "counted_at": now} for row in rows if sizes[row.newsletter_id, row.language] > COUNTED_AT_ONCE
    ]
    with database.transaction() as session:
        session.execute(sa.delete(PlaceCount))
        if kept:
            session.execute(sa.insert(PlaceCount), kept)


def _counted(now: datetime) -> sa.Select[*tuple[Any, ...]]:
    """Select how many subscriptions stand where; one pass over the index."""
    status = Subscription.status
    place = sa.case(
        (status == SubscriptionStatus.PENDING, Place.PENDING.value),
        (status == SubscriptionStatus.HELD, Place.HELD.value),
        (status == SubscriptionStatus.UNSUBSCRIBED, Place.LEFT.value),
        (Subscription.is_withheld, Place.WITHHELD.value),
        (Subscription.paused_until > now, Place.PAUSED.value),
        else_=Place.GETS.value,
    ).label("place")
    nothing = sa.cast(sa.null(), PlaceCount.__table__.c.counted_at.type).label("counted_at")
    return select(place, sa.func.count().label("number"), nothing).select_from(Subscription).group_by(place)


def read_last(session: Session, edition: Edition) -> Last | None:
    """Return the last edition of the same line that started before, or None for the first one."""
    started = (
        select(Edition, Baseline, count_superseded(session, edition=edition).scalar_subquery())
        .outerjoin(Baseline, Baseline.edition_id == Edition.id)
        .where(Line.of(session, edition).holds(Edition), Edition.variant_of.is_(None), Edition.id != edition.id)
        .where(Edition.started_at.is_not(None), Edition.status != EditionStatus.CANCELLED)
        .order_by(Edition.id.desc())
    )
    found = session.execute(started.limit(1)).one_or_none()
    return Last(*found) if found else None


def check_last(edition: Edition, last: Last, *, readers: int) -> Iterator[Finding]:
    """Yield that the subject is the last one's, and that many readers are gone."""
    if edition.subject.casefold() == last.edition.subject.casefold():
        yield Finding(What.SUBJECT_REPEATED, edition.subject)
    if last.baseline is not None and readers < last.baseline.readers * (1 - FEWER_SHARE):
        yield Finding(What.READERS_FEWER, measured=f"{last.baseline.readers - readers}")
