"""The warm-up of newsletters whose sender is new: the plan is made, read and ended here. Nothing here commits.

Days are UTC's: they begin for all senders at once, wherever a machine and a newsletter's readers are.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from app.db import insert_into
from app.delivery.claims import redate
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.delivery.senders import WarmUpDay, WarmUpPlan, WarmUpShare
from app.errors import InputRefused, TransitionRefused
from app.mail.warm_up import Allowance, Day, Held, WarmUp

#: When what waited for a day comes back: off the full hour, at which everybody's jobs send.
OPENS_AT = time(0, 17, tzinfo=UTC)
#: How far ahead a warm-up may be planned: until it starts nothing goes.
PLANNED_AHEAD = timedelta(days=366)
SHOWN_SHARES = 5
_UNSYNCHRONIZED = {"synchronize_session": False}
_BUSIEST = (
    select(sa.func.max(WarmUpShare.drawn))
    .where(WarmUpShare.newsletter_id == WarmUpDay.newsletter_id, WarmUpShare.day == WarmUpDay.day)
    .correlate(WarmUpDay)
    .scalar_subquery()
)
#: What a `Day` is made of.
_DAY = (
    WarmUpDay.day, WarmUpDay.doublings, WarmUpDay.drawn, WarmUpDay.deferred, sa.func.coalesce(_BUSIEST, 0),
    WarmUpDay.complaints,
)  # fmt: skip


@dataclass(frozen=True)
class WarmUpReport:
    """How a newsletter's warm-up stands `today`: its days, newest first, and the largest shares of today."""

    warm_up: WarmUp
    today: date
    ended_at: datetime | None
    days: Sequence[WarmUpDay]
    shares: Sequence[WarmUpShare]

    @property
    def day_number(self) -> int:
        """Which day of the warm-up it is, from 1; 0 or less before it starts."""
        return (self.today - self.warm_up.starts_on).days + 1

    @property
    def allowance(self) -> Allowance | None:
        """What may go today, or None where nothing is limited."""
        return None if self.ended_at is not None else self.warm_up.allowance(self.today)

    @property
    def ends_on(self) -> date:
        """The first day without a limit, as things stand."""
        return self.warm_up.ends_on(self.today)

    @property
    def held_days(self) -> int:
        """Days after which the allowance did not double."""
        return self.warm_up.held_days(self.today)

    @property
    def idle_days(self) -> int:
        """Those of them on which there was nothing to send."""
        return max(0, self.day_number - 1) - sum(day.day < self.today for day in self.days)

    @property
    def drawn(self) -> int:
        """Letters that took of today's allowance."""
        return sum(day.drawn for day in self.days if day.day == self.today)

    @property
    def left(self) -> int | None:
        """How many more letters may go today in all, or None where nothing is limited."""
        return None if self.allowance is None else max(0, self.allowance.total - self.drawn)

    def held(self, day: WarmUpDay) -> Held | None:
        """Why the allowance did not double after a day that is over."""
        last = self.warm_up.last
        return last.held if last is not None and last.day == day.day else day.held


def start_warm_up(
    session: Session, *, newsletter_id: int, starts_on: date, audience: int, largest_provider: int, now: datetime
) -> None:
    """Let a newsletter warm up; senders know within a second.

    Raises InputRefused for a day that is past or too far ahead, TransitionRefused where a warm-up is under way.
    """
    if not day_of(now) <= starts_on <= day_of(now) + PLANNED_AHEAD:
        raise InputRefused("a warm-up starts today or later, and within a year")
    values = {"newsletter_id": newsletter_id, "starts_on": starts_on, "audience": 0, "largest_provider": 0}
    session.execute(insert_into(session, WarmUpPlan).values(**values, ended_at=now).on_conflict_do_nothing())
    plan = session.scalars(_plan(newsletter_id).with_for_update(), execution_options={"populate_existing": True}).one()
    if plan.ended_at is None:
        raise TransitionRefused("the newsletter is warming up already")
    plan.starts_on, plan.ended_at = starts_on, None
    plan.audience, plan.largest_provider = audience, largest_provider
    session.flush()


