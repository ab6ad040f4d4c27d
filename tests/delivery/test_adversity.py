"""A sender whose database hangs up on it, and one whose disk is full: it goes on by itself, and loses nothing."""

import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.clock import now
from app.db import Database
from app.delivery.models import DeliveryState
from tests.conftest import create_tables, new_postgresql_database
from tests.delivery.house import queue_edition, states
from tests.delivery.test_kill import ROOT
from tests.end_to_end.house import wait_until
from tests.smtp_server import ScriptedServer

pytestmark = pytest.mark.slow

LETTERS, CONNECTIONS = 2_000, 8
#: A journal of 100 copies is larger.
FULL_DISK_OCTETS = 4_096

#: What a worker runs for editions, until it is killed.
SENDER = """
import logging, sys, threading
from functools import partial
from pathlib import Path
from app.db import Database
from app.delivery.recovery import watch
from app.mail.connection import Relay
from app.mail.pipeline import PipelinedTransport
from tests.delivery.house import make_engine

url, folder, port, connections = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
logging.basicConfig(level=logging.INFO)
database, stop = Database(url), threading.Event()
transport = PipelinedTransport(Relay("127.0.0.1", port, "sender.example"), connections)
threading.Thread(target=partial(watch, database, folder / "journal", stop)).start()
make_engine(database, folder, transport, limit=1).run(stop)
"""


@contextmanager
def sending(url: str, folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a sender in a process of its own until the block ends."""
    command = [sys.executable, "-c", SENDER, url, str(folder), str(port), str(CONNECTIONS)]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for_end(database: Database, folder: Path) -> None:
    """Wait until each copy was accepted or is uncertain; the latter come again after the test."""
    ended = {DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN}
    try:
        wait_until(lambda: set(states(database)) <= ended, "the end of the edition", seconds=80)
    except AssertionError:
        counts, said = Counter(states(database)), (folder / "output").read_text()[-6000:]
        raise AssertionError(f"{counts}\n{said}") from None


def assert_balance(database: Database, server: ScriptedServer, *, bound: int) -> None:
    """Each reader got one letter, save those whose letter may have gone, of whom there are few."""
    copies = Counter(taken.recipient for taken in server.taken)
    in_gap = [i for i, state in enumerate(states(database)) if state is DeliveryState.UNCERTAIN]
    gap = {f"r{i}@reader.example" for i in in_gap}
    assert set(copies) | gap == {f"r{i}@reader.example" for i in range(LETTERS)}
    assert set(copies.values()) == {1}
    assert len(gap) <= bound


def hang_up(server: str, url: str) -> int:
    """Close all connections to a database, and return how many there were."""
    engine = sa.create_engine(server, poolclass=sa.pool.NullPool)
    named = sa.text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = :name")
    with engine.connect() as connection:
        return connection.scalar(named, {"name": sa.make_url(url).database}) or 0


@pytest.mark.postgresql
def test_a_database_that_hangs_up_costs_no_letter(postgresql_server: str, tmp_path: Path) -> None:
    url = new_postgresql_database(postgresql_server)
    create_tables(url)
    database = Database(url)
    queue_edition(database, LETTERS, chunk_copies=100, now=now())
    with ScriptedServer(offers=("PIPELINING",)) as server:
        with sending(url, tmp_path, server.port):
            for arrived in (150, 700, 1_400):
                wait_until(lambda arrived=arrived: len(server.taken) >= arrived, f"letter {arrived}", seconds=60)
                assert hang_up(postgresql_server, url) >= 1
            wait_for_end(database, tmp_path)
        assert_balance(database, server, bound=3 * CONNECTIONS)
    database.dispose()


def test_a_full_disk_costs_no_letter(database: Database, database_url: str, tmp_path: Path) -> None:
    """A limit on the size of files stands for it: on SQLite it meets the database as well as the journal."""
    queue_edition(database, LETTERS, chunk_copies=100, now=now())
    with ScriptedServer(offers=("PIPELINING",)) as server:
        with sending(database_url, tmp_path, server.port) as process:
            wait_until(lambda: len(server.taken) >= 300, "300 letters")
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (FULL_DISK_OCTETS, resource.RLIM_INFINITY))
            wait_until(lambda: is_quiet(server), "the sender to stop")
            assert len(server.taken) < LETTERS
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            wait_for_end(database, tmp_path)
            assert process.poll() is None
        assert_balance(database, server, bound=CONNECTIONS)


def test_a_disk_that_was_always_full_sends_nothing(database: Database, database_url: str, tmp_path: Path) -> None:
    queue_edition(database, LETTERS, chunk_copies=100, now=now())
    with ScriptedServer(offers=("PIPELINING",)) as server:
        with sending(database_url, tmp_path, server.port) as process:
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (FULL_DISK_OCTETS, resource.RLIM_INFINITY))
            said = tmp_path / "output"
            wait_until(lambda: "stumbled" in said.read_text() or "waits for" in said.read_text(), "the sender to stop")
            assert server.taken == []
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            wait_for_end(database, tmp_path)
        assert_balance(database, server, bound=0)


def is_quiet(server: ScriptedServer) -> bool:
    """Whether no letter comes for two seconds."""
    before = len(server.taken)
    time.sleep(2)
    return len(server.taken) == before
