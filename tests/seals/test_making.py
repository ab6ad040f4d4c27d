"""Seals: one a day, whoever makes them, made up for when missed, and written down whole."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

from app.jobs.schedule import seal as seal_job
from app.product import Product
from app.seals.documents import document_of, read_files, write_files
from app.seals.making import GRACE
from app.seals.models import all_seals
from tests.conftest import NOW
from tests.seals.ledger import DAY, VERIFIED_AT, build, found, seal, verify
from tests.subscriptions.test_ledger import join

MIDNIGHT = datetime(2026, 3, 18, tzinfo=UTC)


def days(product: Product) -> list[str]:
    with product.database.reading() as session:
        return [row.day for row in session.scalars(all_seals())]


def test_a_day_is_sealed_once_clocks_agree_that_it_is_over(product: Product) -> None:
    seal(product, MIDNIGHT + GRACE - timedelta(seconds=1))
    assert days(product) == ["2026-03-16"]
    seal(product, MIDNIGHT + GRACE)
    seal(product, MIDNIGHT + GRACE)
    assert days(product) == ["2026-03-16", "2026-03-17"]


def test_days_that_were_missed_are_made_up_for(product: Product) -> None:
    with product.database.transaction() as session:
        join(session, product)
    seal(product, NOW)
    assert len(seal(product, NOW + 5 * DAY)) == 5
    with product.database.reading() as session:
        rows = session.scalars(all_seals()).all()
    assert [row.events for row in rows] == [0, 2, 0, 0, 0, 0]
    assert [row.previous_digest for row in rows[1:]] == [row.digest for row in rows[:-1]]
    assert len({row.digest for row in rows}) == 6


def test_of_two_makers_at_once_one_makes_each_seal(product: Product) -> None:
    seal(product, NOW)
    together = threading.Barrier(2)
    made: list[int] = []

    def make() -> None:
        together.wait()
        made.append(len(seal(product, NOW + 5 * DAY)))

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(made) == 5
    assert len(days(product)) == 6
    assert not [line for line in found(product) if "follow" in line]


def test_the_job_seals_and_writes_each_seal_to_a_file_once(product: Product) -> None:
    build(product)
    folder = product.config.seals_dir
    with time_machine.travel(VERIFIED_AT + DAY, tick=False):
        seal_job(product)
        assert sorted(path.name for path in folder.iterdir())[-1] == "2026-03-20.json"
        (folder / "2026-03-18.json").unlink()
        kept = (folder / "2026-03-17.json").stat().st_mtime_ns
        seal_job(product)
    assert (folder / "2026-03-17.json").stat().st_mtime_ns == kept
    assert len(read_files(folder)) == 4
    assert verify(product, tuple(read_files(folder)), at=VERIFIED_AT + DAY).problems == []


def test_a_file_says_what_the_row_says_and_is_signed(product: Product, tmp_path: Path) -> None:
    [made] = seal(product, NOW)
    with product.database.reading() as session:
        write_files(list(session.scalars(all_seals())), tmp_path)
    written = json.loads((tmp_path / "2026-03-16.json").read_text())
    assert written == document_of(made)
    assert product.proof_keys.fault_of(written) is None
    assert (written["since"], written["until"]) == (None, "2026-03-17T00:00:00.000000+00:00")


def test_seals_of_a_clock_that_was_years_ahead_show(product: Product) -> None:
    build(product)
    seal(product, NOW + 30 * DAY)
    assert seal(product, NOW + 10 * DAY) == [], "nothing is sealed until then"
    assert f"seal {(NOW + 29 * DAY).date()}: its day is not over" in found(product)
