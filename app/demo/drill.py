"""The crash drill: workers are killed while they send to invented readers, and the counts must balance.

All of it lives in a folder and a database of its own; the only mail server it knows is a sink on loopback.
"""

import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from app.clock import now
from app.db import make_migration_engine
from app.delivery.claims import redate
from app.delivery.models import OPEN, Chunk, Delivery, DeliveryState
from app.demo.balance import Balance, balance
from app.demo.crowd import address_of, make_crowd
from app.demo.sink import Tally, running_sink
from app.editions.audience import edition_counts
from app.errors import DrillFailed, InputRefused
from app.jobs import fleet
from app.product import Product, make_product
from config import Config

ROOT = Path(__file__).resolve().parents[2]
#: Kills come while the letters between these shares of all are on their way.
EARLIEST, LATEST = 0.05, 0.9
LOOK_EVERY_S = 0.5
TALLY_EVERY_S = 0.002
#: A kill comes up to this long after its letter, so that it meets every step of a letter's way.
SPREAD_S = 0.02
#: Leases of a worker whose journal cannot be read last less than a minute.
STANDSTILL_S = 120.0
END_TIMEOUT_S = 60.0
#: What ends the drill before its time: Ctrl-C, and who calls it off.
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM)
#: What of our own environment the workers need to run at all.
INHERITED = ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV", "TZ", "TMPDIR")

#: Told what goes on, and how many letters have arrived.
OnProgress = Callable[[str, int], None]


@dataclass
class Drill:
    """One drill under way. `seen_uncertain`: ids of the copies that were uncertain at any time."""

    product: Product
    environment: Mapping[str, str]
    tally: Tally
    edition_id: int
    on_progress: OnProgress
    output: Path
    seen_uncertain: set[int] = field(default_factory=set)


def run_drill(*, letters: int, kills: int, seed: int, database_url: str | None, on_progress: OnProgress) -> Balance:
    """Send to so many invented readers, kill so many workers, and return what it came to; nothing is left behind.

    Raises InputRefused for a database that is not an empty PostgreSQL one, DrillFailed where the drill cannot go on.
    """
    tally = Tally()
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="vigie-drill-")))
        if database_url is not None:
            parts.enter_context(borrowed_database(database_url))
        port = parts.enter_context(running_sink(tally))
        environment = _environment(folder, database_url, port)
        product = make_product(Config.from_env(environment), fleet.announce)
        parts.callback(product.database.dispose)
        on_progress("readers are being invented", 0)
        _migrate(environment)
        drill = Drill(product, environment, tally, make_crowd(product, letters), on_progress, folder / "output")
        _send(drill, _moments(letters, kills, seed))
        unsettled = sum(number for state, number in _counts(drill).items() if state is not DeliveryState.ACCEPTED)
    return balance(
        [address_of(number) for number in range(1, letters + 1)],
        tally.received,
        uncertain=len(drill.seen_uncertain),
        unsettled=unsettled,
        bound=kills * product.config.mail.connections,
    )


@contextmanager
def borrowed_database(url: str) -> Iterator[None]:
    """Refuse a database that is not an empty PostgreSQL one; empty it again at the end of the block."""
    if sa.make_url(url).get_backend_name() != "postgresql":
        raise InputRefused("only a PostgreSQL database can be named; without one, the drill makes one on SQLite")
    engine = make_migration_engine(url)
    with engine.connect() as connection:
        if connection.scalar(_HOLDINGS):
            raise InputRefused("the database is not empty; the drill takes an empty one only")
    try:
        yield
    finally:
        with engine.begin() as connection:
            # It was empty, so all that it holds now is the drill's: tables, and the types and functions of the jobs.
            connection.execute(sa.text("DROP SCHEMA public CASCADE"))
            connection.execute(sa.text("CREATE SCHEMA public"))
        engine.dispose()


_HOLDINGS = sa.text(
    "SELECT (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%')"
    " + (SELECT count(*) FROM pg_namespace n"
    " WHERE n.nspname NOT IN ('information_schema', 'public') AND n.nspname NOT LIKE 'pg\\_%')"
)


