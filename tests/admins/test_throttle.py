from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.admins import throttle
from app.admins.models import SigninFailures
from app.errors import SigninThrottled
from app.product import Product
from tests.conftest import NOW

KEY = "throttle-key-of-the-tests"
ACCOUNT = throttle.by_account("ada@desk.example")
NETWORK = throttle.by_network("192.0.2.7")


def attempt(product: Product, *counters: throttle.Counter, at=NOW) -> int:
    """Count one attempt; return the seconds to wait, 0 when it was let through."""
    try:
        with product.database.transaction() as session:
            throttle.count_attempt(session, counters=list(counters), key=KEY, now=at)
    except SigninThrottled as refused:
        return refused.seconds
    return 0


def test_a_wait_doubles_up_to_a_bound() -> None:
    waits = [ACCOUNT.wait_s(failures) for failures in range(1, 15)]
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert NETWORK.wait_s(10_000) == 900


def test_the_first_failures_cost_nothing_and_the_next_one_has_to_wait(product: Product) -> None:
    assert [attempt(product, ACCOUNT) for _ in range(6)] == [0] * 6
    assert attempt(product, ACCOUNT) == 1


def test_a_refused_attempt_does_not_prolong_the_wait(product: Product) -> None:
    for _ in range(6):
        attempt(product, ACCOUNT)
    for _ in range(50):
        assert attempt(product, ACCOUNT) == 1
    assert attempt(product, ACCOUNT, at=NOW + timedelta(seconds=1)) == 0
    assert attempt(product, ACCOUNT, at=NOW + timedelta(seconds=1)) == 2


def test_one_account_is_not_slowed_by_guesses_at_another(product: Product) -> None:
    for _ in range(7):
        attempt(product, ACCOUNT)
    assert attempt(product, ACCOUNT) > 0
    assert attempt(product, throttle.by_account("ben@desk.example")) == 0


def test_a_network_that_tries_many_accounts_has_to_wait(product: Product) -> None:
    for number in range(21):
        assert attempt(product, throttle.by_account(f"a{number}@desk.example"), NETWORK) == 0
    assert attempt(product, throttle.by_account("fresh@desk.example"), NETWORK) == 1


def test_an_attempt_refused_by_one_counter_is_counted_by_none(product: Product) -> None:
    for _ in range(6):
        attempt(product, ACCOUNT)
    attempt(product, ACCOUNT, NETWORK)
    with product.database.reading() as session:
        assert session.scalars(sa.select(SigninFailures.failures)).all() == [6]


def test_forgiving_starts_again(product: Product) -> None:
    for _ in range(7):
        attempt(product, ACCOUNT)
    with product.database.transaction() as session:
        throttle.forgive(session, counters=[ACCOUNT], key=KEY)
    assert attempt(product, ACCOUNT) == 0


def test_a_quiet_day_is_forgotten(product: Product) -> None:
    for _ in range(6):
        attempt(product, ACCOUNT)
    tomorrow = NOW + timedelta(hours=25)
    assert [attempt(product, ACCOUNT, at=tomorrow) for _ in range(6)] == [0] * 6
    with product.database.transaction() as session:
        assert throttle.forget_failures(session, now=tomorrow + timedelta(hours=25)) == 1


def test_neither_address_nor_network_is_stored_readably(product: Product) -> None:
    attempt(product, ACCOUNT, NETWORK)
    with product.database.reading() as session:
        keys = session.scalars(sa.select(SigninFailures.key_hmac)).all()
    assert len(keys) == 2
    assert all(len(key) == 64 and int(key, 16) >= 0 for key in keys)


@pytest.mark.parametrize("other", ["another key", KEY[:-1]])
def test_the_stored_name_depends_on_the_key(product: Product, other: str) -> None:
    attempt(product, ACCOUNT)
    with product.database.transaction() as session:
        throttle.forgive(session, counters=[ACCOUNT], key=other)
        assert session.scalar(sa.select(sa.func.count()).select_from(SigninFailures)) == 1