def stop_warm_up(session: Session, *, newsletter_id: int, now: datetime) -> None:
    """End a newsletter's warm-up: all that waits goes at once. Raises TransitionRefused where none is under way."""
    plan = locked_plan(session, newsletter_id)
    if plan is None:
        raise TransitionRefused("the newsletter is not warming up")
    end_plan(session, plan, now=now)


def end_plan(session: Session, plan: WarmUpPlan, *, now: datetime) -> None:
    """End a plan that is locked, and let what waits for it go; what has expired meanwhile stays where it is."""
    plan.ended_at = now
    session.flush()
    for counts in (WarmUpDay, WarmUpShare):
        session.execute(
            delete(counts).where(counts.newsletter_id == plan.newsletter_id), execution_options=_UNSYNCHRONIZED
        )
    resting = select(Chunk.id).where(Chunk.newsletter_id == plan.newsletter_id, _is_open(now))
    _free(session, session.scalars(resting.with_for_update(skip_locked=True)).all(), now=now)


def free_where_ended(
    session: Session, chunks_by_newsletter: Mapping[int, Collection[int]], *, owners: Collection[str], now: datetime
) -> None:
    """Let go what waits for warm-ups that have ended, in chunks that `owners` give back in this transaction.

    `end_plan` passes over what somebody has in hand. Both lock the plan, and the later one frees the copies.
    """
    for newsletter_id in sorted(chunks_by_newsletter):
        if locked_plan(session, newsletter_id) is None:
            is_own = sa.and_(Chunk.id.in_(chunks_by_newsletter[newsletter_id]), Chunk.owner.in_(owners))
            _free(session, session.scalars(select(Chunk.id).where(is_own, _is_open(now))).all(), now=now)


def open_plan(session: Session, newsletter_id: int) -> WarmUpPlan | None:
    """Return the plan by which a newsletter is warming up, or is going to, if any."""
    return session.scalars(_plan(newsletter_id).where(WarmUpPlan.ended_at.is_(None))).one_or_none()


def locked_plan(session: Session, newsletter_id: int) -> WarmUpPlan | None:
    """As `open_plan`, and lock it: of several who draw from its days, one does so at a time."""
    query = _plan(newsletter_id).where(WarmUpPlan.ended_at.is_(None)).with_for_update()
    return session.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def count_complaint(session: Session, newsletter_id: int, *, now: datetime) -> None:
    """Count a complaint to the last day of a warm-up on which anything went, if the newsletter is warming up."""
    if open_plan(session, newsletter_id) is None:
        return
    last = select(sa.func.max(WarmUpDay.day)).where(
        WarmUpDay.newsletter_id == newsletter_id, WarmUpDay.day <= day_of(now)
    )
    session.execute(
        update(WarmUpDay)
        .where(WarmUpDay.newsletter_id == newsletter_id, WarmUpDay.day == last.scalar_subquery())
        .values(complaints=WarmUpDay.complaints + 1),
        execution_options=_UNSYNCHRONIZED,
    )


def warming_newsletters() -> sa.Select[int]:
    """Select the newsletters that are warming up, or are going to, by id."""
    return select(WarmUpPlan.newsletter_id).where(WarmUpPlan.ended_at.is_(None))


def last_day(session: Session, newsletter_id: int) -> Day | None:
    """Return the last day of which anything is counted."""
    days = select(*_DAY).where(WarmUpDay.newsletter_id == newsletter_id)
    row = session.execute(days.order_by(WarmUpDay.day.desc()).limit(1)).one_or_none()
    return None if row is None else Day(*row)


