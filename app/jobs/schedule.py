"""The table of periodic jobs, and the scheduler that runs it: APScheduler ticks in UTC, one process at a time works.

APScheduler only wakes us up. What is due is decided by rows (`Schedule.next_run_at`, `Source.next_fetch_at`), so a
missed tick, a restart or a change of clocks loses nothing.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from apscheduler.schedulers.background import BackgroundScheduler

from app.admins.signin import purge_signins
from app.articles.intake import fetch_due
from app.clock import now
from app.delivery.expiry import expire_copies
from app.editions.audience import finish_editions
from app.editions.schedule import run_due_schedules
from app.errors import MailboxUnavailable
from app.feedback.applying import apply_events
from app.feedback.intake import make_intake
from app.feedback.mailbox import poll
from app.feedback.replies import purge_replies
from app.jobs import lease
from app.product import Product
from app.subscriptions.held import ask_held
from app.subscriptions.retention import purge_unconfirmed

log = logging.getLogger(__name__)

LEASE_NAME = "scheduler"


def fetch_feeds(product: Product) -> None:
    """Fetch the sources whose time has come."""
    for report in fetch_due(product.database, settings=product.config.fetch, now=now()):
        log.info("source %s: %s", report.source_id, report.failure or f"{report.new} new")


def start_digests(product: Product) -> None:
    """Compile and start the digests whose period has come."""
    compilations = run_due_schedules(
        product.database, now=now(), config=product.config, links=product.links, announce=product.announce
    )
    for compilation in compilations:
        log.info("digest %s, period %s: %s", compilation.language, compilation.period_at, compilation.outcome)


def close_editions(product: Product) -> None:
    """Give up what was not sent in time; mark as sent the editions of which no copy is open any more."""
    is_over = False
    while not is_over:
        with product.database.transaction() as session:
            is_over = expire_copies(session, now=now()) == 0
    with product.database.transaction() as session:
        finish_editions(session, now=now())


def apply_feedback(product: Product) -> None:
    """Apply what came back, of copies that senders were refused above all; the other ways in apply it themselves."""
    config = product.config
    applied = apply_events(product.database, rules=config.feedback, suppression_key=config.suppression_key, now=now())
    if applied:
        log.info("applied %d notices of what became of copies", applied)


def read_mailbox(product: Product) -> None:
    """Take in what lies in the mailbox of returned mail, where one is set."""
    settings = product.config.returns
    if not settings.imap_host:
        return
    try:
        moved = poll(make_intake(product), settings, now=now())
    except MailboxUnavailable as error:
        log.warning("%s", error)
        return
    for folder, number in moved.items():
        log.info("returned mail: %d to %s", number, folder)


def purge(product: Product) -> None:
    """Delete the sign-ups that nobody confirmed in time, and what is over of the desk's sessions and links."""
    with product.database.transaction() as session:
        purged = purge_unconfirmed(session, now=now(), pending_days=product.config.retention.pending_days)
        purge_signins(session, now=now())
        purge_replies(session, now=now())
    if purged:
        log.info("purged %d unconfirmed sign-ups", purged)


def ask_held_readers(product: Product) -> None:
    """Ask the held readers whose turn has come, where an admin has started that."""
    with product.database.transaction() as session:
        asked = ask_held(session, now=now())
    if asked:
        log.info("asked %d held readers to confirm", asked)


@dataclass(frozen=True)
class Job:
    """One periodic job: how often to look, and what to do."""

    name: str
    every_s: int
    run: Callable[[Product], None]


JOBS = (
    Job("digests", 10, start_digests),
    Job("editions", 5, close_editions),
    Job("feedback", 3, apply_feedback),
    Job("mailbox", 60, read_mailbox),
    Job("feeds", 30, fetch_feeds),
    Job("held readers", 60, ask_held_readers),
    Job("purge", 3600, purge),
)


class Scheduler:
    """Runs `JOBS` in background threads while it holds the lease."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._owner = secrets.token_hex(8)
        # A late tick must still run, once: the library's default drops what is over a second late.
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._ticker = BackgroundScheduler(timezone="UTC", job_defaults=defaults)
        for job in JOBS:
            self._ticker.add_job(self.tick, "interval", [job], seconds=job.every_s, id=job.name, next_run_time=now())

    def start(self) -> None:
        """Start ticking."""
        self._ticker.start()

    def stop(self) -> None:
        """Stop ticking, wait for running jobs, give up the lease."""
        self._ticker.shutdown(wait=True)
        lease.release(self._product.database, name=LEASE_NAME, owner=self._owner)

    def tick(self, job: Job) -> None:
        """Run `job` once if this process is the elected one; a failure is logged and the next tick tries again."""
        try:
            if lease.hold(self._product.database, name=LEASE_NAME, owner=self._owner, now=now()):
                job.run(self._product)
        except Exception:
            log.exception("job %s failed; it runs again in %d s", job.name, job.every_s)
