"""The scheduler that runs the periodic jobs: APScheduler ticks in UTC, and one process at a time works.

APScheduler only wakes us up. What is due is decided by rows (`Schedule.next_run_at`, `Source.next_fetch_at`), so a
missed tick or a restart loses nothing. It keeps its next ticks by the wall clock: where that is set back, a watch lets
all jobs tick at once, instead of when it has made up for it.
"""

import logging
import secrets
import threading
import time
from contextlib import suppress

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from app.clock import now
from app.jobs import lease, runs
from app.jobs.schedule import JOBS, Job
from app.product import Product

log = logging.getLogger(__name__)

LEASE_NAME = "scheduler"
#: How often the scheduler looks whether somebody wants a job to run out of turn.
LOOK_EVERY_S = 3
#: How often the watch looks at the clock, and how far it may be set back without that being seen.
WATCH_EVERY_S = 5.0
SET_BACK_S = 5.0


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
        self._ticker.add_job(self.run_asked, "interval", seconds=LOOK_EVERY_S)
        self._ahead_s = _ahead_s()
        self._is_stopping = threading.Event()
        self._watch = threading.Thread(target=self._watch_clock, name="clock-watch", daemon=True)

    def start(self) -> None:
        """Start ticking."""
        self._ticker.start()
        self._watch.start()

    def stop(self) -> None:
        """Stop ticking, wait for running jobs, give up the lease; where the database is away it lapses by itself."""
        self._is_stopping.set()
        self._watch.join()
        self._ticker.shutdown(wait=True)
        with suppress(OperationalError):
            lease.release(self._product.database, name=LEASE_NAME, owner=self._owner)

    def tick(self, job: Job) -> None:
        """Run `job` once if this process is the elected one; a failure is logged and the next tick tries again."""
        database, at = self._product.database, now()
        try:
            if not lease.hold(database, name=LEASE_NAME, owner=self._owner, now=at):
                return
            runs.begin_run(database, name=job.name, now=at)
            job.run(self._product)
            runs.end_run(database, name=job.name, now=now())
        except OperationalError as error:
            # The database is away, which its own words say: a traceback of each tick would fill the disk meanwhile.
            log.error("job %s waits for the database: %s; it runs again in %d s", job.name, error.orig, job.every_s)
            self._note_failure(job, error)
        except Exception as error:
            log.exception("job %s failed; it runs again in %d s", job.name, job.every_s)
            self._note_failure(job, error)

    def heed_clock(self) -> None:
        """Let all jobs tick now where the wall clock was set back since the last look."""
        before, self._ahead_s = self._ahead_s, _ahead_s()
        if self._ahead_s < before - SET_BACK_S:
            log.warning("the clock was set back by %d s; all jobs run now", before - self._ahead_s)
            for job in self._ticker.get_jobs():
                job.modify(next_run_time=now())

    def run_asked(self) -> None:
        """Let the jobs tick at once that somebody wants to run, if this process is the elected one."""
        try:
            if lease.hold(self._product.database, name=LEASE_NAME, owner=self._owner, now=now()):
                for name in runs.take_asked(self._product.database, [job.name for job in JOBS]):
                    self._ticker.modify_job(name, next_run_time=now())
        except OperationalError as error:
            log.error("the database does not tell which jobs are asked for: %s", error.orig)

    def _note_failure(self, job: Job, error: Exception) -> None:
        with suppress(SQLAlchemyError):
            runs.fail_run(self._product.database, name=job.name, error=error, now=now())

    def _watch_clock(self) -> None:
        while not self._is_stopping.wait(WATCH_EVERY_S):
            self.heed_clock()


def _ahead_s() -> float:
    """Return by how much the wall clock is ahead of the one that nobody sets."""
    return time.time() - time.monotonic()