def letters_left(session: Session, *, newsletter_id: int, readers: int, now: datetime) -> int | None:
    """Return how many letters of a newsletter may still go today, or None where nothing is limited; one statement.

    `readers`: as many are known of now, though the plan may know of fewer.
    """
    newest = select(sa.func.max(WarmUpDay.day)).where(WarmUpDay.newsletter_id == newsletter_id).scalar_subquery()
    is_last = sa.and_(WarmUpDay.newsletter_id == WarmUpPlan.newsletter_id, WarmUpDay.day == newest)
    plans = _plan(newsletter_id).where(WarmUpPlan.ended_at.is_(None)).add_columns(*_DAY).outerjoin(WarmUpDay, is_last)
    row = session.execute(plans).one_or_none()
    if row is None:
        return None
    plan, *columns = row
    last = None if columns[0] is None else Day(*columns)
    warm_up = warm_up_of(plan, last)
    allowance = replace(warm_up, audience=max(warm_up.audience, readers)).allowance(day_of(now))
    drawn = last.sent if last is not None and last.day == day_of(now) else 0
    return None if allowance is None else max(0, allowance.total - drawn)


def warm_up_of(plan: WarmUpPlan, last: Day | None) -> WarmUp:
    """Return a plan as its rules see it."""
    return WarmUp(plan.starts_on, plan.audience, plan.largest_provider, last)


def read_warm_up(session: Session, *, newsletter_id: int, now: datetime) -> WarmUpReport | None:
    """Read how a newsletter's warm-up stands, or how it ended; None where there never was one."""
    plan = session.scalars(_plan(newsletter_id)).one_or_none()
    if plan is None:
        return None
    days = select(WarmUpDay).where(WarmUpDay.newsletter_id == newsletter_id).order_by(WarmUpDay.day.desc())
    shares = select(WarmUpShare).where(WarmUpShare.newsletter_id == newsletter_id, WarmUpShare.day == day_of(now))
    return WarmUpReport(
        warm_up=warm_up_of(plan, last_day(session, newsletter_id)),
        today=day_of(now),
        ended_at=plan.ended_at,
        days=session.scalars(days).all(),
        shares=session.scalars(
            shares.order_by(WarmUpShare.drawn.desc(), WarmUpShare.provider).limit(SHOWN_SHARES)
        ).all(),
    )


def awaits_warm_up(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a copy of a newsletter that warms up waits for a later day; it joins the chunk.

    No other wait of a copy that was never tried is as long.
    """
    opening = next_opening(now)
    is_dated = sa.or_(Delivery.next_attempt_at >= opening, Chunk.next_attempt_at >= opening)
    return sa.and_(_is_untried(), Chunk.lease_until.is_(None), is_dated)


def awaited_opening(now: datetime) -> ColumnElement[datetime | None]:
    """Return until when a copy waits that fulfils `awaits_warm_up`: its own date counts before its chunk's."""
    return sa.case(
        (Delivery.next_attempt_at >= next_opening(now), Delivery.next_attempt_at), else_=Chunk.next_attempt_at
    )


def day_of(now: datetime) -> date:
    """Return the day that it is, in UTC."""
    return now.astimezone(UTC).date()


def opening(day: date) -> datetime:
    """Return when what waited for `day` comes back."""
    return datetime.combine(day, OPENS_AT)


def next_opening(now: datetime) -> datetime:
    """Return when what waits for the next day comes back."""
    today = opening(day_of(now))
    return today if now < today else opening(day_of(now) + timedelta(days=1))


def _plan(newsletter_id: int) -> sa.Select[WarmUpPlan]:
    return select(WarmUpPlan).where(WarmUpPlan.newsletter_id == newsletter_id)


def _free(session: Session, chunks: Sequence[int], *, now: datetime) -> None:
    """Let the copies of free chunks, which the caller has locked, wait for no later day of a warm-up."""
    session.execute(
        update(Delivery)
        .where(Delivery.chunk_id.in_(chunks), _is_untried(), Delivery.next_attempt_at >= next_opening(now))
        .values(next_attempt_at=None),
        execution_options=_UNSYNCHRONIZED,
    )
    redate(session, Chunk.id.in_(chunks), Chunk.lease_until.is_(None), now=now)


def _is_open(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a chunk is free, has copies that wait, and has not expired."""
    return sa.and_(Chunk.lease_until.is_(None), Chunk.next_attempt_at.is_not(None), Chunk.expires_at > now)


def _is_untried() -> ColumnElement[bool]:
    return sa.and_(Delivery.state == DeliveryState.QUEUED, Delivery.attempt == 0)
