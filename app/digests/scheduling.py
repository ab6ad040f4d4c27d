"""Schedules as people change them, at the desk and on the command line: added, changed, stopped and taken up again.

These are the usual digests. Those of a rhythm that readers chose come and go with their choices, and nobody else has a
say in them, but for a restore.
"""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.db import insert_into
from app.digests.newsletters import change_mark, find_newsletter
from app.digests.recurrence import check_cron
from app.digests.schedule import last_period, next_run, record_missed
from app.editions.lines import Compilation, Schedule
from app.errors import ChangedMeanwhile, FieldsRefused, NotFound, TransitionRefused


def usual_schedules() -> Select[Schedule]:
    """Select the usual schedules, by newsletter: one for each language at most."""
    return select(Schedule).where(Schedule.rhythm_id.is_(None)).order_by(Schedule.newsletter_id, Schedule.id)


def readers_schedules() -> Select[Schedule]:
    """Select the schedules of rhythms that readers chose."""
    return select(Schedule).where(Schedule.rhythm_id.is_not(None))


def find_schedule(session: Session, schedule_id: int) -> Schedule:
    """Return a usual schedule. Raises NotFound."""
    found = session.scalars(usual_schedules().where(Schedule.id == schedule_id)).one_or_none()
    if found is None:
        raise NotFound(f"no schedule {schedule_id}")
    return found


def add_schedule(session: Session, *, newsletter_id: int, language: str, cron: str, now: datetime) -> Schedule:
    """Let digests of a newsletter in a language leave when `cron` says, by the newsletter's clocks.

    Raises FieldsRefused where it has one, or has no such language; NotFound.
    """
    newsletter = find_newsletter(session, newsletter_id)
    check_cron(cron)
    if language not in newsletter.language_codes:
        raise FieldsRefused({"language": "language"})
    row = {
        "newsletter_id": newsletter_id, "language": language, "cron": cron, "timezone": newsletter.timezone,
        "is_active": True, "next_run_at": next_run(cron, newsletter.timezone, now), "changed_at": now,
    }  # fmt: skip
    # Two at once: the index lets one of them through.
    adding = insert_into(session, Schedule).values(row).on_conflict_do_nothing().returning(Schedule.id)
    added = session.scalar(adding)
    if added is None:
        raise FieldsRefused({"language": "taken"})
    return session.get_one(Schedule, added)


def change_schedule(session: Session, *, schedule_id: int, seen: str, cron: str, now: datetime) -> Schedule:
    """Let its digests leave when `cron` says, from the next one on.

    Raises FieldsRefused, ChangedMeanwhile, NotFound.
    """
    schedule = _hold(session, schedule_id)
    if seen != change_mark(schedule.changed_at):
        raise ChangedMeanwhile("somebody changed the schedule meanwhile")
    check_cron(cron)
    if cron != schedule.cron:
        schedule.cron, schedule.next_run_at = cron, next_run(cron, schedule.timezone, now)
    schedule.changed_at = now
    session.flush()
    return schedule


def stop_schedule(session: Session, *, schedule_id: int, now: datetime) -> Schedule:
    """Let no digest leave by itself any more. Raises TransitionRefused where it is stopped, NotFound."""
    schedule = _hold(session, schedule_id)
    if not schedule.is_active:
        raise TransitionRefused("the schedule is stopped already")
    schedule.is_active, schedule.changed_at = False, now
    session.flush()
    return schedule


def resume_schedule(session: Session, *, schedule_id: int, now: datetime) -> Schedule:
    """Let digests leave again, from the next moment that the schedule names: what was left out is not caught up.

    Raises TransitionRefused where it is not stopped, NotFound.
    """
    schedule = _hold(session, schedule_id)
    if schedule.is_active:
        raise TransitionRefused("the schedule is not stopped")
    schedule.is_active, schedule.changed_at = True, now
    schedule.next_run_at = next_run(schedule.cron, schedule.timezone, now)
    session.flush()
    return schedule


def leave_out_due(session: Session, *, schedule_id: int, now: datetime) -> Compilation:
    """Move a schedule that is due on to its next moment after `now`, and record its last period as missed.

    It may be one of a rhythm that readers chose. Raises TransitionRefused where it is due no longer, NotFound.
    """
    query = select(Schedule).where(Schedule.id == schedule_id).with_for_update(key_share=True)
    schedule = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if schedule is None:
        raise NotFound(f"no schedule {schedule_id}")
    if not schedule.is_active or schedule.next_run_at > now:
        raise TransitionRefused(f"schedule {schedule_id} is not due")
    period_at = last_period(schedule.cron, schedule.timezone, seen=schedule.next_run_at, now=now)
    schedule.next_run_at = next_run(schedule.cron, schedule.timezone, now)
    return record_missed(session, schedule, period_at, now)


def _hold(session: Session, schedule_id: int) -> Schedule:
    query = usual_schedules().where(Schedule.id == schedule_id).with_for_update(key_share=True, of=Schedule)
    schedule = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if schedule is None:
        raise NotFound(f"no schedule {schedule_id}")
    return schedule
