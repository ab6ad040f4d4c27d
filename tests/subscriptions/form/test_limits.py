"""The form's limits: who is let through, for how long not, and what the counters give away."""

import re
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.errors import SignupThrottled
from app.mail.address import parse_address
from app.product import Product
from app.settings.form import SignupLimits
from app.subscriptions.form.counters import Alert, AlertKind, SignupCounter
from app.subscriptions.form.limits import (
    SILENCE,
    CounterKeys,
    count_letter,
    count_network,
    forget_mailbox,
    purge_counters,
)
from tests.conftest import KEY, NOW, ON_SQLITE
from tests.statements import plans

LIMITS = SignupLimits()
HOME = "192.0.2.1/32"
ADDRESS = "alice@reader.example"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def keys(at: datetime) -> CounterKeys:
    return CounterKeys.of(KEY, KEY + "-suppression", at)


def wait_s(product: Product, *, at: datetime = NOW, network: str = HOME) -> int:
    """Count a sign-up of a network; the seconds that it has to wait, or 0 where it was let through."""
    try:
        with product.database.transaction() as session:
            count_network(session, network=network, limits=LIMITS, keys=keys(at), now=at)
    except SignupThrottled as refused:
        return refused.seconds
    return 0


def goes(product: Product, email: str = ADDRESS, *, at: datetime = NOW, limits: SignupLimits = LIMITS) -> bool:
    """Count a sign-up for an address; whether its letter may go."""
    with product.database.transaction() as session:
        return count_letter(session, address=parse_address(email), is_proven=True, limits=limits, keys=keys(at), now=at)


def test_a_network_may_sign_up_five_in_ten_minutes(product: Product) -> None:
    at = NOW + MINUTE
    assert [wait_s(product, at=at) for _ in range(7)] == [0] * 5 + [9 * 60] * 2
    assert wait_s(product, at=at, network="192.0.2.2/32") == 0
    assert wait_s(product, at=NOW + 10 * MINUTE) == 0


def test_a_network_may_sign_up_twenty_a_day_and_trying_more_prolongs_nothing(product: Product) -> None:
    times = [NOW + number * MINUTE for number in range(200)]
    let_through = [at for at in times if wait_s(product, at=at) == 0]
    assert len(let_through) == 20
    assert wait_s(product, at=NOW + timedelta(hours=14)) == 3600, "midnight, UTC, is an hour away"
    assert wait_s(product, at=NOW + timedelta(hours=15)) == 0


def test_a_mailbox_gets_one_letter_in_fifteen_minutes_and_three_a_day(product: Product) -> None:
    minutes = [number for number in range(24 * 60) if goes(product, at=NOW + number * MINUTE)]
    assert minutes == [0, 15, 30]
    assert goes(product, at=NOW + DAY + 30 * MINUTE)


def test_after_five_letters_that_nobody_answered_a_mailbox_is_left_alone_for_thirty_days(product: Product) -> None:
    days = [number for number in range(60) if goes(product, at=NOW + number * DAY)]
    assert days == [0, 1, 2, 3, 4, 34, 35, 36, 37, 38]


def test_a_confirmation_clears_the_mailbox(product: Product) -> None:
    for number in range(9):
        goes(product, at=NOW + number * DAY)
    at = NOW + 9 * DAY
    assert not goes(product, at=at)
    with product.database.transaction() as session:
        forget_mailbox(session, email_key=ADDRESS, keys=keys(at))
    assert goes(product, at=at)


LIMIT_OF = {15 * MINUTE: 1, DAY: 3, SILENCE: 5}


@ON_SQLITE
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pauses=st.lists(st.sampled_from([1, 14, 15, 16, 600, 1425, 1439, 1440, 9000, 43_199, 43_200]), max_size=40))
def test_in_no_stretch_of_time_does_a_mailbox_get_more_than_the_limit(product: Product, pauses: list[int]) -> None:
    with product.database.transaction() as session:
        session.execute(sa.delete(SignupCounter))
    at, letters = NOW, []
    for pause in pauses:
        at += pause * MINUTE
        if goes(product, at=at):
            letters.append(at)
    for length, limit in LIMIT_OF.items():
        busiest = max(
            (len([each for each in letters if 0 * MINUTE <= each - begun < length]) for begun in letters), default=0
        )
        assert busiest <= limit, (length, letters)


@pytest.mark.parametrize(
    "spellings",
    [
        ("alice@reader.example", "ALICE@Reader.Example", "alice+news@reader.example", "Alice+A+b@READER.example"),
        ("alice.b@gmail.com", "aliceb@gmail.com", "a.l.i.c.e.b+x@googlemail.com", "AliceB@GMail.com"),
        ("alice@münchen.example", "alice@MÜNCHEN.example", "alice@xn--mnchen-3ya.example"),
        ("élise@reader.example", "e\u0301lise@reader.example", "ÉLISE+1@reader.example"),
    ],
)
def test_all_spellings_of_a_mailbox_count_as_one(product: Product, spellings: Sequence[str]) -> None:
    assert [goes(product, spelling) for spelling in spellings] == [True] + [False] * (len(spellings) - 1)


