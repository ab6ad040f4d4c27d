"""The scheduler's lease: one holder at a time, renewable, taken over when it lapses."""

import threading
from datetime import timedelta

from app.db import Database
from app.jobs import lease
from tests.conftest import NOW


def hold(database: Database, owner: str, after_s: float = 0) -> bool:
    return lease.hold(database, name="scheduler", owner=owner, now=NOW + timedelta(seconds=after_s))


def test_one_of_two_holds_it_and_may_renew(database_url: str) -> None:
    database = Database(database_url)
    assert hold(database, "a")
    assert not hold(database, "b")
    assert hold(database, "a", after_s=30)
    assert not hold(database, "b", after_s=60)
    database.dispose()


def test_a_lapsed_lease_goes_to_whoever_asks(database_url: str) -> None:
    database = Database(database_url)
    assert hold(database, "a")
    assert hold(database, "b", after_s=lease.LIFE.total_seconds() + 1)
    assert not hold(database, "a", after_s=lease.LIFE.total_seconds() + 2)
    database.dispose()


def test_a_lease_taken_by_a_clock_that_was_ahead_keeps_nobody_waiting(database_url: str) -> None:
    database = Database(database_url)
    assert hold(database, "a", after_s=86_400)
    assert hold(database, "b")
    assert not hold(database, "c", after_s=-30), "clocks may differ by seconds"
    database.dispose()


def test_a_released_lease_is_free_at_once(database_url: str) -> None:
    database = Database(database_url)
    assert hold(database, "a")
    lease.release(database, name="scheduler", owner="b")
    assert not hold(database, "b")
    lease.release(database, name="scheduler", owner="a")
    assert hold(database, "b")
    database.dispose()


def test_of_many_who_ask_at_once_one_gets_it(database_url: str) -> None:
    database = Database(database_url)
    held: list[str] = []
    gate = threading.Barrier(8)

    def ask(owner: str) -> None:
        gate.wait()
        if hold(database, owner):
            held.append(owner)

    threads = [threading.Thread(target=ask, args=(f"owner-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(held) == 1
    database.dispose()
