"""Limits hold over all senders, slow nobody else, and cost nothing where nobody asked for one."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app import clock
from app.db import Database
from app.delivery import clerk, limits
from app.delivery.engine import Engine
from app.delivery.limits import Limits, Rates
from app.delivery.models import Delivery, DeliveryState
from app.delivery.paces import BOOKED_AT_MOST, BURST_MIN, FORGOTTEN_AFTER, PROBE_TIME, RELAY, burst_of, learn_from
from app.delivery.senders import DomainPace, ProviderOutcomes
from app.editions.outcomes import count_outcomes
from app.mail.memory import ACCEPTED, MemoryTransport
from app.mail.pacing import BREAKER_OPEN_FOR
from app.mail.replies import Verb, classify
from app.mail.transport import Outcome, Outgoing
from tests.conftest import NOW
from tests.delivery.house import make_engine, queue_edition, queue_notes, states

EngineOver = Callable[..., Engine]

SLOW, FAST = "slow.example", "fast.example"
TOO_FAST = classify(Verb.CONTENT, 421, "4.7.28 our system has detected an unusual rate of mail from you")
POLICY = classify(Verb.CONTENT, 550, "5.7.1 message refused by the policy of this domain")
RATE = classify(Verb.CONTENT, 450, "4.7.28 our system has detected an unusual rate of mail from you")
UNREACHABLE = classify(Verb.RCPT, 450, "4.4.1 cannot reach the server of the recipient")


def to(transport: MemoryTransport, domain: str) -> int:
    """How many letters to a domain were taken."""
    return sum(outgoing.recipient.endswith("@" + domain) for outgoing in transport.sent)


def pace_of(database: Database, domain: str) -> DomainPace | None:
    with database.reading() as session:
        return session.get(DomainPace, domain)


def teach(database: Database, *outcomes: Outcome, domain: str = SLOW, at: timedelta = timedelta(0)) -> None:
    with database.transaction() as session:
        learn_from(session, {domain: outcomes}, ceilings={}, now=NOW + at)


@contextmanager
def pace_queries(database: Database) -> Iterator[list[str]]:
    """The statements that concern paces."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "paces" in statement:
            seen.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(database.engine, "before_cursor_execute", note)


def test_without_a_limit_nothing_is_slowed_and_nothing_asked_per_letter(
    database: Database, engine_over: EngineOver
) -> None:
    queue_edition(database, 1000, domains=(SLOW, FAST))
    began = time.monotonic()
    with pace_queries(database) as asked:
        assert engine_over(MemoryTransport()).run_once(NOW) == 1000
    assert set(states(database)) == {DeliveryState.ACCEPTED}
    assert 1 <= len(asked) <= 2 + time.monotonic() - began  # one a second
    assert pace_of(database, SLOW) is None


