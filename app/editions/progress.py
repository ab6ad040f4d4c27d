"""How far an edition is, and why copies of it did not arrive: all figures from one pass over its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.orm import Session

from app.delivery.models import OPEN, Chunk, Delivery, DeliveryState, Failures, state_now
from app.delivery.warm_ups import awaited_opening, awaits_warm_up, warming_newsletters
from app.editions.models import Edition, EditionStatus
from app.mail.meanings import Meaning

#: How far back the rate looks.
RATE_OVER = timedelta(minutes=1)
#: States of which people ask why.
UNHAPPY = (DeliveryState.REJECTED, DeliveryState.DEFERRED, DeliveryState.UNCERTAIN, DeliveryState.EXPIRED)
#: What ends by a reply, or for want of one; what is called off or given up is no speed.
#: As the partial index says it.
_HAS_FAILED = sa.text("chunks.failures > 0")
_ENDED_BY_TRY = (DeliveryState.ACCEPTED, DeliveryState.REJECTED, DeliveryState.UNCERTAIN)


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

    `warming` copies wait for a later day of their newsletter's warm-up, the first of them until `warming_until`.
    """

    counts: Mapping[DeliveryState, int]
    per_minute: float
    ends_at: datetime | None
    causes: Sequence[Cause]
    warming: int
    warming_until: datetime | None

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


def read_progress(session: Session, *, edition: Edition, now: datetime) -> Progress:
    """Read the figures of an edition."""
    is_warming = sa.and_(awaits_warm_up(now), Chunk.newsletter_id.in_(warming_newsletters()))
    groups = session.execute(_groups(edition.id, is_warming, now)).all()
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
    return Progress(counts, per_minute, ends_at, _causes(session, groups), warming, warming_until)


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


def _groups(
    edition_id: int, is_warming: ColumnElement[bool], now: datetime
) -> Select[DeliveryState, Meaning | None, int, int, int, datetime | None, datetime | None, int]:
    state = state_now().label("state")
    return (
        select(
            state,
            Delivery.meaning,
            sa.func.count().label("copies"),
            _counted(Delivery.settled_at > now - RATE_OVER, Delivery.state.in_(_ENDED_BY_TRY)).label("lately"),
            _counted(is_warming).label("warming"),
            sa.func.min(sa.case((is_warming, awaited_opening(now)))).label("warming_until"),
            sa.func.max(Delivery.next_attempt_at).label("last_due"),
            sa.func.min(Delivery.id).label("sample_id"),
        )
        .join(Chunk, Chunk.id == Delivery.chunk_id)
        .where(Chunk.edition_id == edition_id)
        .group_by(state, Delivery.meaning)
    )


def _counted(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*conditions), 1), else_=0)), 0)


def _causes(
    session: Session,
    groups: Sequence[Row[DeliveryState, Meaning | None, int, int, int, datetime | None, datetime | None, int]],
) -> list[Cause]:
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
    found = [Cause(group.state, group.meaning, group.copies, samples[group.sample_id]) for group in unhappy]
    return sorted(found, key=lambda cause: (UNHAPPY.index(cause.state), -cause.count))
