"""How far an edition is, and why copies of it did not arrive: all figures from one pass over its rows.

Pages do not wait for that pass where an edition is large: `counts` keeps what it found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from app.delivery.models import OPEN, Chunk, Delivery, DeliveryState, Failures, state_now
from app.delivery.retry import is_rejected_for_our_fault, is_uncertain_for_good
from app.delivery.warm_ups import awaited_opening, awaits_warm_up, warming_newsletters
from app.editions.models import Edition, EditionStatus
from app.mail.meanings import Meaning

#: How far back the rate looks.
RATE_OVER = timedelta(minutes=1)
#: States of which people ask why.
UNHAPPY = (DeliveryState.REJECTED, DeliveryState.DEFERRED, DeliveryState.UNCERTAIN, DeliveryState.EXPIRED)
#: As the partial index says it.
_HAS_FAILED = sa.text("chunks.failures > 0")
#: What ends by a reply, or for want of one; what is called off or given up is no speed.
_ENDED_BY_TRY = (DeliveryState.ACCEPTED, DeliveryState.REJECTED, DeliveryState.UNCERTAIN)


class Group(NamedTuple):
    """Copies of an edition in one state, for one reason.

    `lately` of them came to an end within the last minute. `warming` wait for a later day of a warm-up, the first of
    them until `warming_until`. `for_good` are uncertain and not sent again by themselves; `for_our_fault` were refused
    for what their readers had no part in. `last_due`: when the last of them is tried again. `sample_id`: one of them.
    """

    state: DeliveryState
    meaning: Meaning | None
    copies: int
    lately: int
    warming: int
    for_good: int
    for_our_fault: int
    warming_until: datetime | None
    last_due: datetime | None
    sample_id: int


@dataclass(frozen=True)
class Cause:
    """Why some copies are in a state, and one of the replies that say so; what was never tried has no meaning."""

    state: DeliveryState
    meaning: Meaning | None
    count: int
    sample: str


@dataclass(frozen=True)
class Progress:
    """The figures of a run. `per_minute` is the rate of late; `ends_at` is expected, or None where nothing moves.

    `is_new`: it began so lately that no rate tells anything yet.

    `warming` copies wait for a later day of their newsletter's warm-up, the first of them until `warming_until`.
    `counted_at`: when all but the counts was counted, where that was not just now.
    """

    counts: Mapping[DeliveryState, int]
    per_minute: float
    ends_at: datetime | None
    causes: Sequence[Cause]
    warming: int
    warming_until: datetime | None
    is_new: bool
    counted_at: datetime | None = None

    @property
    def total(self) -> int:
        """All copies."""
        return sum(self.counts.values())

    @property
    def open(self) -> int:
        """Copies that have not come to an end."""
        return sum(self.counts.get(state, 0) for state in OPEN)

    @property
    def settled(self) -> int:
        """Copies that have."""
        return self.total - self.open

    @property
    def accepted(self) -> int:
        """Copies that the next server took."""
        return self.counts.get(DeliveryState.ACCEPTED, 0)

    def by_state(self) -> list[tuple[DeliveryState, int]]:
        """Return all states in the order in which a copy goes through them."""
        return [(state, self.counts.get(state, 0)) for state in DeliveryState]


def count_progress(session: Session, *, edition: Edition, now: datetime) -> Progress:
    """Read the figures of an edition from its copies, in about a second for each 2,000,000 of them."""
    return progress_of(session, edition=edition, groups=count_groups(session, edition.id, now=now), now=now)


def progress_of(session: Session, *, edition: Edition, groups: Sequence[Group], now: datetime) -> Progress:
    """Return what groups of an edition's copies, counted at `now`, say of it."""
    counts: dict[DeliveryState, int] = {}
    for group in groups:
        counts[group.state] = counts.get(group.state, 0) + group.copies
    started_at = edition.started_at or now
    measured = max(timedelta(seconds=1), min(RATE_OVER, now - started_at))
    per_minute = sum(group.lately for group in groups) * (timedelta(minutes=1) / measured)
    open_ = sum(counts.get(state, 0) for state in OPEN)
    warming = sum(group.warming for group in groups)
    ends_at = None
    if edition.status is EditionStatus.SENDING and open_ and per_minute and not warming:
        dues = [group.last_due for group in groups if group.state is DeliveryState.DEFERRED and group.last_due]
        ends_at = max([now + timedelta(minutes=open_ / per_minute), *dues])
    warming_until = min((group.warming_until for group in groups if group.warming_until), default=None)
    is_new = now - started_at < RATE_OVER
    return Progress(counts, per_minute, ends_at, _causes(session, groups), warming, warming_until, is_new)


