"""How the copies of an edition stand by provider, and how fast they went: counted in full when they are queued and when
the edition ends, and kept by the senders in between.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.delivery.models import Chunk, Delivery, DeliveryState
from app.delivery.outcomes import PULSE, STANDINGS, pulse_of
from app.delivery.senders import ProviderOutcomes, Pulse
from app.editions.models import Edition
from app.mail.providers import is_public_provider, provider_of_domain
from app.subscriptions.models import Subscriber, domain_of

#: Providers that are named, those with most copies; all others are one.
NAMED = 7
#: A domain that is no public provider's is named from so many copies on: fewer would tell of people.
LEAST_NAMED = 10
#: How far back the speed of an edition on its way is shown.
LATELY = timedelta(minutes=5)
#: The picture of one that ended goes on until this part of its copies had come to an end: retries may take a day more.
MOST_ENDED = 0.99
#: Steps of that picture, at most.
STEPS = 60

_STATES = {
    "waiting": DeliveryState.QUEUED,
    "deferred": DeliveryState.DEFERRED,
    "accepted": DeliveryState.ACCEPTED,
    "rejected": DeliveryState.REJECTED,
    "uncertain": DeliveryState.UNCERTAIN,
    "given_up": DeliveryState.CANCELLED,
}


@dataclass(frozen=True)
class Standing:
    """How the copies to one provider stand; "" is for all that are not named. Never less than nothing."""

    provider: str
    waiting: int
    deferred: int
    accepted: int
    rejected: int
    uncertain: int
    given_up: int

    @property
    def copies(self) -> int:
        """All copies to that provider."""
        return sum(getattr(self, name) for name in STANDINGS)


@dataclass(frozen=True)
class Pace:
    """How many copies a second came to an end, on average, from `at` on for `step`."""

    at: datetime
    step: timedelta
    per_second: float


@dataclass(frozen=True)
class Outcomes:
    """What is known of an edition's copies without reading them: by provider, most copies first, and by time."""

    standings: Sequence[Standing]
    paces: Sequence[Pace]

    def counts(self) -> dict[DeliveryState, int]:
        """Return how many copies are in which state, as far as senders tell; none where nothing was counted."""
        if not self.standings:
            return {}
        return {state: sum(getattr(each, name) for each in self.standings) for name, state in _STATES.items()}


def count_outcomes(session: Session, *, edition_id: int) -> None:
    """Count all copies of an edition by provider; what senders have added until then is in that count.

    Called in the transaction that queues copies, before anybody has one in hand.
    """
    keep_standings(session, read_standings(session, edition_id=edition_id), edition_id=edition_id)


def read_standings(session: Session, *, edition_id: int) -> Mapping[str, Counter[str]]:
    """Count all copies of an edition by provider and standing, which takes seconds for millions."""
    rows = session.execute(_copies_by_domain(session, edition_id)).all()
    by_provider: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for domain, standing, copies in rows:
        by_provider["" if domain is None else provider_of_domain(domain)][standing] += copies
    named = _named(by_provider)
    standings: defaultdict[str, Counter[str]] = defaultdict(Counter, {"": Counter()})
    for provider, counts in by_provider.items():
        standings[provider if provider in named else ""].update(counts)
    return standings


def keep_standings(session: Session, standings: Mapping[str, Counter[str]], *, edition_id: int) -> None:
    """Write how an edition's copies stand in place of all that was told; none may have changed since it was read."""
    ours = select(ProviderOutcomes).where(ProviderOutcomes.edition_id == edition_id)
    session.scalars(ours.order_by(ProviderOutcomes.provider, ProviderOutcomes.sender).with_for_update()).all()
    session.execute(
        delete(ProviderOutcomes).where(ProviderOutcomes.edition_id == edition_id),
        execution_options={"synchronize_session": False},
    )
    session.connection().execute(
        insert(ProviderOutcomes),
        [
            {"edition_id": edition_id, "provider": provider, "sender": "", **{name: counts[name] for name in STANDINGS}}
            for provider, counts in sorted(standings.items())
        ],
    )


def read_outcomes(session: Session, *, edition: Edition, now: datetime) -> Outcomes:
    """Read how an edition's copies stand by provider, and how fast they go, or went."""
    return Outcomes(_standings(session, edition.id), _paces(session, edition, now))


def _standings(session: Session, edition_id: int) -> list[Standing]:
    sums = [sa.func.sum(ProviderOutcomes.__table__.c[name]) for name in STANDINGS]
    rows = session.execute(
        select(ProviderOutcomes.provider, *sums)
        .where(ProviderOutcomes.edition_id == edition_id)
        .group_by(ProviderOutcomes.provider)
    )
    found = [Standing(provider, *(max(0, int(value)) for value in values)) for provider, *values in rows]
    shown = [standing for standing in found if standing.copies]
    return sorted(shown, key=lambda standing: (standing.provider == "", -standing.copies, standing.provider))


def _paces(session: Session, edition: Edition, now: datetime) -> list[Pace]:
    """Return the speed of late, or that of the whole run where it is over."""
    pulses = select(Pulse.at, sa.func.sum(Pulse.settled)).where(Pulse.edition_id == edition.id)
    is_over = edition.finished_at is not None
    if not is_over:
        pulses = pulses.where(Pulse.at >= pulse_of(now - LATELY))
    settled = dict(session.execute(pulses.group_by(Pulse.at).order_by(Pulse.at)).all())
    if not settled:
        return []
    end = _end_of_most(settled) if is_over else pulse_of(now) + PULSE
    begin = max(min(settled), end - LATELY) if not is_over else min(settled)
    step = PULSE * max(1, -(-int((end - begin) / PULSE) // STEPS))
    summed: Counter[int] = Counter()
    for at, number in settled.items():
        if begin <= at < end:
            summed[int((at - begin) / step)] += int(number)
    places = range(-(-(end - begin) // step))
    return [Pace(begin + place * step, step, summed[place] / step.total_seconds()) for place in places]


def _end_of_most(settled: Mapping[datetime, int]) -> datetime:
    enough, reached = MOST_ENDED * sum(settled.values()), 0
    for at, number in settled.items():
        reached += number
        if reached >= enough:
            return at + PULSE
    return max(settled) + PULSE


def _named(by_provider: Mapping[str, Counter[str]]) -> set[str]:
    able = [
        provider
        for provider, counts in by_provider.items()
        if provider and (is_public_provider(provider) or counts.total() >= LEAST_NAMED)
    ]
    return set(sorted(able, key=lambda provider: (-by_provider[provider].total(), provider))[:NAMED])


def _copies_by_domain(session: Session, edition_id: int) -> sa.Select[str | None, str, int]:
    domain = domain_of(session)
    standing = sa.case(
        (sa.and_(Delivery.state == DeliveryState.QUEUED, Delivery.attempt == 0), "waiting"),
        (Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.DEFERRED)), "deferred"),
        (Delivery.state == DeliveryState.ACCEPTED, "accepted"),
        (Delivery.state == DeliveryState.REJECTED, "rejected"),
        (Delivery.state == DeliveryState.UNCERTAIN, "uncertain"),
        else_="given_up",
    )
    return (
        select(domain, standing, sa.func.count())
        .join_from(Chunk, Delivery, Delivery.chunk_id == Chunk.id)
        .outerjoin(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(Chunk.edition_id == edition_id)
        .group_by(sa.text("1"), sa.text("2"))
    )
