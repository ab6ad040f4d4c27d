"""The breaker: what is usual, what is far too much, and who passes all the same."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.errors import ProofNeeded
from app.mail.address import parse_address
from app.product import Product
from app.settings.form import SignupLimits
from app.subscriptions.form.counters import Alert, AlertKind, SignupHour
from app.subscriptions.form.limits import CounterKeys, count_letter
from app.subscriptions.form.surge import is_breaker_open
from tests.conftest import KEY, NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def fill(product: Product, letters_a_day: dict[int, int]) -> None:
    """Past days, by how many ago, with so many letters each, all in the morning."""
    with product.database.transaction() as session:
        for ago, letters in letters_a_day.items():
            session.add(SignupHour(hour=NOW - ago * DAY, letters=letters, official=0, threshold=None))


def passed(product: Product, tries: int, *, at: datetime = NOW, is_proven: bool = False) -> int:
    """How many of so many sign-ups for different mailboxes at different domains are let through."""
    keys = CounterKeys.of(KEY, KEY, at)
    count = 0
    for number in range(tries):
        address = parse_address(f"r{at:%H}@d{number}.example")
        try:
            with product.database.transaction() as session:
                count += count_letter(
                    session, address=address, is_proven=is_proven, limits=SignupLimits(), keys=keys, now=at
                )
        except ProofNeeded:
            continue
    return count


def test_a_young_publication_is_not_shut_by_its_first_readers(product: Product) -> None:
    assert passed(product, 120) == SignupLimits().breaker_floor == 100


def test_the_norm_is_learnt_from_the_days_before(product: Product) -> None:
    fill(product, dict.fromkeys(range(1, 29), 480))
    assert passed(product, 220) == 200, "ten times 480 / 24"


def test_some_days_of_attack_do_not_move_the_norm(product: Product) -> None:
    fill(product, {ago: 100_000 if ago < 10 else 480 for ago in range(1, 29)})
    assert passed(product, 220) == 200


def test_days_long_ago_and_today_count_for_nothing(product: Product) -> None:
    fill(product, {29: 100_000, **dict.fromkeys(range(1, 14), 2_400)})
    with product.database.transaction() as session:
        session.add(SignupHour(hour=NOW - HOUR, letters=9_999, official=0, threshold=None))
    assert passed(product, 120) == 100, "the median day of 28 had none"


def test_whoever_proves_to_mean_it_passes_an_open_breaker(product: Product) -> None:
    passed(product, 101)
    assert passed(product, 1, is_proven=False, at=NOW + timedelta(minutes=59)) == 0
    assert passed(product, 130, is_proven=True, at=NOW + timedelta(minutes=10)) == 30, "those that had no letter yet"


def test_the_breaker_closes_with_the_hour(product: Product) -> None:
    passed(product, 101)
    states = []
    for at in (NOW, NOW + timedelta(minutes=59), NOW + HOUR):
        with product.database.reading() as session:
            states.append(is_breaker_open(session, now=at))
    assert states == [True, True, False]
    assert passed(product, 5, at=NOW + HOUR) == 5


def test_an_address_that_was_asked_for_a_moment_ago_is_asked_for_proof_like_any_other(product: Product) -> None:
    passed(product, 101)
    keys = CounterKeys.of(KEY, KEY, NOW)
    for number in (0, 200):  # one with a letter, one without
        with pytest.raises(ProofNeeded), product.database.transaction() as session:
            count_letter(
                session, address=parse_address(f"r09@d{number}.example"), is_proven=False, limits=SignupLimits(),
                keys=keys, now=NOW,
            )  # fmt: skip


def test_five_times_and_ten_times_the_norm_are_told_of_once_an_hour(product: Product) -> None:
    seen = []
    for tries in (49, 50, 99, 130):
        passed(product, tries)  # those of before have no room, and count for nothing
        with product.database.reading() as session:
            seen.append(set(session.scalars(select(Alert.kind))))
    assert seen == [set(), {AlertKind.SURGE}, {AlertKind.SURGE}, {AlertKind.SURGE, AlertKind.BREAKER}]
    with product.database.reading() as session:
        assert len(session.scalars(select(Alert.kind)).all()) == 2
