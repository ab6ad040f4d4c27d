"""Periodic digests: which period is due, and that each gives exactly one edition.

A schedule's row holds the next period in UTC. Whoever moves it on, by an UPDATE that names the value it saw, has that
period; through restarts, a second scheduler and both clock changes the others find it gone.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim
from sqlalchemy import CursorResult, Select, select, update
from sqlalchemy.orm import Session

from app.db import Database
from app.delivery.queue import Announce, announce_nothing
from app.editions.audience import start_edition
from app.editions.compile import compile_edition
from app.editions.compose import set_letter
from app.editions.models import Compilation, CompileOutcome, Edition, EditionStatus, Schedule
from app.errors import InputRefused, TransitionRefused
from app.links import Links
from app.newsletters.models import Newsletter
from config import Config

log = logging.getLogger(__name__)

#: A period missed by less than this is caught up, once; an older one is only recorded.
CATCH_UP = timedelta(hours=24)
ACTOR = "schedule"


def install_schedules(session: Session, config: Config, now: datetime) -> None:
    """Give every newsletter, in each of its languages, the digest of the settings; a changed cron line takes effect."""
    for newsletter in session.scalars(select(Newsletter).with_for_update()):
        known = {
            schedule.language: schedule
            for schedule in session.scalars(select(Schedule).where(Schedule.newsletter_id == newsletter.id))
        }
        for face in newsletter.languages:
            schedule = known.get(face.language)
            if schedule is None:
                schedule = Schedule(newsletter_id=newsletter.id, language=face.language, cron="")
                session.add(schedule)
            if schedule.cron != config.digest_cron:
                schedule.cron = config.digest_cron
                schedule.next_run_at = next_run(config.digest_cron, newsletter.timezone, now)
    session.flush()


def run_due_schedules(
    database: Database, *, now: datetime, config: Config, links: Links, announce: Announce = announce_nothing
) -> list[Compilation]:
    """Compile the digests whose period has come, start them, and return what came of each.

    A transaction each, and none while a letter is set: a digest that was compiled and not started, because this
    process was killed or its letter could not be set, is started by the next run.
    """
    with database.reading() as session:
        due = session.scalars(_due_schedules(now)).all()
    compilations = []
    for schedule_id in due:
        with _going_on(f"schedule {schedule_id}"):
            compilations.append(_run_schedule(database, schedule_id, now))
    with database.reading() as session:
        waiting = session.scalars(_automatic_drafts(now)).all()
    for edition_id in waiting:
        with _going_on(f"edition {edition_id}"):
            _start_scheduled(database, edition_id, now=now, config=config, links=links, announce=announce)
    return [compilation for compilation in compilations if compilation is not None]


def next_run(cron: str, zone: str, after: datetime) -> datetime:
    """Return the first moment after `after`, in UTC, that `cron` names on the clocks of `zone`.

    An hour that the clocks skip runs when they have; an hour that they show twice runs the first time.
    """
    runs = (run.astimezone(UTC) for run in CronSim(cron, after.astimezone(ZoneInfo(zone))))
    # In the second showing of an hour the library names the first again, which is past.
    return next(run for run in runs if run > after)


def last_period(cron: str, zone: str, *, seen: datetime, now: datetime) -> datetime:
    """Return the newest period up to `now`, knowing that `seen` was due: of several missed ones only this may run."""
    period_at = seen
    upcoming = next_run(cron, zone, max(seen, now - CATCH_UP))
    while upcoming <= now:
        period_at = upcoming
        upcoming = next_run(cron, zone, upcoming)
    return period_at


def _claim_period(session: Session, schedule: Schedule, now: datetime) -> datetime | None:
    """Move the schedule on and return the period this process now has, or None where another was first."""
    zone = session.get_one(Newsletter, schedule.newsletter_id).timezone
    seen = schedule.next_run_at
    moved = session.execute(
        update(Schedule)
        .where(Schedule.id == schedule.id, Schedule.is_active)
        .where(Schedule.next_run_at == seen, Schedule.next_run_at <= now)  # read anew: it may have been moved on
        .values(next_run_at=next_run(schedule.cron, zone, now))
    )
    assert isinstance(moved, CursorResult)
    return last_period(schedule.cron, zone, seen=seen, now=now) if moved.rowcount == 1 else None


def _run_schedule(database: Database, schedule_id: int, now: datetime) -> Compilation | None:
    with database.transaction() as session:
        schedule = session.get_one(Schedule, schedule_id)
        period_at = _claim_period(session, schedule, now)
        if period_at is None:
            return None
        if now - period_at >= CATCH_UP:
            return _record_missed(session, schedule, period_at, now)
        return compile_edition(
            session,
            newsletter=session.get_one(Newsletter, schedule.newsletter_id),
            language=schedule.language,
            until=now,
            now=now,
            is_automatic=True,
            schedule_id=schedule.id,
            period_at=period_at,
        )


def _start_scheduled(
    database: Database, edition_id: int, *, now: datetime, config: Config, links: Links, announce: Announce
) -> None:
    try:
        with database.reading() as session:
            letter = set_letter(session, edition_id=edition_id, config=config, links=links, now=now)
        with database.transaction() as session:
            start_edition(session, letter=letter, actor=ACTOR, now=now, announce=announce)
    except TransitionRefused as refusal:
        log.info("edition %d is not started: %s", edition_id, refusal)  # somebody else was first, or changed it
    except InputRefused as refusal:
        log.error("edition %d cannot be sent as it is: %s", edition_id, refusal)


def _due_schedules(now: datetime) -> Select[int]:
    return select(Schedule.id).where(Schedule.is_active, Schedule.next_run_at <= now).order_by(Schedule.id)


def _automatic_drafts(now: datetime) -> Select[int]:
    return (
        select(Edition.id)
        .where(Edition.is_automatic, Edition.status == EditionStatus.DRAFT, Edition.created_at > now - CATCH_UP)
        .order_by(Edition.id)
    )


@contextmanager
def _going_on(what: str) -> Iterator[None]:
    """Log a failure and let the caller go on: one language's must not keep the other's digest back."""
    try:
        yield
    except Exception:
        log.exception("%s failed; the next run tries again", what)


def _record_missed(session: Session, schedule: Schedule, period_at: datetime, now: datetime) -> Compilation:
    missed = Compilation(
        schedule_id=schedule.id,
        period_at=period_at,
        newsletter_id=schedule.newsletter_id,
        language=schedule.language,
        since=period_at,
        until=period_at,
        at=now,
        outcome=CompileOutcome.MISSED,
    )
    session.add(missed)
    session.flush()
    return missed