def _environment(folder: Path, database_url: str | None, port: int) -> Mapping[str, str]:
    """Return the settings of a trial on this machine: none of the real ones is among them."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        **inherited,
        "VIGIE_DATA_DIR": str(folder),
        "DATABASE_URL": database_url or f"sqlite:///{folder / 'drill.db'}",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "LINK_KEYS": secrets.token_urlsafe(32),
        "SUPPRESSION_KEY": secrets.token_urlsafe(32),
        "PROOF_KEYS": secrets.token_urlsafe(32),
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(port),
        "FLASK_DEBUG": "0",
        "FLASK_SKIP_DOTENV": "1",
    }


def _flask(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", str(ROOT / "wsgi.py"), *arguments]


def _migrate(environment: Mapping[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        _flask("db", "upgrade"), cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DrillFailed(f"the database could not be set up: {done.stderr.strip()[-500:]}")


def _moments(letters: int, kills: int, seed: int) -> list[tuple[int, float]]:
    """Return for each kill how many letters have arrived, and how much later it comes, in seconds."""
    chance = random.Random(seed)  # noqa: S311 - a drill must be repeatable
    arrived = sorted(chance.randint(int(letters * EARLIEST), int(letters * LATEST)) for _ in range(kills))
    return [(number, chance.uniform(0, SPREAD_S)) for number in arrived]


def _send(drill: Drill, moments: list[tuple[int, float]]) -> None:
    """Let a worker for each moment send until then, and a last one finish; then repeat what is uncertain."""
    received = drill.tally.received
    for number, (arrived, delay_s) in enumerate(moments, start=1):
        with _running_worker(drill) as worker:
            # One letter of its own at least, where the worker before it went beyond this one's moment.
            enough = partial(_has_arrived, received, max(arrived, len(received) + 1))
            _wait(drill, worker, f"worker {number} of {len(moments) + 1}, to be killed", until=enough)
            time.sleep(delay_s)
            worker.kill()
    with _running_worker(drill) as worker:
        _wait(drill, worker, "the last worker")
        _repeat_uncertain(drill)
        _wait(drill, worker, "what is uncertain is repeated")


@contextmanager
def _running_worker(drill: Drill) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a worker. Ctrl-C at the terminal does not reach it: it ends with the block, at the latest."""
    with drill.output.open("ab") as output, ExitStack() as parts:
        with _uninterrupted():
            worker = subprocess.Popen(  # noqa: S603 - our own command
                _flask("worker"), cwd=ROOT, env=drill.environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
            parts.callback(_end, worker)
        try:
            yield worker
        except BaseException:
            worker.kill()
            raise


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold what would end us back until the end of the block, lest it come between a process' start and our knowing."""
    held: list[int] = []
    before = {each: signal.signal(each, lambda number, frame: held.append(number)) for each in INTERRUPTIONS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        for number in held:
            signal.raise_signal(number)


def _end(worker: "subprocess.Popen[bytes]") -> None:
    worker.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            worker.wait(END_TIMEOUT_S)
    finally:
        worker.kill()
        worker.wait()


def _has_arrived(received: Sequence[object], number: int) -> bool:
    return len(received) >= number


def _wait(
    drill: Drill, worker: "subprocess.Popen[bytes]", what: str, *, until: Callable[[], bool] = lambda: False
) -> None:
    """Wait `until` then, or until nothing is left to send for now. Raises DrillFailed where nothing moves."""
    arrived, moved_at, looked_at = -1, time.monotonic(), 0.0
    while not until():
        at = time.monotonic()
        if at - looked_at >= LOOK_EVERY_S:
            looked_at = at
            drill.on_progress(what, len(drill.tally.received))
            if _is_at_rest(drill):
                return
            if worker.poll() is not None:
                said = drill.output.read_text(encoding="utf-8", errors="replace").strip()[-500:]
                raise DrillFailed(f"a worker ended by itself: {said}")
        if len(drill.tally.received) != arrived:
            arrived, moved_at = len(drill.tally.received), at
        elif at - moved_at > STANDSTILL_S:
            raise DrillFailed(f"nothing has arrived for {STANDSTILL_S:.0f} s: {what}")
        time.sleep(TALLY_EVERY_S)


def _is_at_rest(drill: Drill) -> bool:
    """Whether no worker has anything in hand and nothing is due; notes what is uncertain on the way."""
    is_uncertain = sa.select(Delivery.id).where(Delivery.state == DeliveryState.UNCERTAIN)
    has_work = sa.select(Chunk.id).where(Chunk.lease_until.is_not(None) | (Chunk.next_attempt_at <= now()))
    with drill.product.database.reading() as session:
        drill.seen_uncertain.update(session.scalars(is_uncertain))
        return session.scalar(has_work.limit(1)) is None and not any(
            edition_counts(session, drill.edition_id).get(state) for state in OPEN
        )


def _repeat_uncertain(drill: Drill) -> None:
    """Make due now what a worker would repeat after a quarter of an hour."""
    with drill.product.database.transaction() as session:
        is_repeatable = sa.and_(Delivery.state == DeliveryState.UNCERTAIN, Delivery.is_repeatable)
        session.execute(sa.update(Delivery).where(is_repeatable).values(next_attempt_at=now()))
        redate(session, Chunk.lease_until.is_(None), now=now())


def _counts(drill: Drill) -> dict[DeliveryState, int]:
    with drill.product.database.reading() as session:
        return edition_counts(session, drill.edition_id)
