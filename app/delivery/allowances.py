"""Drawing from the days of a warm-up: what may go is counted in rows that all senders share. Nothing here commits.

A letter draws for its first try alone, and gives back what it drew where no server but the relay heard of it. What a
killed sender had drawn stays drawn: that day lets fewer go. Whoever draws locks the newsletter's plan; the rows of its
days are written before those of its shares, in the order of their keys.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.db import insert_into
from app.delivery.claims import Copy, awaits_try
from app.delivery.endings import Ending
from app.delivery.models import Chunk, Delivery
from app.delivery.senders import WarmUpDay, WarmUpPlan, WarmUpShare
from app.delivery.warm_ups import day_of, end_plan, last_day, locked_plan, opening, warm_up_of
from app.mail.transport import Outcome, OutcomeKind
from app.mail.warm_up import Allowance, WarmUp, is_setback

_UNSYNCHRONIZED = {"synchronize_session": False}
_CHUNKS = Chunk.__table__
_REST = (
    sa.update(_CHUNKS)  # type: ignore[arg-type]
    .where(_CHUNKS.c.id == sa.bindparam("key"))
    .values(next_attempt_at=sa.bindparam("until"))
)


class Draw(NamedTuple):
    """What one letter drew from: the allowance of a newsletter's day, and its provider's share of that."""

    newsletter_id: int
    day: date
    provider: str


class Asking(NamedTuple):
    """A copy about to be tried for the first time, and the provider that it goes to."""

    copy: Copy
    provider: str

    @property
    def is_one_off(self) -> bool:
        """Whether somebody sits waiting for it: then it counts, and is never refused."""
        return self.copy.chunk.edition_id is None


def draw(
    session: Session, newsletter_id: int, *, asking: Sequence[Asking], now: datetime
) -> tuple[dict[int, Draw], dict[int, datetime]]:
    """Draw for letters of one newsletter; return what was drawn, and until when the others wait, by their ids."""
    plan = locked_plan(session, newsletter_id)
    if plan is None:
        return {}, {}
    last = last_day(session, newsletter_id)
    warm_up, day = warm_up_of(plan, last), max(day_of(now), last.day if last else day_of(now))
    allowance = warm_up.allowance(day)
    if allowance is None:
        # Only an edition's start counts the audience: before the first one it may be that of an empty newsletter.
        if not all(each.is_one_off for each in asking):
            end_plan(session, plan, now=now)
        return {}, {}
    until = opening(max(day + timedelta(days=1), plan.starts_on))
    if day < plan.starts_on:
        _let_rest(session, plan, until=until, now=now)
        return {}, _waits((each for each in asking if not each.is_one_off), until)
    granted = _grant(session, warm_up, newsletter_id, day, allowance, asking)
    if len(granted) < len(asking):
        _let_rest_if_spent(session, plan, day, allowance, until=until, now=now)
    return granted, _waits((each for each in asking if each.copy.id not in granted), until)


def settle_draws(session: Session, endings: Iterable[tuple[Draw, Ending]]) -> None:
    """Count how letters that had drawn ended, in the transaction that settles them."""
    given_back: Counter[Draw] = Counter()
    setbacks: Counter[tuple[int, date]] = Counter()
    for drawn, ending in endings:
        if _left_nothing(ending):
            given_back[drawn] += 1
        elif isinstance(ending, Outcome) and is_setback(ending):
            setbacks[drawn[:2]] += 1
    drawn_by_day: Counter[tuple[int, date]] = Counter()
    for drawn, number in given_back.items():
        drawn_by_day[drawn[:2]] -= number
    for newsletter_id, day in sorted(drawn_by_day.keys() | setbacks.keys()):
        key = (newsletter_id, day)
        _count(session, *key, drawn=drawn_by_day[key], setbacks=setbacks[key])
    for drawn in sorted(given_back):
        session.execute(
            update(WarmUpShare)
            .where(WarmUpShare.newsletter_id == drawn.newsletter_id)
            .where(WarmUpShare.day == drawn.day, WarmUpShare.provider == drawn.provider)
            .values(drawn=WarmUpShare.drawn - given_back[drawn]),
            execution_options=_UNSYNCHRONIZED,
        )


def _grant(
    session: Session,
    warm_up: WarmUp,
    newsletter_id: int,
    day: date,
    allowance: Allowance,
    asking: Sequence[Asking],
) -> dict[int, Draw]:
    """Take what there is of the day's allowance, in the order in which the copies come."""
    total = _opened_day(session, warm_up, newsletter_id, day)
    shares = _shares(session, newsletter_id, day, {each.provider for each in asking})
    granted: dict[int, Draw] = {}
    for each in asking:
        fits = total < allowance.total and shares[each.provider] < allowance.per_provider
        if fits or each.is_one_off:
            total, shares[each.provider] = total + 1, shares[each.provider] + 1
            granted[each.copy.id] = Draw(newsletter_id, day, each.provider)
    if granted:
        _count(session, newsletter_id, day, drawn=len(granted), setbacks=0)
        _add_shares(session, Counter(granted.values()))
    return granted