@pytest.mark.parametrize(
    "others", [("alice@reader.example", "a.lice@reader.example"), ("+a@reader.example", "+b@reader.example")]
)
def test_what_may_be_two_mailboxes_counts_as_two(product: Product, others: Sequence[str]) -> None:
    assert [goes(product, each) for each in others] == [True, True]


def test_a_domain_gets_fifty_an_hour_and_a_big_provider_ten_times_as_many(product: Product) -> None:
    def count(domain: str, tries: int) -> int:
        return sum(goes(product, f"reader{number}@{domain}") for number in range(tries))

    assert count("office.example", 60) == 50
    assert goes(product, "late@office.example", at=NOW + timedelta(hours=1))
    assert count("gmail.com", 60) == 60
    assert count("orange.fr", 510) == 500


def test_who_is_refused_takes_nothing_from_anybody(product: Product) -> None:
    limits = SignupLimits(per_domain_hourly=2)
    assert goes(product, limits=limits)
    assert not any(goes(product, limits=limits) for _ in range(5))
    assert goes(product, "bob@reader.example", limits=limits), "refusals of Alice's took none of the domain's room"
    for _ in range(5):
        assert not goes(product, "carol@reader.example", limits=limits)
    assert goes(product, "carol@reader.example", at=NOW + timedelta(hours=1), limits=limits), "nor of Carol's"


def in_parallel(work: Callable[[], bool], count: int) -> int:
    """Run `work` in so many threads at once; how many of them it was true for."""
    gate, results = threading.Barrier(count), []

    def run() -> None:
        gate.wait()
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == count
    return sum(results)


def test_of_many_at_the_same_moment_as_many_pass_as_there_is_room_for(product: Product) -> None:
    assert in_parallel(lambda: goes(product), 6) == 1
    assert in_parallel(lambda: wait_s(product) == 0, 8) == 5


def test_taking_looks_at_no_counters_of_others(product: Product) -> None:
    """Nothing has told PostgreSQL yet how many there are."""
    others = [{"name": f"{number:064x}-day", "room": 1, "until": NOW + DAY} for number in range(20_000)]
    with product.database.transaction() as session:
        session.execute(sa.insert(SignupCounter), others)
    with plans(product.database) as steps:
        assert goes(product)
        assert wait_s(product) == 0
    assert not [step for step in steps if re.search("(Seq Scan on|SCAN) signup_counters", step)]
    assert [step for step in steps if re.search("(Index Scan .*pk_|SEARCH )signup_counters", step)]


def test_counters_name_nobody_and_no_network_for_longer_than_a_day(product: Product) -> None:
    wait_s(product)
    goes(product)
    with product.database.reading() as session:
        first = set(session.scalars(select(SignupCounter.name)))
        rows = str(session.execute(select(SignupCounter.__table__)).all())
    assert not [part for part in ("alice", "reader", "192.0.2") if part in rows]
    wait_s(product, at=NOW + DAY)
    goes(product, at=NOW + DAY)
    with product.database.reading() as session:
        again = set(session.scalars(select(SignupCounter.name)))
    assert len(first) == 6
    assert len(again - first) == 3, "the network and the domain go by new names, the mailbox by its old ones"


def test_what_is_over_is_purged(product: Product) -> None:
    wait_s(product)
    goes(product)
    left = []
    for at in (NOW, NOW + timedelta(hours=16), NOW + SILENCE):
        with product.database.transaction() as session:
            purge_counters(session, now=at)
            left.append(len(session.scalars(select(SignupCounter.name)).all()))
    assert left == [6, 2, 0], "the network is forgotten after midnight"


def alerts(product: Product) -> list[AlertKind]:
    with product.database.reading() as session:
        return list(session.scalars(select(Alert.kind).order_by(Alert.kind)))


def test_a_network_that_names_many_addresses_is_told_of_once(
    product: Product, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(19):
        wait_s(product, at=NOW + number * 3 * MINUTE)
    assert alerts(product) == []
    for number in range(5):
        wait_s(product, at=NOW + (57 + number) * MINUTE)
    assert alerts(product) == [AlertKind.NETWORK]
    assert [record.getMessage() for record in caplog.records] == ["the sign-up form needs a look: network"]


@pytest.mark.parametrize(
    ("emails", "told"),
    [
        ([f"agent{number}@interieur.gouv.fr" for number in range(10)], True),
        ([f"presse@paper{number}.example" for number in range(10)], True),
        ([f"agent{number}@army{number}.mil" for number in range(9)], False),
        ([f"reader{number}@gouv.fr.example" for number in range(10)], False),
    ],
)
def test_many_official_addresses_are_told_of(product: Product, emails: list[str], told: bool) -> None:
    assert all(goes(product, email) for email in emails)
    assert (alerts(product) == [AlertKind.OFFICIAL]) is told