def count_groups(session: Session, edition_id: int, *, now: datetime) -> list[Group]:
    """Count the copies of an edition by state and reason, in one pass."""
    is_warming = sa.and_(awaits_warm_up(now), Chunk.newsletter_id.in_(warming_newsletters()))
    return [Group(*row) for row in session.execute(_groups(edition_id, is_warming, now))]


def unhappy_copies(
    edition_id: int, *, state: DeliveryState | None, meaning: Meaning | None, before: int | None = None
) -> Select[Delivery]:
    """Select the copies of an edition that are not well, or those in one state, or those for one reason.

    They come by their chunks, the last one first, from the chunk of the copy `before` on: none is looked for where no
    copy ever failed like that.
    """
    states = UNHAPPY if state is None else (state,)
    wanted: list[ColumnElement[bool]] = [Delivery.state.in_(states)]
    if meaning is not None:
        wanted.append(Delivery.meaning == meaning)
    if before is not None:
        theirs = select(Chunk.number).join(Delivery, Delivery.chunk_id == Chunk.id).where(Delivery.id == before)
        wanted.append(Chunk.number <= theirs.scalar_subquery())
    return (
        select(Delivery)
        .join(Chunk, Chunk.id == Delivery.chunk_id)
        .where(Chunk.edition_id == edition_id, _HAS_FAILED, Chunk.failures.bitwise_and(Failures.of(states)) > 0)
        .where(*wanted)
        .order_by(Chunk.number.desc())
    )


def _groups(edition_id: int, is_warming: ColumnElement[bool], now: datetime) -> Select[*tuple[Any, ...]]:
    state = state_now().label("state")
    return (
        select(
            state,
            Delivery.meaning,
            sa.func.count(),
            _counted(Delivery.settled_at > now - RATE_OVER, Delivery.state.in_(_ENDED_BY_TRY)),
            _counted(is_warming),
            _counted(is_uncertain_for_good()),
            _counted(is_rejected_for_our_fault()),
            sa.func.min(sa.case((is_warming, awaited_opening(now)))),
            sa.func.max(Delivery.next_attempt_at),
            sa.func.min(Delivery.id),
        )
        .join(Chunk, Chunk.id == Delivery.chunk_id)
        .where(Chunk.edition_id == edition_id)
        .group_by(state, Delivery.meaning)
    )


def _counted(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*conditions), 1), else_=0)), 0)


def _causes(session: Session, groups: Sequence[Group]) -> list[Cause]:
    """Return why, state by state, what concerns most copies first."""
    unhappy = [group for group in groups if group.state in UNHAPPY]
    if not unhappy:
        return []
    rows = session.execute(
        select(Delivery.id, Delivery.reply_code, Delivery.reply_text).where(
            Delivery.id.in_([group.sample_id for group in unhappy])
        )
    )
    samples = {key: f"{code or ''} {text or ''}".strip() for key, code, text in rows}
    found = [Cause(group.state, group.meaning, group.copies, samples.get(group.sample_id, "")) for group in unhappy]
    return sorted(found, key=lambda cause: (UNHAPPY.index(cause.state), -cause.count))
