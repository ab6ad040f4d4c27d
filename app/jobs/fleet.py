"""Beyond one machine: a Procrastinate job for each chunk of an edition wakes the workers, wherever they run.

A job is a bell and carries two ids: the rows are the truth, and an engine claims from them whatever it was that woke
it. A job that is lost or comes twice is harmless, and the sweep alone, which announces what is due and has no job
waiting, would bring every edition to its end. The only module that knows Procrastinate.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import psycopg
import sqlalchemy as sa
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.app import WorkerOptions
from procrastinate.exceptions import ConnectorException
from procrastinate.job_context import JobContext
from procrastinate.jobs import DeleteJobCondition, Job, Status
from procrastinate.manager import JobManager
from procrastinate.schema import SchemaManager
from procrastinate.types import JSONValue
from procrastinate.worker import Worker
from psycopg_pool import PoolTimeout
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.clock import now
from app.db import Database, is_among
from app.delivery.claims import free_chunks
from app.delivery.models import Chunk
from app.editions.copies import EDITION

log = logging.getLogger(__name__)

QUEUE = "editions"
TASK = "send_chunk"
#: How often an idle worker looks for a job, in seconds.
POLL_EVERY_S = 1.0
#: How often a worker looks for due chunks without a job, and for jobs of dead workers, in seconds.
SWEEP_EVERY_S = 5.0
#: A worker shows that it lives this often, and is taken for dead after so long without, in seconds.
HEARTBEAT_EVERY_S = 5.0
STALLED_AFTER_S = 20.0
#: How soon a worker hears that it is to stop, and how long it waits for a database that is away, in seconds.
LOOK_EVERY_S = 0.2
DATABASE_WAIT_S = 1.0
#: A job for each of so many chunks goes into the database with one statement.
JOBS_AT_ONCE = 1_000
#: Advisory locks of PostgreSQL: one process sweeps, one migrates; the numbers are any that nothing else uses.
_SWEEP_LOCK = 0x7669_6769_6501
_SCHEMA_LOCK = 0x7669_6769_6502

_jobs = sa.table("procrastinate_jobs", sa.column("queueing_lock"), sa.column("status"))
_manager = JobManager(SyncPsycopgConnector())

_WORKER: WorkerOptions = {
    "queues": [QUEUE],
    "concurrency": 1,
    "delete_jobs": DeleteJobCondition.ALWAYS,
    "listen_notify": False,  # a listener that lost its connection would not be noticed
    "fetch_job_polling_interval": POLL_EVERY_S,
    "update_heartbeat_interval": HEARTBEAT_EVERY_S,
    "stalled_worker_timeout": STALLED_AFTER_S,
    "install_signal_handlers": False,
}

#: What a job does: sends until nothing is due, or `stop` is set; False where nothing was.
Step = Callable[[threading.Event], bool]


def announce(session: Session, chunk_ids: Sequence[int]) -> None:
    """Enqueue a job for each of `chunk_ids` in the session's own transaction; on SQLite, which is polled, do nothing.

    Raises AlreadyEnqueued, and spoils the transaction, where a chunk has a job waiting.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    connection = session.connection().connection.driver_connection
    columns = Chunk.__table__.c
    chunks = select(columns.id, columns.edition_id).where(is_among(columns.id, "ids")).order_by(columns.id)
    jobs = [_job(*row) for row in session.execute(chunks, {"ids": str(list(chunk_ids))})]
    for begin in range(0, len(jobs), JOBS_AT_ONCE):
        _manager.batch_defer_jobs(jobs[begin : begin + JOBS_AT_ONCE], connection=connection)


def sweep(database: Database) -> int:
    """Announce the chunks that are due and have no job waiting; return how many there were.

    These are the ones that had to wait, were released after a recovery or a pause, or whose job was lost. Where
    another process is sweeping there is nothing to do.
    """
    with database.transaction() as session:
        if not session.scalar(select(sa.func.pg_try_advisory_xact_lock(_SWEEP_LOCK))):
            return 0
        name = sa.func.concat("chunk-", Chunk.id)
        has_job = select(_jobs.c.queueing_lock).where(_jobs.c.queueing_lock == name, sa.text("status = 'todo'"))
        chunk_ids = session.scalars(free_chunks({EDITION}, now()).where(~has_job.exists())).all()
        announce(session, chunk_ids)
    return len(chunk_ids)


