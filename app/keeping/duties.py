"""What each clock of `app.clocks` does when it strikes: how much is due, and a batch that deletes or asks.

The dry run counts with the same conditions by which the job deletes.
"""

import calendar
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.admins.audit import old_entries, purge_audit
from app.admins.signin import purge_signins, spent_signins
from app.clocks import CLOCKS
from app.db import Database
from app.delivery.clearing import clear_replies, delete_one_offs, edition_chunks_before, one_off_chunks_before
from app.editions.clearing import drop_letters, letters_before
from app.editions.counting import drop_readings, readings_before
from app.feedback.ingest import drop_events, events_before
from app.feedback.replies import over_replies, purge_replies
from app.settings.retention import Retention
from app.subscriptions import archive
from app.subscriptions.departures.journal import count_lines_before, drop_lines_before
from app.subscriptions.form.limits import over_counters, purge_counters
from app.subscriptions.newcomers.files import ImportFiles
from app.subscriptions.newcomers.planning import drop_imports, imports_before
from app.subscriptions.questions import staying
from app.subscriptions.questions.asking import closed_before, drop_closed, silent_questions
from app.subscriptions.questions.models import QuestionKind
from app.subscriptions.retention import forget_held, held_before, purge_unconfirmed, unconfirmed_before
from app.subscriptions.rights.address_change import changes_before, drop_changes
from app.subscriptions.rights.log import answered_before, drop_answered
from config import Config


@dataclass(frozen=True)
class Keeping:
    """What clocks go by at one moment."""

    config: Config
    now: datetime

    @property
    def retention(self) -> Retention:
        """The settings of all clocks."""
        return self.config.retention

    def days_ago(self, days: int) -> datetime:
        """Return the time before which what is kept for `days` is over."""
        return self.now - timedelta(days=days)

    def months_ago(self, months: int) -> datetime:
        """Return the same day so many calendar months earlier, or that month's last one."""
        year, month = divmod(self.now.year * 12 + self.now.month - 1 - months, 12)
        day = min(self.now.day, calendar.monthrange(year, month + 1)[1])
        return self.now.replace(year=year, month=month + 1, day=day)

    @property
    def links_end(self) -> datetime:
        """The time before which the links of letters that ask to confirm are over."""
        return self.now - timedelta(hours=self.retention.confirm_hours)

    @property
    def logs_end(self) -> datetime:
        """The time before which technical logs are over."""
        return self.months_ago(self.retention.log_months)

    @property
    def proofs_end(self) -> datetime:
        """The time before which proofs are over."""
        return self.months_ago(12 * self.retention.proof_years)

    @property
    def left_end(self) -> datetime:
        """The time before which the address of somebody who left is over."""
        return self.days_ago(self.retention.left_days)


@dataclass(frozen=True)
class Due:
    """How much is due, and since when the oldest of it has been kept."""

    count: int
    oldest: datetime | None


@dataclass(frozen=True)
class Duty:
    """What one clock does: `count` tells how much is due, `act` deletes or asks a batch of it and tells how much."""

    clock: str
    count: Callable[[Session, Keeping], Due]
    act: Callable[[Session, Keeping], int]


def count_due(database: Database, keeping: Keeping) -> dict[str, Due]:
    """Return by clock what is due now; changes nothing."""
    with database.reading() as session:
        return {name: duty.count(session, keeping) for name, duty in DUTIES.items()}


def run_clocks(database: Database, keeping: Keeping, *, limit_s: float | None = None) -> dict[str, int]:
    """Let every clock do its batches, each in a transaction of its own, and return by clock how many rows it took.

    After `limit_s` seconds no further batch begins; the next run goes on.
    """
    done = dict.fromkeys(DUTIES, 0)
    begun = time.monotonic()
    for name, duty in DUTIES.items():
        for number in _batches(database, duty, keeping):
            done[name] += number
            if limit_s is not None and time.monotonic() - begun > limit_s:
                return done
    return done


def _batches(database: Database, duty: Duty, keeping: Keeping) -> Iterator[int]:
    number = 1
    while number:
        with database.transaction() as session:
            number = duty.act(session, keeping)
        yield number


def _counted(due: Callable[[Keeping], sa.SelectBase]) -> Callable[[Session, Keeping], Due]:
    """Return what counts the rows that `due` selects; the last column is since when they are kept."""

    def count(session: Session, keeping: Keeping) -> Due:
        rows = due(keeping).subquery()
        number, oldest = session.execute(select(sa.func.count(), sa.func.min(list(rows.c)[-1])).select_from(rows)).one()
        return Due(number, oldest)

    return count


def _count_suppressed(session: Session, keeping: Keeping) -> Due:
    found = archive.suppressed_before(session, keeping.left_end, keeping.config.suppression_key)
    return Due(len(found), min((at for _, at in found), default=None))


def _count_lines(_: Session, keeping: Keeping) -> Due:
    return Due(*count_lines_before(keeping.config.departures_dir, keeping.proofs_end))


