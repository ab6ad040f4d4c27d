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

from app.choices.choosing import timing_of
from app.choices.models import Rhythm
from app.db import Database, insert_into
from app.delivery.queue import Announce, announce_nothing
from app.digests.starting import Material, read_digest, set_digest, start_digest
from app.editions.audience import are_due
from app.editions.compile import compile_edition
from app.editions.draft import draft, fingerprint, read_unsent
from app.editions.lines import FIRST_WINDOW, Compilation, CompileOutcome, Line, Schedule, end_of_last_window
from app.editions.models import IS_UNDER_WAY, Edition, EditionStatus
from app.errors import EditionChanged, InputRefused, TransitionRefused
from app.gate.findings import What
from app.gate.holding import drop_hold, hold_edition_back, is_looked_at, wanting_of_digest
from app.gate.identity import keep_baseline
from app.gate.looking import Sight, look_of, read_sight
from app.links import Links
from app.newsletters.models import Newsletter
from app.subscriptions.models import Subscription
from app.topics.taxonomy import load
from config import Config

log = logging.getLogger(__name__)

#: A period missed by less than this is caught up, once; an older one is only recorded.
CATCH_UP = timedelta(hours=24)
ACTOR = "schedule"


def install_schedules(session: Session, config: Config, now: datetime) -> None:
    """Give every newsletter, in each of its languages, the digest of the settings; a changed cron line takes effect.

    Newsletters and schedules that somebody changed stay as they were left.
    """
    unchanged = select(Newsletter).where(Newsletter.changed_at.is_(None)).order_by(Newsletter.id)
    for newsletter in session.scalars(unchanged.with_for_update(key_share=True)):
        install_schedules_of(session, newsletter, config, now)
    session.flush()


def install_schedules_of(session: Session, newsletter: Newsletter, config: Config, now: datetime) -> None:
    """Give a newsletter, in each of its languages, the digest of the settings, save where somebody changed it."""
    usual = select(Schedule).where(Schedule.newsletter_id == newsletter.id, Schedule.rhythm_id.is_(None))
    known = {schedule.language: schedule for schedule in session.scalars(usual)}
    for face in newsletter.languages:
        schedule = known.get(face.language)
        if schedule is not None and schedule.changed_at is not None:
            continue
        if schedule is None:
            schedule = Schedule(newsletter_id=newsletter.id, language=face.language, cron="")
            session.add(schedule)
        if (schedule.cron, schedule.timezone) != (config.digest_cron, newsletter.timezone):
            schedule.cron, schedule.timezone = config.digest_cron, newsletter.timezone
            schedule.next_run_at = next_run(config.digest_cron, newsletter.timezone, now)


def begin_rhythm(session: Session, subscription: Subscription, now: datetime) -> None:
    """Let a reader who has just confirmed have the digests of the rhythm that they chose, if any.

    Where it had no readers for a while, nobody looked through its last periods: they begin with the one there is. So
    they do where it never had any, and its first window would leave out part of that one.
    """
    ensure_schedules(session, subscription, now)
    if subscription.rhythm_id is None:
        return
    line = Line(subscription.newsletter_id, subscription.language, subscription.rhythm_id)
    timing = timing_of(session.get_one(Rhythm, subscription.rhythm_id))
    last_end, period = end_of_last_window(session, line), last_run(timing.cron, timing.timezone, now)
    first_begin = next_run(timing.cron, timing.timezone, now) - FIRST_WINDOW
    is_other = last_end < period if last_end is not None else first_begin > period
    if is_other and subscription.covered_until is None:
        subscription.covered_until = period


def ensure_schedules(session: Session, subscription: Subscription, now: datetime) -> None:
    """Let the rhythm that a reader chose, if any, bring digests in each language of their newsletter."""
    if subscription.rhythm_id is None:
        return
    timing = timing_of(session.get_one(Rhythm, subscription.rhythm_id))
    newsletter = session.get_one(Newsletter, subscription.newsletter_id)
    for face in newsletter.languages:
        row = {
            "newsletter_id": newsletter.id, "language": face.language, "rhythm_id": subscription.rhythm_id,
            "cron": timing.cron, "timezone": timing.timezone, "is_active": True,
            "next_run_at": next_run(timing.cron, timing.timezone, now),
        }  # fmt: skip
        key = ["newsletter_id", "language", "rhythm_id"]
        session.execute(insert_into(session, Schedule).values(row).on_conflict_do_nothing(index_elements=key))


def keep_rhythms(session: Session, subscriber_id: int, now: datetime) -> None:
    """Let the rhythms that a reader chose bring digests in each language that their newsletters have by now.

    One may have come after they chose: whoever has the letters come in it keeps the rhythm.
    """
    theirs = select(Subscription).where(Subscription.subscriber_id == subscriber_id)
    for subscription in session.scalars(theirs.order_by(Subscription.id)):
        ensure_schedules(session, subscription, now)


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
            compilations.append(_run_schedule(database, schedule_id, now, half_life=config.story_half_life))
    with database.reading() as session:
        waiting = session.scalars(_automatic_drafts(now)).all()
    for edition_id in waiting:
        with _going_on(f"edition {edition_id}"):
            _start_scheduled(database, edition_id, now=now, config=config, links=links, announce=announce)
    return [compilation for compilation in compilations if compilation is not None]


def is_too_late(edition: Edition, now: datetime) -> bool:
    """Return whether a digest that is a draft was compiled too long ago for its schedule to send it."""
    return edition.schedule_id is not None and edition.created_at <= now - CATCH_UP