def work(step: Step, database: Database, stop: threading.Event) -> None:
    """Take `step` whenever a job comes, and sweep, until `stop` is set; what a job has in hand is finished first."""
    one_at_a_time = threading.Lock()  # a job outlives its Procrastinate worker where that lost the database

    def send_chunk(**_ids: int) -> None:
        with one_at_a_time:
            while not stop.is_set() and step(stop):
                pass

    while not stop.is_set():
        try:
            asyncio.run(_work(send_chunk, database, stop))
        except (ConnectorException, PoolTimeout, OperationalError) as error:
            log.warning("the fleet waits for the database: %s", error.__cause__ or error)
        except Exception:
            log.exception("the fleet stumbled, and begins anew")
        stop.wait(DATABASE_WAIT_S)


def upgrade_schema(url: str) -> None:
    """Bring Procrastinate's tables to the installed version; safe to repeat, and nothing to do on SQLite.

    Which of its migrations came last is noted in the comment of its table of jobs.
    """
    if not url.startswith("postgresql"):
        return
    migrations = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    with psycopg.connect(_conninfo(url)) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_SCHEMA_LOCK])
        last = _last_migration(connection)
        scripts = [path.read_text(encoding="utf-8") for path in migrations if path.name > last]
        for script in scripts if last else [SchemaManager.get_schema()]:
            connection.execute(script)
        connection.execute(f"COMMENT ON TABLE procrastinate_jobs IS '{migrations[-1].name}'")


async def _work(send_chunk: Callable[..., None], database: Database, stop: threading.Event) -> None:
    app = App(connector=PsycopgConnector(conninfo=_conninfo(_url(database)), min_size=1, max_size=2))
    app.task(name=TASK, queue=QUEUE)(send_chunk)
    async with app.open_async():
        options: WorkerOptions = {**_WORKER, "task_middleware": [partial(_leave_others, stop)]}
        worker = asyncio.create_task(app.run_worker_async(**options))
        try:
            await _sweep_while_alive(app, worker, database, stop)
        finally:
            worker.cancel()  # which lets it finish its job
            [error] = await asyncio.gather(worker, return_exceptions=True)
        if isinstance(error, Exception):
            raise error


def _leave_others(stop: threading.Event, run_job: Callable[[], object], _: JobContext, worker: Worker) -> object:
    """Keep a worker that is to stop from taking, and ending, the jobs of chunks that it will not send."""
    try:
        return run_job()
    finally:
        if stop.is_set():
            worker.stop()  # type: ignore[no-untyped-call]


async def _sweep_while_alive(app: App, worker: "asyncio.Task[None]", database: Database, stop: threading.Event) -> None:
    swept_at = -SWEEP_EVERY_S
    while not (stop.is_set() or worker.done()):
        if time.monotonic() - swept_at >= SWEEP_EVERY_S:
            swept_at = time.monotonic()
            # Whoever loses the database here begins anew: Procrastinate does not notice when its heartbeat ends.
            await asyncio.to_thread(sweep, database)
            await _drop_stalled(app)
        await asyncio.wait([worker], timeout=LOOK_EVERY_S)


async def _drop_stalled(app: App) -> None:
    """Drop the jobs that dead workers had taken: the sweep announces anew what is still due of their chunks."""
    for job in await app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=STALLED_AFTER_S):
        log.warning("a worker died over the job of chunk %s", job.task_kwargs["chunk_id"])
        with suppress(ConnectorException):  # another worker was first
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)


def _job(chunk_id: int, edition_id: int) -> Job:
    ids: dict[str, JSONValue] = {"edition_id": edition_id, "chunk_id": chunk_id}
    return Job(queue=QUEUE, task_name=TASK, lock=None, queueing_lock=f"chunk-{chunk_id}", task_kwargs=ids)


def _last_migration(connection: psycopg.Connection) -> str:
    """Return the name of Procrastinate's migration that was applied last, or "" where its tables are missing."""
    found = connection.execute("SELECT obj_description(to_regclass('procrastinate_jobs'), 'pg_class')").fetchone()
    return (found and found[0]) or ""


def _url(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def _conninfo(url: str) -> str:
    """Return a URL of SQLAlchemy's as PostgreSQL's own library reads it."""
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