def _opened_day(session: Session, warm_up: WarmUp, newsletter_id: int, day: date) -> int:
    """Return how many letters have drawn from `day`; the first one closes the day before it."""
    last = warm_up.last
    if last is not None and last.day == day:
        return last.sent
    own_days, own_shares = WarmUpDay.newsletter_id == newsletter_id, WarmUpShare.newsletter_id == newsletter_id
    if last is not None:
        closing = update(WarmUpDay).where(own_days, WarmUpDay.day == last.day).values(held=last.held)
        session.execute(closing, execution_options=_UNSYNCHRONIZED)
    session.execute(delete(WarmUpShare).where(own_shares, WarmUpShare.day < day), execution_options=_UNSYNCHRONIZED)
    session.add(WarmUpDay(newsletter_id=newsletter_id, day=day, doublings=warm_up.doublings(day)))
    session.flush()
    return 0


def _shares(session: Session, newsletter_id: int, day: date, providers: set[str]) -> Counter[str]:
    rows = session.execute(
        select(WarmUpShare.provider, WarmUpShare.drawn)
        .where(WarmUpShare.newsletter_id == newsletter_id, WarmUpShare.day == day)
        .where(WarmUpShare.provider.in_(providers))
    )
    return Counter({provider: drawn for provider, drawn in rows})  # noqa: C416 - a Row is no tuple to mypy


def _add_shares(session: Session, drawn: Counter[Draw]) -> None:
    adding = insert_into(session, WarmUpShare)
    adding = adding.on_conflict_do_update(
        index_elements=["newsletter_id", "day", "provider"],
        set_={"drawn": WarmUpShare.__table__.c.drawn + adding.excluded.drawn},
    )
    session.execute(adding, [{**each._asdict(), "drawn": number} for each, number in sorted(drawn.items())])


def _count(session: Session, newsletter_id: int, day: date, *, drawn: int, setbacks: int) -> None:
    session.execute(
        update(WarmUpDay)
        .where(WarmUpDay.newsletter_id == newsletter_id, WarmUpDay.day == day)
        .values(drawn=WarmUpDay.drawn + drawn, deferred=WarmUpDay.deferred + setbacks),
        execution_options=_UNSYNCHRONIZED,
    )


def _let_rest_if_spent(
    session: Session, plan: WarmUpPlan, day: date, allowance: Allowance, *, until: datetime, now: datetime
) -> None:
    spent = select(WarmUpDay.drawn).where(WarmUpDay.newsletter_id == plan.newsletter_id, WarmUpDay.day == day)
    if (session.scalar(spent) or 0) >= allowance.total:
        _let_rest(session, plan, until=until, now=now)


def _let_rest(session: Session, plan: WarmUpPlan, *, until: datetime, now: datetime) -> None:
    """Date the free chunks of editions in which no copy was tried: a row each, instead of one for each of their copies.

    In the others some copies may be due for another try.
    """
    was_tried = select(Delivery.id).where(Delivery.chunk_id == Chunk.id, awaits_try(), Delivery.attempt > 0).exists()
    untried = (
        select(Chunk.id, Chunk.number)
        .where(Chunk.newsletter_id == plan.newsletter_id, Chunk.edition_id.is_not(None), Chunk.lease_until.is_(None))
        .where(Chunk.next_attempt_at <= now, sa.or_(Chunk.owner.is_(None), ~was_tried))
        .with_for_update(skip_locked=True)
    )
    resting = [{"key": key, "until": _turn(until, number)} for key, number in session.execute(untried)]
    if resting:
        session.connection().execute(_REST, resting)


def _waits(waiting: Iterable[Asking], until: datetime) -> dict[int, datetime]:
    """Return until when each copy waits, by its id."""
    return {each.copy.id: _turn(until, each.copy.chunk.number) for each in waiting}


def _turn(until: datetime, number: int) -> datetime:
    """Return when a chunk's turn comes: editions that share a day's allowance take turns, chunk by chunk."""
    return until + timedelta(seconds=number)


def _left_nothing(ending: Ending) -> bool:
    """Whether no server but the relay heard of a letter: its first try is still to come, or never will."""
    if not isinstance(ending, Outcome):
        return True
    return ending.concerns_route and not ending.names_recipient and ending.kind is not OutcomeKind.UNCERTAIN
