"""What is known of each periodic job's last run: one row a job, and whether somebody asked for one out of turn."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Database, insert_into
from app.jobs.models import ERROR_MAX, JobRun, RunOutcome


def begin_run(database: Database, *, name: str, now: datetime) -> None:
    """Note that a job begins."""
    with database.transaction() as session:
        run = _hold(session, name)
        run.started_at, run.duration_ms, run.outcome = now, None, RunOutcome.RUNS


def end_run(database: Database, *, name: str, now: datetime) -> None:
    """Note that a job ended well."""
    with database.transaction() as session:
        run = _hold(session, name)
        run.outcome, run.failures = RunOutcome.DONE, 0
        run.duration_ms = _duration_ms(run, now)


def fail_run(database: Database, *, name: str, error: BaseException, now: datetime) -> None:
    """Note that a job failed, and the first line of why."""
    lines = str(error).splitlines() or [""]
    with database.transaction() as session:
        run = _hold(session, name)
        run.outcome, run.failed_at = RunOutcome.FAILED, now
        run.failures += 1
        run.error = f"{type(error).__name__}: {lines[0]}"[:ERROR_MAX]
        run.duration_ms = _duration_ms(run, now)


def ask_run(session: Session, *, name: str, now: datetime) -> None:
    """Ask for a run of a job, as soon as the scheduler sees it."""
    _hold(session, name).asked_at = now


def take_asked(database: Database, names: Collection[str]) -> list[str]:
    """Return the jobs that are to run out of turn, once."""
    is_asked = sa.and_(JobRun.asked_at.is_not(None), JobRun.name.in_(names))
    with database.reading() as session:
        if session.scalar(select(JobRun.name).where(is_asked).limit(1)) is None:
            return []  # as nearly always: nothing is written
    with database.transaction() as session:
        taking = sa.update(JobRun).where(is_asked).values(asked_at=None).returning(JobRun.name)
        return sorted(session.scalars(taking))


def last_runs(session: Session) -> dict[str, JobRun]:
    """Return what is known, by job."""
    return {run.name: run for run in session.scalars(select(JobRun))}


def _hold(session: Session, name: str) -> JobRun:
    """Return a job's row, held until the transaction ends."""
    session.execute(insert_into(session, JobRun).values(name=name, failures=0).on_conflict_do_nothing())
    return session.get_one(JobRun, name, with_for_update=True)


def _duration_ms(run: JobRun, now: datetime) -> int | None:
    return None if run.started_at is None else round((now - run.started_at).total_seconds() * 1000)