def next_run(cron: str, zone: str, after: datetime) -> datetime:
    """Return the first moment after `after`, in UTC, that `cron` names on the clocks of `zone`.

    An hour that the clocks skip runs when they have; an hour that they show twice runs the first time.
    """
    runs = (run.astimezone(UTC) for run in CronSim(cron, after.astimezone(ZoneInfo(zone))))
    # In the second showing of an hour the library names the first again, which is past.
    return next(run for run in runs if run > after)


def last_run(cron: str, zone: str, before: datetime) -> datetime:
    """Return the last moment before `before`, in UTC, that `cron` names on the clocks of `zone`."""
    return next(CronSim(cron, before.astimezone(ZoneInfo(zone)), reverse=True)).astimezone(UTC)


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
    seen = schedule.next_run_at
    moved = session.execute(
        update(Schedule)
        .where(Schedule.id == schedule.id, Schedule.is_active)
        .where(Schedule.next_run_at == seen, Schedule.next_run_at <= now)  # read anew: it may have been moved on
        .values(next_run_at=next_run(schedule.cron, schedule.timezone, now))
    )
    assert isinstance(moved, CursorResult)
    return last_period(schedule.cron, schedule.timezone, seen=seen, now=now) if moved.rowcount == 1 else None


def _run_schedule(database: Database, schedule_id: int, now: datetime, *, half_life: timedelta) -> Compilation | None:
    with database.transaction() as session:
        schedule = session.get_one(Schedule, schedule_id)
        period_at = _claim_period(session, schedule, now)
        if period_at is None:
            return None
        if now - period_at >= CATCH_UP:
            return record_missed(session, schedule, period_at, now)
        if schedule.rhythm_id is not None and session.scalar(_anybody(Line.of(session, schedule), now)) is None:
            return None
        return compile_edition(
            session,
            newsletter=session.get_one(Newsletter, schedule.newsletter_id),
            language=schedule.language,
            until=now,
            now=now,
            is_automatic=True,
            schedule_id=schedule.id,
            period_at=period_at,
            keeps_empty=session.scalar(_anybody(Line.of(session, schedule), now).where(_HAS_WISHES)) is not None,
            half_life=half_life,
        )


def _start_scheduled(
    database: Database, edition_id: int, *, now: datetime, config: Config, links: Links, announce: Announce
) -> None:
    try:
        with database.snapshot() as session:
            edition = read_unsent(session, edition_id)
            if is_looked_at(session, edition_id, fingerprint(edition), now=now):
                return
            material = read_digest(
                session, edition_id, taxonomy=load(config.topics_file), half_life=config.story_half_life, now=now
            )
            sight = read_sight(session, edition, config=config, now=now)
        if material.is_empty:
            with database.transaction() as session:
                drop_empty(session, edition_id=edition_id)
            return
        _pass_gate(database, material, sight, now=now, config=config, links=links, announce=announce)
    except TransitionRefused as refusal:
        log.info("edition %d is not started: %s", edition_id, refusal)  # somebody else was first, or changed it
    except InputRefused as refusal:
        log.error("edition %d cannot be sent as it is: %s", edition_id, refusal)
        with database.transaction() as session:
            edition = draft(session, edition_id)
            hold_edition_back(session, edition_id, fingerprint(edition), {What.UNSETTABLE}, now=now)


def _pass_gate(
    database: Database, material: Material, sight: Sight, *, now: datetime, config: Config, links: Links,
    announce: Announce,
) -> None:  # fmt: skip
    """Set a digest, and start it where it passes; else it is held back."""
    digest = set_digest(material, config=config, links=links, now=now)
    look = look_of(sight, digest.letter, config=config, links=links, now=now)
    wanting = wanting_of_digest(look, [variant.parts for variant in digest.variants], config)
    edition_id = sight.edition.id
    with database.transaction() as session:
        if wanting:
            hold_edition_back(session, edition_id, sight.fingerprint, wanting, now=now)
            return
        readers = start_digest(session, digest, actor=ACTOR, now=now, announce=announce)
        keep_baseline(session, letter=digest.letter, readers=readers, config=config)
        drop_hold(session, edition_id)


#: Somebody may be due for what the usual edition does not carry.
_HAS_WISHES = Subscription.profile_id.is_not(None) | Subscription.covered_until.is_not(None)


def drop_empty(session: Session, *, edition_id: int) -> None:
    """Delete a draft that turned out to carry nothing for anybody; its compilation found nothing new.

    Raises TransitionRefused, NotFound where it is one no longer.
    """
    if draft(session, edition_id).items:
        raise EditionChanged("the edition was changed in the meantime")
    found = update(Compilation).where(Compilation.edition_id == edition_id)
    session.execute(found.values(edition_id=None, outcome=CompileOutcome.NOTHING_NEW, closes=False))
    session.delete(session.get_one(Edition, edition_id))


def _anybody(line: Line, now: datetime) -> Select[int]:
    """Select one of those who are to have a digest of `line`."""
    return select(Subscription.id).where(are_due(line, now)).limit(1)


def _due_schedules(now: datetime) -> Select[int]:
    return select(Schedule.id).where(Schedule.is_active, Schedule.next_run_at <= now).order_by(Schedule.id)


def _automatic_drafts(now: datetime) -> Select[int]:
    return (
        select(Edition.id)
        .where(
            IS_UNDER_WAY,
            Edition.is_automatic,
            Edition.status == EditionStatus.DRAFT,
            Edition.created_at > now - CATCH_UP,
        )
        .order_by(Edition.id)
    )


@contextmanager
def _going_on(what: str) -> Iterator[None]:
    """Log a failure and let the caller go on: one language's must not keep the other's digest back."""
    try:
        yield
    except Exception:
        log.exception("%s failed; the next run tries again", what)


def record_missed(session: Session, schedule: Schedule, period_at: datetime, now: datetime) -> Compilation:
    """Write down that a period of a schedule brought nothing, since it was too late for it."""
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