def _ask_inactive(session: Session, keeping: Keeping) -> int:
    return staying.ask_inactive(
        session,
        before=_inactive_end(keeping),
        stay_days=keeping.retention.stay_days,
        per_day=keeping.retention.questions_per_day,
        now=keeping.now,
    )


def _inactive_end(keeping: Keeping) -> datetime:
    return keeping.months_ago(12 * keeping.retention.inactive_years)


_DUTIES = (
    Duty(
        "unconfirmed",
        _counted(lambda k: unconfirmed_before(k.days_ago(k.retention.pending_days))),
        lambda session, k: purge_unconfirmed(session, now=k.now, pending_days=k.retention.pending_days),
    ),
    Duty(
        "held",
        _counted(lambda k: held_before(k.logs_end)),
        lambda session, k: forget_held(session, before=k.logs_end, now=k.now),
    ),
    Duty("inactive", _counted(lambda k: staying.inactive_before(_inactive_end(k), k.now)), _ask_inactive),
    Duty(
        "stay",
        _counted(lambda k: silent_questions(QuestionKind.STAY, k.now)),
        lambda session, k: staying.lapse_unanswered(session, suppression_key=k.config.suppression_key, now=k.now),
    ),
    Duty(
        "left",
        _counted(lambda k: archive.left_before(k.left_end)),
        lambda session, k: archive.archive_left(
            session, before=k.left_end, suppression_key=k.config.suppression_key, now=k.now
        ),
    ),
    Duty(
        "suppressed",
        _count_suppressed,
        lambda session, k: archive.archive_suppressed(
            session, before=k.left_end, suppression_key=k.config.suppression_key, now=k.now
        ),
    ),
    Duty(
        "proof",
        _counted(lambda k: archive.archived_before(k.proofs_end)),
        lambda session, k: archive.prune_archived(session, before=k.proofs_end, now=k.now),
    ),
    Duty(
        "erased",
        _counted(lambda k: archive.erased_before(k.proofs_end)),
        lambda session, k: archive.prune_erased(session, before=k.proofs_end, now=k.now),
    ),
    Duty(
        "stubs",
        _counted(lambda k: archive.stubs_before(k.proofs_end)),
        lambda session, k: archive.drop_stubs(session, before=k.proofs_end),
    ),
    Duty(
        "replies",
        _counted(lambda k: edition_chunks_before(k.logs_end)),
        lambda session, k: clear_replies(session, before=k.logs_end, now=k.now),
    ),
    Duty(
        "letters",
        _counted(lambda k: one_off_chunks_before(k.logs_end)),
        lambda session, k: delete_one_offs(session, before=k.logs_end),
    ),
    Duty(
        "variants",
        _counted(lambda k: letters_before(k.days_ago(k.retention.variant_days))),
        lambda session, k: drop_letters(session, before=k.days_ago(k.retention.variant_days), now=k.now),
    ),
    Duty(
        "readings",
        _counted(lambda k: readings_before(k.logs_end)),
        lambda session, k: drop_readings(session, before=k.logs_end),
    ),
    Duty(
        "questions",
        _counted(lambda k: closed_before(k.logs_end)),
        lambda session, k: drop_closed(session, before=k.logs_end),
    ),
    Duty(
        "addresses",
        _counted(lambda k: changes_before(k.links_end)),
        lambda session, k: drop_changes(session, before=k.links_end),
    ),
    Duty(
        "requests",
        _counted(lambda k: answered_before(k.proofs_end)),
        lambda session, k: drop_answered(session, before=k.proofs_end),
    ),
    Duty(
        "returns",
        _counted(lambda k: events_before(k.logs_end)),
        lambda session, k: drop_events(session, before=k.logs_end),
    ),
    Duty(
        "mail",
        _counted(lambda k: over_replies(k.now)),
        lambda session, k: purge_replies(session, now=k.now),
    ),
    Duty(
        "form",
        _counted(lambda k: over_counters(k.now)),
        lambda session, k: purge_counters(session, now=k.now),
    ),
    Duty(
        "imports",
        _counted(lambda k: imports_before(k.days_ago(k.retention.import_days))),
        lambda session, k: drop_imports(
            session, ImportFiles(k.config.imports_dir), before=k.days_ago(k.retention.import_days)
        ),
    ),
    Duty(
        "sign-ins",
        _counted(lambda k: spent_signins(k.now)),
        lambda session, k: purge_signins(session, now=k.now),
    ),
    Duty(
        "audit",
        _counted(lambda k: old_entries(k.now, log_months=k.retention.log_months)),
        lambda session, k: purge_audit(session, now=k.now, log_months=k.retention.log_months),
    ),
    Duty(
        "departures",
        _count_lines,
        lambda _, k: drop_lines_before(k.config.departures_dir, k.proofs_end),
    ),
)
#: By name and in the order of the clocks; a clock without a duty is found at the start of every process.
DUTIES: Mapping[str, Duty] = MappingProxyType(
    {clock.name: {duty.clock: duty for duty in _DUTIES}[clock.name] for clock in CLOCKS}
)
