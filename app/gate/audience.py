"""Who gets an edition and who does not, in numbers, and how it differs from the last one of its line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.editions.audience import count_superseded
from app.editions.compile import Line
from app.editions.models import Edition, EditionStatus
from app.gate.findings import Finding, What
from app.gate.models import Baseline
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscription

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


def count_places(session: Session, *, edition: Edition, now: datetime) -> Mapping[Place, int]:
    """Return how many subscriptions of the edition's newsletter and language stand where; one pass over the index."""
    status = Subscription.status
    place = sa.case(
        (status == SubscriptionStatus.PENDING, Place.PENDING.value),
        (status == SubscriptionStatus.HELD, Place.HELD.value),
        (status == SubscriptionStatus.UNSUBSCRIBED, Place.LEFT.value),
        (Subscription.is_withheld, Place.WITHHELD.value),
        (Subscription.paused_until > now, Place.PAUSED.value),
        else_=Place.GETS.value,
    )
    rows = session.execute(
        select(place, sa.func.count())
        .where(Subscription.newsletter_id == edition.newsletter_id, Subscription.language == edition.language)
        .group_by(place)
    )
    return {Place(name): number for name, number in rows}


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
