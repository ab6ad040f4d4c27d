"""The table of jobs: each runs, one failure stops nothing, a stranger to the lease stays idle."""

import logging
import threading
from datetime import timedelta
from typing import NoReturn

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.clock import now
from app.jobs import lease
from app.jobs import scheduler as scheduler_module
from app.jobs.schedule import JOBS, Job
from app.jobs.scheduler import LEASE_NAME, Scheduler
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber
from app.subscriptions.records import PurgeCount
from tests.conftest import NOW
from tests.make import make_subscription


def test_every_job_of_the_table_runs_on_a_fresh_database(product: Product, caplog: pytest.LogCaptureFixture) -> None:
    scheduler = Scheduler(product)
    for job in JOBS:
        scheduler.tick(job)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_unconfirmed_sign_ups_go_after_the_configured_days(product: Product) -> None:
    with product.database.transaction() as session:
        make_subscription(session, email="pending@reader.example", status=SubscriptionStatus.PENDING, at=NOW)
        make_subscription(session, email="reader@reader.example", at=NOW)
    purge = next(job for job in JOBS if job.name == "purge")
    days = product.config.retention.pending_days
    with time_machine.travel(NOW + timedelta(days=days, hours=-1), tick=False):
        Scheduler(product).tick(purge)
        assert addresses(product) == {"pending@reader.example", "reader@reader.example"}
        lease.release(product.database, name=LEASE_NAME, owner="")
    with time_machine.travel(NOW + timedelta(days=days, hours=1), tick=False):
        Scheduler(product).tick(purge)
    assert addresses(product) == {"reader@reader.example"}
    with product.database.reading() as session:
        assert session.scalars(select(PurgeCount.purged)).all() == [1]


def test_a_failing_job_is_logged_and_runs_again(product: Product, caplog: pytest.LogCaptureFixture) -> None:
    runs: list[int] = []

    def fail(_: Product) -> None:
        runs.append(1)
        raise RuntimeError("boom")

    scheduler = Scheduler(product)
    for _ in range(2):
        scheduler.tick(Job("failing", 5, fail))
    assert len(runs) == 2
    assert "boom" in caplog.text


def test_a_database_that_is_away_is_a_line_each_tick_and_no_traceback(
    product: Product, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several jobs tick each second: an hour would else be a hundred megabytes of log."""

    def refuse() -> NoReturn:
        raise OperationalError("SELECT 1", {}, Exception("connection refused"))

    scheduler = Scheduler(product)
    scheduler.start()
    monkeypatch.setattr(product.database, "transaction", refuse)
    scheduler.tick(Job("counted", 5, lambda _: None))
    scheduler.run_asked()
    scheduler.stop()
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert told
    assert not [record for record in told if record.exc_info or "connection refused" not in record.getMessage()]


def test_a_scheduler_without_the_lease_does_nothing(product: Product) -> None:
    runs: list[int] = []
    job = Job("counted", 5, lambda _: runs.append(1))
    first, second = Scheduler(product), Scheduler(product)
    first.tick(job)
    second.tick(job)
    assert len(runs) == 1


def test_a_clock_that_is_set_back_stops_no_job(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    again = threading.Event()

    def run(_: Product) -> None:
        ran.append("again" if ran else "first")
        (again if ran[1:] else first).set()

    first = threading.Event()
    monkeypatch.setattr(scheduler_module, "JOBS", [Job("counted", 3600, run)])
    monkeypatch.setattr(scheduler_module, "WATCH_EVERY_S", 0.05)
    scheduler = Scheduler(product)
    scheduler.start()
    try:
        assert first.wait(10)
        with time_machine.travel(now() - timedelta(hours=2), tick=True):
            assert again.wait(10), "the job waits for the clock to make up for it"
    finally:
        scheduler.stop()


def addresses(product: Product) -> set[str]:
    with product.database.reading() as session:
        return set(session.scalars(select(Subscriber.email)))
