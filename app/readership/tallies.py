"""How many readers came and went, day by day, counted once from the ledger: nobody counts a million subscriptions.

Events are taken in the order of their ids. On PostgreSQL these become visible out of order, since whoever drew a lower
one may commit later; so only what was recorded `LAG` ago is counted, and no transaction that records consent takes that
long. What is younger is looked at with each question, up to `TAIL` events.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Database, insert_into, is_among
from app.readership.models import ReadershipCursor, ReadershipDay
from app.readership.standing import Change, Event, Standing
from app.subscriptions.records import ConsentEvent

LAG = timedelta(minutes=10)
#: Events counted in one transaction; events too young to be counted that are looked at with each question.
BATCH, TAIL = 2_000, 500
_CURSOR = 1
_COUNTED = select(ReadershipCursor.event_id).where(ReadershipCursor.id == _CURSOR)
_EVENT = ConsentEvent.__table__.c
_TOLD = [_EVENT[name] for name in Event._fields]
_WHAT = ("joined", "left", "moved")

#: By day, newsletter and language: joined, left, moved.
Days = dict[tuple[date, int, str], tuple[int, int, int]]


@dataclass(frozen=True)
class DayOfReaders:
    """Readers won and lost on a day."""

    day: date
    joined: int
    left: int


@dataclass(frozen=True)
class Readership:
    """How many readers there are, and how that came about: every day of late, those without a change too.

    `waiting`: there are more young events than are looked at, so that the figures are some minutes old.
    """

    by_language: Mapping[str, int]
    days: Sequence[DayOfReaders]
    waiting: bool = False

    @property
    def total(self) -> int:
        """All readers."""
        return sum(self.by_language.values())

    @property
    def joined(self) -> int:
        """Readers won over the days shown."""
        return sum(day.joined for day in self.days)

    @property
    def left(self) -> int:
        """Readers lost over the days shown."""
        return sum(day.left for day in self.days)

    @property
    def most(self) -> int:
        """The largest number of a day, for a scale."""
        return max((max(day.joined, day.left) for day in self.days), default=0)


def advance_tallies(session: Session, *, zone: str, now: datetime) -> int:
    """Count the next events that are old enough, once, and return how many they were."""
    cursor = _hold_cursor(session)
    ids = sa.select(_EVENT.id, _EVENT.chain_id, _EVENT.seq, _EVENT.at).where(_EVENT.id > cursor.event_id)
    due = []
    for row in session.execute(ids.order_by(_EVENT.id).limit(BATCH)):
        if row.at > now - LAG:
            break  # a later one may be old enough by its clock, and waits all the same
        due.append(row)
    cursor.counted_at = now
    if not due:
        return 0
    last = due[-1].id
    chains = list({row.chain_id for row in due})
    events = sa.select(_EVENT.id, _EVENT.chain_id, *_TOLD).where(is_among(_EVENT.chain_id, "chains"), _EVENT.id <= last)
    rows = session.execute(events.order_by(_EVENT.chain_id, _EVENT.seq), {"chains": json.dumps(chains)})
    _add(session, _sum(_changes(rows, zone, after=cursor.event_id)))
    cursor.event_id = last
    return len(due)


def read_readership(session: Session, *, newsletter_id: int, zone: str, days: int, now: datetime) -> Readership:
    """Return how many readers a newsletter has, and how many came and went on each of so many days up to now.

    Wants a session that sees one moment throughout: the days and the events behind them belong together.
    """
    today = now.astimezone(ZoneInfo(zone)).date()
    first = today - timedelta(days=days - 1)
    table = ReadershipDay
    is_shown = table.day >= first
    day = sa.case((is_shown, table.day), else_=sa.null())
    sums = (sa.func.sum(table.joined), sa.func.sum(table.left), sa.func.sum(table.moved))
    counted = select(day, table.language, *sums).where(table.newsletter_id == newsletter_id)
    changes = [
        Change(each or date.min, newsletter_id, language, joined, left, moved)
        for each, language, joined, left, moved in session.execute(counted.group_by(day, table.language))
    ]
    tail, is_whole = _read_tail(session, zone)
    changes += (change for change in tail if change.newsletter_id == newsletter_id)
    by_language: Counter[str] = Counter()
    joined_on: Counter[date] = Counter()
    left_on: Counter[date] = Counter()
    for change in changes:
        by_language[change.language] += change.joined - change.left + change.moved
        joined_on[change.day] += change.joined
        left_on[change.day] += change.left
    shown = [first + timedelta(days=number) for number in range(days)]
    return Readership(by_language, [DayOfReaders(day, joined_on[day], left_on[day]) for day in shown], not is_whole)


def recount(database: Database, *, zone: str) -> Days:
    """Count all over again what is counted, put right what differs, and return the differences.

    The ledger is read at one moment, outside of what writes; differences are added, so that counting may go on
    meanwhile. Readers whose proofs were pruned, years after they left, are in no day any more.
    """
    with database.snapshot() as session:
        known = _stored(session)
        last = session.scalar(_COUNTED) or 0
        events = select(_EVENT.id, _EVENT.chain_id, *_TOLD).where(_EVENT.id <= last)
        rows = session.execute(events.order_by(_EVENT.chain_id, _EVENT.seq), execution_options={"yield_per": BATCH})
        wanted = _sum(_changes(rows, zone, after=0))
    differences = {
        key: (joined, left, moved)
        for key in sorted(known.keys() | wanted.keys())
        for joined, left, moved in [_minus(wanted.get(key, (0, 0, 0)), known.get(key, (0, 0, 0)))]
        if joined or left or moved
    }
    with database.transaction() as session:
        _hold_cursor(session)
        _add(session, differences)
    return differences


def _hold_cursor(session: Session) -> ReadershipCursor:
    """Return the cursor's row, held until the transaction ends."""
    begun = insert_into(session, ReadershipCursor).values(id=_CURSOR, event_id=0).on_conflict_do_nothing()
    session.execute(begun)
    return session.get_one(ReadershipCursor, _CURSOR, with_for_update=True, populate_existing=True)