def test_a_limited_domain_waits_and_keeps_no_other_waiting(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 200, domains=(SLOW, FAST))
    transport = MemoryTransport()
    engine_over(transport, rates=Rates(providers={SLOW: 60})).run_once(NOW)
    assert (to(transport, SLOW), to(transport, FAST)) == (burst_of(60) // 2, 100)
    with database.reading() as session:
        waiting = session.scalars(select(Delivery).where(Delivery.state == DeliveryState.QUEUED)).all()
    assert len(waiting) == 100 - burst_of(60) // 2
    assert {delivery.attempt for delivery in waiting} == {0}
    dates = sorted(delivery.next_attempt_at for delivery in waiting if delivery.next_attempt_at)
    assert dates[0] > NOW
    assert timedelta(seconds=90) <= dates[-1] - NOW <= timedelta(seconds=110)


def test_what_waits_for_a_domain_goes_at_its_rate(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 100, domains=(SLOW,), chunk_copies=30)
    transport = MemoryTransport()
    sender = engine_over(transport, rates=Rates(providers={SLOW: 60}))
    for second in range(0, 140, 5):
        sender.run_once(NOW + timedelta(seconds=second))
        assert to(transport, SLOW) <= second + burst_of(60) + 1
    assert to(transport, SLOW) == 100


def test_a_database_that_leaves_while_tokens_are_drawn_costs_no_letter(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_edition(database, 20, domains=(SLOW, FAST))

    def fail(*_: Any, **__: Any) -> None:
        monkeypatch.undo()
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(limits, "draw", fail)
    transport = MemoryTransport()
    sender = engine_over(transport, rates=Rates(providers={SLOW: 6000}))
    sender.run_once(NOW)
    assert not transport.sent
    assert set(states(database)) == {DeliveryState.QUEUED}
    sender.run_once(NOW + timedelta(seconds=5))
    assert len(transport.sent) == 20


def test_nothing_goes_before_the_limits_were_read(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    teach(database, *[POLICY] * 5)
    queue_edition(database, 20, domains=(SLOW,))
    look, failures = Limits.look, [OperationalError("SELECT", {}, Exception("gone"))] * 2

    def look_at_last(self: Limits, session: Any) -> set[str]:
        if failures:
            raise failures.pop()
        return look(self, session)

    monkeypatch.setattr(Limits, "look", look_at_last)
    transport = MemoryTransport()
    engine_over(transport).run_once(NOW)
    assert not failures
    assert not transport.sent, "its breaker is open"


def test_copies_are_not_told_to_wait_longer_than_a_limit_may_live(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 50, domains=(SLOW,))
    engine_over(MemoryTransport(), rates=Rates(providers={SLOW: 1})).run_once(NOW)
    with database.reading() as session:
        last = session.scalar(select(sa.func.max(Delivery.next_attempt_at)))
    assert last is not None
    assert last - NOW < BOOKED_AT_MOST + timedelta(seconds=10)


def test_a_letter_that_somebody_waits_for_overtakes_an_edition(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 100)
    sender = engine_over(MemoryTransport(), rates=Rates(providers={"reader.example": 60}))
    sender.run_once(NOW)
    queue_notes(database, 2)
    transport = MemoryTransport()
    sender = engine_over(transport, rates=Rates(providers={"reader.example": 60}))
    sender.run_once(NOW)
    assert len(transport.sent) == 2


def test_a_request_to_slow_down_halves_the_rate(database: Database) -> None:
    teach(database, TOO_FAST)
    assert (row := pace_of(database, SLOW)) is not None
    assert row.per_minute == 60
    teach(database, TOO_FAST, at=timedelta(minutes=2))
    assert (row := pace_of(database, SLOW)) is not None
    assert row.per_minute == 30


def test_a_request_to_slow_down_halves_a_limit_of_the_settings_too(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 2, domains=(SLOW,))
    sender = engine_over(MemoryTransport(lambda outgoing: RATE), rates=Rates(providers={SLOW: 20.0}))
    sender.run_once(NOW)
    assert (row := pace_of(database, SLOW)) is not None
    assert row.per_minute == 10


def test_twenty_clean_deliveries_raise_the_rate_until_there_is_no_limit(
    database: Database, engine_over: EngineOver
) -> None:
    teach(database, TOO_FAST)
    queue_edition(database, 60, domains=(SLOW,))
    transport = MemoryTransport()
    sender = engine_over(transport)
    for second in range(0, 600, 5):
        sender.run_once(NOW + timedelta(seconds=second))
        if len(transport.sent) >= 20:
            break
    assert (row := pace_of(database, SLOW)) is not None
    assert len(transport.sent) < 40
    assert row.per_minute == pytest.approx(66)
    teach(database, *[ACCEPTED] * 1000)
    assert pace_of(database, SLOW) is None


def test_acceptance_alone_makes_no_row(database: Database) -> None:
    teach(database, ACCEPTED)
    assert pace_of(database, SLOW) is None


def test_refusals_open_the_breaker_and_what_is_in_hand_is_put_back(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clerk, "SETTLE_EVERY_S", 0.01)
    queue_edition(database, 200, domains=(SLOW, FAST))
    tried: list[str] = []

    def answer(outgoing: Outgoing) -> Outcome:
        if not outgoing.recipient.endswith(SLOW):
            return ACCEPTED
        tried.append(outgoing.recipient)
        time.sleep(0.05)
        return UNREACHABLE

    transport = MemoryTransport(answer)
    engine_over(transport).run_once(NOW)
    assert 5 <= len(tried) <= 15
    assert to(transport, FAST) == 100
    assert states(database).count(DeliveryState.DEFERRED) == len(tried)
    assert states(database).count(DeliveryState.QUEUED) == 100 - len(tried)
    assert (row := pace_of(database, SLOW)) is not None
    assert row.breaker_until is not None
    assert BREAKER_OPEN_FOR <= row.breaker_until - NOW < BREAKER_OPEN_FOR + timedelta(minutes=1)


def test_refusals_by_policy_slow_a_domain_at_once_and_open_its_breaker_in_the_end(database: Database) -> None:
    teach(database, *[POLICY] * 4)
    assert (row := pace_of(database, SLOW)) is not None
    assert (row.per_minute, row.breaker_until) == (60, None)
    teach(database, POLICY)
    assert (row := pace_of(database, SLOW)) is not None
    assert row.breaker_until == NOW + BREAKER_OPEN_FOR


def test_one_letter_tries_a_domain_again_and_closes_the_breaker(database: Database, engine_over: EngineOver) -> None:
    teach(database, *[UNREACHABLE] * 5)
    queue_edition(database, 20, domains=(SLOW,))
    transport = MemoryTransport()
    sender = engine_over(transport)
    sender.run_once(NOW)
    assert transport.sent == []
    sender.run_once(NOW + BREAKER_OPEN_FOR)
    assert len(transport.sent) == 1
    assert pace_of(database, SLOW) is None
    sender.run_once(NOW + BREAKER_OPEN_FOR + PROBE_TIME + timedelta(seconds=5))
    assert len(transport.sent) == 20


def test_a_refused_try_keeps_the_breaker_open(database: Database, engine_over: EngineOver) -> None:
    teach(database, *[UNREACHABLE] * 5)
    queue_edition(database, 20, domains=(SLOW,))
    sender = engine_over(MemoryTransport(lambda outgoing: UNREACHABLE))
    sender.run_once(NOW + BREAKER_OPEN_FOR)
    assert (row := pace_of(database, SLOW)) is not None
    assert row.breaker_until is not None
    assert row.breaker_until >= NOW + 2 * BREAKER_OPEN_FOR
    assert states(database).count(DeliveryState.DEFERRED) == 1


def test_faults_of_the_relay_teach_nothing_of_a_domain(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 2, domains=(SLOW,))
    at_the_door = classify(Verb.MAIL, 421, "4.7.0 too many connections, slow down")
    engine_over(MemoryTransport(lambda outgoing: at_the_door)).run_once(NOW)
    assert pace_of(database, SLOW) is None


def test_one_senders_lesson_reaches_another(database: Database, engine_over: EngineOver) -> None:
    sender = engine_over(MemoryTransport())
    queue_edition(database, 10, domains=(FAST,))
    sender.run_once(NOW)
    teach(database, *[UNREACHABLE] * 5, domain="reader.example")
    queue_notes(database, 3)
    time.sleep(1.1)
    sender.run_once(NOW)
    assert states(database)[10:] == [DeliveryState.QUEUED] * 3


def test_what_was_not_heard_of_for_long_is_forgotten(database: Database) -> None:
    teach(database, TOO_FAST)
    teach(database, TOO_FAST, domain=FAST, at=FORGOTTEN_AFTER + timedelta(days=1))
    assert pace_of(database, SLOW) is None
    assert pace_of(database, FAST) is not None


@pytest.mark.slow
@pytest.mark.parametrize(("rates", "limited"), [(Rates(providers={SLOW: 60}), SLOW), (Rates(relay=60), "example")])
def test_two_senders_share_one_limit(database_url: str, tmp_path: Path, rates: Rates, limited: str) -> None:
    databases = [Database(database_url), Database(database_url)]
    queue_edition(databases[0], 400, domains=(SLOW, FAST), chunk_copies=20, now=clock.now())
    transports = [MemoryTransport(), MemoryTransport()]
    began, stop = time.monotonic(), threading.Event()
    senders = [
        make_engine(each, tmp_path, transport, limit=1, rates=rates)
        for each, transport in zip(databases, transports, strict=True)
    ]
    threads = [threading.Thread(target=sender.run, args=(stop,)) for sender in senders]
    for thread in threads:
        thread.start()
    time.sleep(12)
    stop.set()
    for thread in threads:
        thread.join()
    passed_s = time.monotonic() - began
    sent = sum(outgoing.recipient.endswith(limited) for each in transports for outgoing in each.sent)
    assert burst_of(60) // 2 + 3 <= sent <= burst_of(60) + passed_s
    if limited == SLOW:
        assert sum(to(transport, FAST) for transport in transports) == 200
    else:
        assert pace_of(databases[0], RELAY) is not None
    for each in databases:
        each.dispose()


def test_the_slowest_limit_still_lets_letters_through() -> None:
    assert burst_of(1) == BURST_MIN


class BroadTransport(MemoryTransport):
    """Has all its letters on the wire before the first of them is answered, as many connections do."""

    def send(
        self, messages: Iterable[Outgoing | None], on_start: Callable[[int], None]
    ) -> Iterator[tuple[int, Outcome]]:
        on_the_wire = [outgoing for outgoing in messages if outgoing is not None]
        for key, outcome in super().send(on_the_wire, on_start):
            yield key, outcome
            time.sleep(0.1)


def test_replies_to_what_was_on_the_wire_already_teach_as_well(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clerk, "SETTLE_EVERY_S", 0.01)
    edition_id = queue_edition(database, 8, domains=(SLOW,))
    with database.transaction() as session:
        count_outcomes(session, edition_id=edition_id)
    engine_over(BroadTransport(lambda outgoing: RATE)).run_once(NOW)
    assert (row := pace_of(database, SLOW)) is not None
    assert row.breaker_until is not None
    with database.reading() as session:
        [(waiting, deferred)] = session.execute(
            select(sa.func.sum(ProviderOutcomes.waiting), sa.func.sum(ProviderOutcomes.deferred))
        )
    assert (waiting, deferred) == (0, 8)
