"""The scheduler that runs the periodic jobs: APScheduler ticks in UTC, and one process at a time works.

APScheduler only wakes us up. What is due is decided by rows (`Schedule.next_run_at`, `Source.next_fetch_at`), so a
missed tick, a restart or a change of clocks loses nothing.
"""

import logging
import secrets
from contextlib import suppress

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from app.clock import now
from app.jobs import lease, runs
from app.jobs.schedule import JOBS, Job
from app.product import Product

log = logging.getLogger(__name__)

LEASE_NAME = "scheduler"
#: How often the scheduler looks whether somebody wants a job to run out of turn.
LOOK_EVERY_S = 3


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

    def start(self) -> None:
        """Start ticking."""
        self._ticker.start()

    def stop(self) -> None:
        """Stop ticking, wait for running jobs, give up the lease."""
        self._ticker.shutdown(wait=True)
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
        except Exception as error:
            log.exception("job %s failed; it runs again in %d s", job.name, job.every_s)
            with suppress(SQLAlchemyError):
                runs.fail_run(database, name=job.name, error=error, now=now())

    def run_asked(self) -> None:
        """Let the jobs tick at once that somebody wants to run, if this process is the elected one."""
        try:
            if lease.hold(self._product.database, name=LEASE_NAME, owner=self._owner, now=now()):
                for name in runs.take_asked(self._product.database, [job.name for job in JOBS]):
                    self._ticker.modify_job(name, next_run_time=now())
        except SQLAlchemyError:
            log.exception("which jobs are asked for could not be read; the next look is in %d s", LOOK_EVERY_S)