def _read_tail(session: Session, zone: str) -> tuple[list[Change], bool]:
    """Return what the events behind the cursor change, and whether these are all."""
    counted = sa.func.coalesce(_COUNTED.scalar_subquery(), 0)
    young = select(_EVENT.chain_id).where(_EVENT.id > counted).order_by(_EVENT.id).limit(TAIL + 1)
    events = select(_EVENT.id, _EVENT.chain_id, *_TOLD, counted.label("counted"))
    of_young = events.where(_EVENT.chain_id.in_(select(young.subquery().c.chain_id)))
    rows = session.execute(of_young.order_by(_EVENT.chain_id, _EVENT.seq)).all()
    after = rows[0].counted if rows else 0
    is_whole = sum(row.id > after for row in rows) <= TAIL
    return list(_changes(rows, zone, after=after)), is_whole


def _changes(rows: Iterable[sa.Row[*tuple[Any, ...]]], zone: str, *, after: int) -> Iterator[Change]:
    """Yield what the events with an id above `after` change; `rows` come chain by chain, whole from their beginning."""
    clock, told = ZoneInfo(zone), attrgetter(*Event._fields)
    for _, events in groupby(rows, key=itemgetter(1)):
        standing = Standing(clock)
        for row in events:
            changes = standing.take(Event(*told(row)))
            yield from (change for change in list(changes) if row.id > after)


def _sum(changes: Iterable[Change]) -> Days:
    days: dict[tuple[date, int, str], list[int]] = {}
    for change in changes:
        sums = days.setdefault((change.day, change.newsletter_id, change.language), [0, 0, 0])
        for place, name in enumerate(_WHAT):
            sums[place] += getattr(change, name)
    return {key: (joined, left, moved) for key, (joined, left, moved) in days.items()}


def _add(session: Session, days: Days) -> None:
    if not days:
        return
    rows = [
        {"day": day, "newsletter_id": newsletter_id, "language": language, **dict(zip(_WHAT, sums, strict=True))}
        for (day, newsletter_id, language), sums in sorted(days.items())
    ]
    adding = insert_into(session, ReadershipDay)
    added = {name: ReadershipDay.__table__.c[name] + adding.excluded[name] for name in _WHAT}
    session.execute(adding.on_conflict_do_update(index_elements=["day", "newsletter_id", "language"], set_=added), rows)


def _stored(session: Session) -> Days:
    table = ReadershipDay
    rows = session.execute(
        select(table.day, table.newsletter_id, table.language, table.joined, table.left, table.moved)
    )
    return {
        (day, newsletter_id, language): (joined, left, moved)
        for day, newsletter_id, language, joined, left, moved in rows
    }


def _minus(one: tuple[int, int, int], other: tuple[int, int, int]) -> tuple[int, int, int]:
    return one[0] - other[0], one[1] - other[1], one[2] - other[2]
