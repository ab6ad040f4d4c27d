"""`flask crash-drill` as an operator runs it: what it prints, what it leaves behind, what it refuses."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.db import make_migration_engine
from tests.end_to_end.house import ROOT, House, wait_until

pytestmark = pytest.mark.slow

SHORT = ("--letters", "300", "--kills", "2", "--seed", "5", "--json")

#: Runs the command with a sink that does not tell of the tenth letter.
FORGETFUL = """
import sys
from app.demo.sink import Tally
from flask.cli import main

seen = set()
note = Tally.note

def forgetful(tally, recipient, message_id):
    seen.add(recipient)
    if len(seen) != 10 or recipient in {other for other, _ in tally.received}:
        note(tally, recipient, message_id)

Tally.note = forgetful
sys.argv = ["flask", "crash-drill", *sys.argv[1:]]
main()
"""

#: Runs the command; Ctrl-C comes when the first worker runs already, but the drill does not know of it yet.
INTERRUPTED = """
import signal, subprocess, sys
from app.demo import drill
from flask.cli import main

class Worker(subprocess.Popen):
    def __init__(self, arguments, **options):
        super().__init__(arguments, **options)
        if arguments[-1] == "worker":
            signal.raise_signal(signal.SIGINT)

drill.subprocess.Popen = Worker
sys.argv = ["flask", "crash-drill", *sys.argv[1:]]
main()
"""

#: Runs the command; Ctrl-C comes while it waits for a worker to end, which hangs.
IMPATIENT = """
import signal, subprocess, sys
from app.demo import drill
from flask.cli import main

class Worker(subprocess.Popen):
    def terminate(self):
        self.send_signal(signal.SIGSTOP)
        super().terminate()

    def wait(self, timeout=None):
        if timeout == drill.END_TIMEOUT_S:
            signal.raise_signal(signal.SIGINT)
        return super().wait(timeout)

drill.subprocess.Popen = Worker
sys.argv = ["flask", "crash-drill", *sys.argv[1:], "--kills", "0"]
main()
"""


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[House]:
    """An operator's machine, with a place for temporary files that can be looked into."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "data").mkdir()
    house = House(tmp_path / "data", 1, TMPDIR=str(tmp_path / "tmp"))
    yield house
    for left in processes(house):
        os.kill(left, signal.SIGKILL)


def run(operator: House, script: str) -> "subprocess.CompletedProcess[str]":
    """A script that runs the command with something in it changed."""
    command = [sys.executable, "-c", script, *SHORT]
    return subprocess.run(
        command, cwd=ROOT, env=operator.environ, capture_output=True, text=True, check=False, timeout=240
    )


def where(database_url: str) -> tuple[str, ...]:
    return ("--database", database_url) if database_url.startswith("postgresql") else ()


def tables(database_url: str) -> list[str]:
    engine = make_migration_engine(database_url)
    try:
        return sa.inspect(engine).get_table_names()
    finally:
        engine.dispose()


def processes(operator: House) -> dict[int, str]:
    """The command lines of processes whose settings point into the operator's temporary folder, by their ids."""
    found = {}
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"VIGIE_DATA_DIR={operator.environ['TMPDIR']}".encode() in environ.read_bytes():
                found[int(environ.parent.name)] = environ.with_name("cmdline").read_text()
    return found


def leftovers(operator: House) -> list[str]:
    """Temporary files, and processes that work with them."""
    return [*map(str, Path(operator.environ["TMPDIR"]).iterdir()), *processes(operator).values()]


def test_the_counts_balance_and_nothing_is_left(operator: House, empty_database_url: str) -> None:
    before = set(operator.output.parent.rglob("*"))
    ended = operator.flask("crash-drill", *SHORT, *where(empty_database_url), check=False)
    counts = json.loads(ended.stdout)
    assert (ended.returncode, counts["verdict"]) == (0, "the counts balance"), ended.stderr
    assert counts["readers"] == counts["received_once"] + counts["received_twice"] == 300
    assert counts["received_twice"] <= counts["uncertain"] <= counts["bound"] == 16
    assert (counts["lost"], counts["seed"]) == (0, 5)
    assert leftovers(operator) == []
    assert tables(empty_database_url) == []
    assert {path.name for path in set(operator.output.parent.rglob("*")) - before} <= {
        "keys", "secret_key", "link_keys", "suppression_key", "proof_keys",
    }  # fmt: skip


def test_a_letter_that_the_sink_did_not_get_is_lost(operator: House) -> None:
    ended = run(operator, FORGETFUL)
    assert ended.returncode == 1, ended.stderr
    counts = json.loads(ended.stdout)
    assert counts["lost"] == 1
    assert counts["verdict"].startswith("1 readers received nothing")


def test_an_interrupted_drill_leaves_nothing(operator: House, empty_database_url: str) -> None:
    with operator.output.open("wb") as output:
        command = [sys.executable, "-m", "flask", "crash-drill", "--letters", "20000", *where(empty_database_url)]
        running = subprocess.Popen(command, cwd=ROOT, env=operator.environ, stdout=output, stderr=output)
    wait_until(lambda: any("\0worker\0" in line for line in processes(operator).values()), "a worker", seconds=60)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=60) == 1
    assert leftovers(operator) == []
    assert tables(empty_database_url) == []


@pytest.mark.parametrize("script", [INTERRUPTED, INTERRUPTED.replace("SIGINT", "SIGTERM"), IMPATIENT])
def test_a_worker_that_an_interruption_met_at_its_start_or_end_ends_too(operator: House, script: str) -> None:
    ended = run(operator, script)
    assert ended.returncode == 1, ended.stderr
    assert leftovers(operator) == []


@pytest.mark.postgresql
@pytest.mark.parametrize("statement", ["CREATE TABLE mine (id int)", "CREATE SEQUENCE mine", "CREATE SCHEMA mine"])
def test_a_database_that_holds_anything_is_refused(
    operator: House, request: pytest.FixtureRequest, statement: str
) -> None:
    from tests.conftest import new_postgresql_database

    url = new_postgresql_database(request.getfixturevalue("postgresql_server"))
    engine = make_migration_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    before = tables(url)
    ended = operator.flask("crash-drill", "--database", url, check=False)
    assert ended.returncode == 1
    assert "not empty" in ended.stderr
    assert tables(url) == before


def test_only_another_postgresql_database_will_do(operator: House, tmp_path: Path) -> None:
    own = f"sqlite:///{operator.output.parent / 'vigie.db'}"
    for url, code in (
        (f"sqlite:///{tmp_path / 'mine.db'}", 1),
        (own, 2),
        ("nonsense", 2),
        ("postgresql://db:port/x", 2),
    ):
        ended = operator.flask("crash-drill", "--database", url, check=False)
        assert (ended.returncode, ended.stdout) == (code, ""), ended.stderr
        assert "Traceback" not in ended.stderr
    assert not (tmp_path / "mine.db").exists()
