"""A sender killed with 2,000 letters in hand, and another that goes on."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from app.db import Database
from app.delivery.journal import boot_id
from app.delivery.models import DeliveryState
from app.delivery.recovery import recover
from app.mail.connection import Relay
from app.mail.memory import MemoryTransport
from app.mail.pipeline import PipelinedTransport
from tests.conftest import NOW
from tests.delivery.house import make_engine, queue_edition, queue_notes, states
from tests.smtp_server import ScriptedServer

ROOT = Path(__file__).resolve().parents[2]
LETTERS = 2_000

SENDER = """
import sys
from pathlib import Path
from app.db import Database
from app.delivery.recovery import recover
from app.mail.connection import Relay
from app.mail.pipeline import PipelinedTransport
from tests.conftest import NOW
from tests.delivery.house import make_engine

url, folder, port = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
relay = Relay("127.0.0.1", port, "sender.example")
database = Database(url)
recover(database, folder / "journal", now=NOW)
make_engine(database, folder, PipelinedTransport(relay, connections=8), limit=1).run_once(NOW)
"""


@pytest.mark.slow
@pytest.mark.skipif(not boot_id(), reason="this system names no boot")
def test_a_killed_sender_loses_nothing_and_doubles_only_the_gap(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    queue_edition(database, LETTERS)
    with ScriptedServer() as server:
        for kill_after in (120, 700, 1_300):
            kill_once_taken(server, database_url, tmp_path, kill_after)
        assert len(server.taken) < LETTERS
        recover(database, tmp_path / "journal", now=NOW)
        in_gap = [i for i, state in enumerate(states(database)) if state is DeliveryState.UNCERTAIN]
        finish(database, tmp_path, server.port)
    copies = Counter(taken.recipient for taken in server.taken)
    gap = {f"r{i}@reader.example" for i in in_gap}
    assert len(gap) <= 3 * 8  # three kills, eight connections
    assert set(copies) | gap == {f"r{i}@reader.example" for i in range(LETTERS)}
    assert {address for address, number in copies.items() if number > 1} <= gap
    assert Counter(states(database)) == Counter(
        {DeliveryState.ACCEPTED: LETTERS - len(gap), DeliveryState.UNCERTAIN: len(gap)}
    )


@pytest.mark.slow
def test_outcomes_wait_while_another_program_locks_sqlite(tmp_path: Path) -> None:
    from tests.conftest import create_tables

    path = tmp_path / "vigie.db"
    url = f"sqlite:///{path}"
    create_tables(url)
    database = Database(url)
    queue_notes(database, 3)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    class Locking(MemoryTransport):
        def send(self, messages, on_start):
            for number, sent in enumerate(super().send(messages, on_start)):
                if number == 0:
                    other.execute("BEGIN EXCLUSIVE")
                    threading.Timer(6.5, other.execute, ["ROLLBACK"]).start()
                yield sent

    transport = Locking()
    make_engine(database, tmp_path, transport).run_once(NOW)
    assert states(database) == [DeliveryState.ACCEPTED] * 3
    assert len(transport.sent) == 3
    other.close()
    database.dispose()


def kill_once_taken(server: ScriptedServer, url: str, folder: Path, count: int) -> None:
    """Start a sender and kill it, without a word, once the server has taken `count` letters in all."""
    command = [sys.executable, "-c", SENDER, url, str(folder), str(server.port)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        until = time.monotonic() + 60
        while len(server.taken) < count:
            assert process.poll() is None, "the sender ended by itself"
            assert time.monotonic() < until
            time.sleep(0.002)
    finally:
        process.kill()
        process.wait()


def finish(database: Database, folder: Path, port: int) -> None:
    """Let a new sender take over and send what is due now; what is uncertain is not due yet."""
    sender = make_engine(database, folder, PipelinedTransport(Relay("127.0.0.1", port, "sender.example")), limit=1)
    recover(database, folder / "journal", now=NOW)
    sender.run_once(NOW)
