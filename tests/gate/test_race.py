"""Stopping at the last second, and two schedulers, on the database of many machines: one of them counts."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.delivery.models import Chunk, Delivery
from app.editions.models import EditionStatus
from app.product import Product
from config import Config
from tests.conftest import NOW
from tests.gate.house import edition, make_edition, schedule

pytestmark = [pytest.mark.slow]

#: Starts or stops, told which, when a line comes in.
PROGRAM = """
import sys
from datetime import timedelta
from pathlib import Path
from app.errors import TransitionRefused
from app.gate.approvals import stop_scheduled
from app.gate.starting import start_approved
from app.product import make_product
from app.jobs.fleet import announce
from tests.conftest import NOW, make_config
product = make_product(make_config(sys.argv[1], Path(sys.argv[2])), announce)
at = NOW + timedelta(minutes=10)
print("ready", flush=True)
sys.stdin.readline()
try:
    if sys.argv[3] == "start":
        print(len(start_approved(product.database, now=at, config=product.config, links=product.links)))
    else:
        with product.database.transaction() as session:
            stop_scheduled(session, edition_id=int(sys.argv[4]), actor="ada@desk.example", now=at)
        print(1)
except TransitionRefused:
    print(0)
"""


def run(config: Config, edition_id: int, *whats: str) -> list[int]:
    """Let processes do these things at one moment; return what each of them achieved."""
    root, folder = Path(__file__).resolve().parents[2], config.data_dir.parent
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, config.database_url, str(folder), what, str(edition_id)],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for what in whats
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [int(process.communicate(timeout=60)[0]) for process in processes]


def copies_of(product: Product) -> int:
    with product.database.reading() as session:
        rows = select(Delivery).join(Chunk, Chunk.id == Delivery.chunk_id).where(Chunk.kind == "edition")
        return len(session.scalars(rows).all())


def test_two_schedulers_start_one_edition_once(product: Product, config: Config) -> None:
    edition_id = make_edition(product)
    schedule(product, edition_id)
    assert sorted(run(config, edition_id, "start", "start")) == [0, 1]
    assert copies_of(product) == 2
    assert run(config, edition_id, "start") == [0]


def test_of_a_stop_and_a_start_at_the_same_second_one_counts(product: Product, config: Config) -> None:
    edition_id = make_edition(product)
    schedule(product, edition_id, now=NOW - timedelta(seconds=1))
    started, stopped = run(config, edition_id, "start", "stop")
    assert started + stopped == 1
    found = edition(product, edition_id)
    assert found.status is (EditionStatus.SENDING if started else EditionStatus.DRAFT)
    assert copies_of(product) == 2 * started
