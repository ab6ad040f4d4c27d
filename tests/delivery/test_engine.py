"""The engine: one batch at a time, every copy to its end, whatever the server, the database or a letter does."""

import errno
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.orm import Session

from app.db import Database
from app.delivery import clerk, engine, queue
from app.delivery.claims import LEASE, Copy
from app.delivery.composing import Composed, one_by_one
from app.delivery.endings import Withheld
from app.delivery.engine import Engine
from app.delivery.expiry import end_earlier_editions, expire_copies
from app.delivery.journal import Journal, journals
from app.delivery.limits import Rates
from app.delivery.models import DeliveryState
from app.delivery.recovery import recover
from app.editions.models import Edition
from app.mail.connection import Relay
from app.mail.memory import MemoryTransport
from app.mail.pipeline import PipelinedTransport
from app.mail.transport import Fault, Outcome, OutcomeKind, Outgoing
from tests.conftest import NOW
from tests.delivery.house import (
    ENVELOPE,
    LETTER,
    compose,
    delivery_of,
    make_engine,
    queue_edition,
    queue_notes,
    states,
)
from tests.smtp_server import CLOSE, ScriptedServer

EngineOver = Callable[..., Engine]
LATER = NOW + timedelta(hours=4)

ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "taken")
REJECTED = Outcome(OutcomeKind.REJECTED, 550, "5.1.1", "no such user", Fault.ADDRESS)
DEFERRED = Outcome(OutcomeKind.DEFERRED, 450, "4.2.0", "later", Fault.MAILBOX)
UNCERTAIN = Outcome(OutcomeKind.UNCERTAIN, text="no reply", fault=Fault.HOST)
ROUTE_DOWN = Outcome(OutcomeKind.DEFERRED, 535, "5.7.8", "wrong password", Fault.AUTHENTICATION)


class SteppingTransport(MemoryTransport):
    """Calls `between` before each outcome."""

    def __init__(self, between: Callable[[int], None]) -> None:
        super().__init__()
        self._between = between

    def send(
        self, messages: Iterable[Outgoing | None], on_start: Callable[[int], None]
    ) -> Iterator[tuple[int, Outcome]]:
        for number, (key, outcome) in enumerate(super().send(messages, on_start)):
            self._between(number)
            yield key, outcome


def in_turn(*outcomes: Outcome) -> MemoryTransport:
    """A transport that answers in turn."""
    left = iter(outcomes)
    return MemoryTransport(lambda outgoing: next(left))


def test_everything_due_is_sent_and_settled(database: Database, engine_over: EngineOver, tmp_path: Path) -> None:
    keys = queue_notes(database, 5)
    transport = MemoryTransport()
    sender = engine_over(transport, limit=3)
    assert [sender.run_once(NOW), sender.run_once(NOW)] == [5, 0]
    assert [outgoing.key for outgoing in transport.sent] == keys
    assert states(database) == [DeliveryState.ACCEPTED] * 5
    assert journals(tmp_path / "journal") == []


def test_a_message_is_addressed_dated_and_named_after_its_delivery(database: Database, engine_over: EngineOver) -> None:
    [key] = queue_notes(database)
    transport = MemoryTransport()
    engine_over(transport).run_once(NOW + timedelta(minutes=5))
    [outgoing] = transport.sent
    assert outgoing.recipient == "r0@reader.example"
    assert ENVELOPE.read_bounce_address(outgoing.sender) == key
    assert b"Date: Tue, 17 Mar 2026 09:00:00 +0000\r\n" in outgoing.data
    assert f"Message-ID: {ENVELOPE.message_id(key)}\r\n".encode() in outgoing.data


def test_a_copy_header_names_the_delivery_too(database: Database, engine_over: EngineOver) -> None:
    [key] = queue_notes(database)
    transport = MemoryTransport()
    engine_over(transport, envelope=replace(ENVELOPE, copy_header="X-PM-Metadata-copy")).run_once(NOW)
    [outgoing] = transport.sent
    message = message_from_bytes(outgoing.data)
    assert ENVELOPE.read_copy_value(message["X-PM-Metadata-copy"]) == key


def test_a_retry_carries_the_same_envelope_and_bytes(database: Database, engine_over: EngineOver) -> None:
    queue_notes(database)
    tried: list[Outgoing] = []

    def answer(outgoing: Outgoing) -> Outcome:
        tried.append(outgoing)
        return UNCERTAIN if len(tried) == 1 else ACCEPTED

    sender = engine_over(MemoryTransport(answer))
    sender.run_once(NOW)
    sender.run_once(LATER)
    assert tried[0] == tried[1]
    assert states(database) == [DeliveryState.ACCEPTED]


def test_an_uncertain_copy_is_tried_twice_and_then_left_to_people(database: Database, engine_over: EngineOver) -> None:
    queue_notes(database)
    sender = engine_over(MemoryTransport(lambda outgoing: UNCERTAIN))
    assert [sender.run_once(NOW + timedelta(days=days)) for days in range(4)] == [1, 1, 0, 0]
    assert states(database) == [DeliveryState.UNCERTAIN]


def test_consent_is_asked_again_of_copies_that_waited(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "FRESH_S", 0.0)
    keys = queue_notes(database, 3)
    gone: set[int] = set()
    transport = SteppingTransport(lambda number: gone.add(keys[number + 1]) if number == 0 else None)

    def ask(session: Session, copy: Copy) -> Composed | Withheld:
        return Withheld("unsubscribed") if copy.id in gone else compose(session, copy)

    make_engine(database, tmp_path, transport, compose={"note": one_by_one(ask)}).run_once(NOW)
    assert states(database) == [DeliveryState.ACCEPTED, DeliveryState.CANCELLED, DeliveryState.ACCEPTED]
    assert delivery_of(database, keys[1]).reply_text == "unsubscribed"


def test_consent_just_looked_up_is_not_looked_up_again(database: Database, tmp_path: Path) -> None:
    queue_edition(database, 120)
    asked: list[int] = []

    def ask(session: Session, copies: Sequence[Copy]) -> list[Composed]:
        asked.append(len(copies))
        return [compose(session, copy) for copy in copies]

    make_engine(database, tmp_path, MemoryTransport(), compose={"note": ask}).run_once(NOW)
    assert asked == [120]


def test_copies_that_waited_are_looked_up_some_at_a_time(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "FRESH_S", 8.0)
    passed, real = [0.0], time.monotonic
    monkeypatch.setattr(engine.time, "monotonic", lambda: real() + passed[0])
    queue_edition(database, 120)
    asked: list[int] = []

    def ask(session: Session, copies: Sequence[Copy]) -> list[Composed]:
        asked.append(len(copies))
        return [compose(session, copy) for copy in copies]

    transport = SteppingTransport(lambda number: passed.insert(0, 10.0) if number == 9 else None)
    make_engine(database, tmp_path, transport, compose={"note": ask}).run_once(NOW)
    assert asked == [120, 50, 50, 10]


def test_a_pause_reaches_what_waits_in_hand(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "FRESH_S", 0.0)
    edition_id = queue_edition(database, 10)

    def pause(number: int) -> None:
        if number == 2:
            with database.transaction() as session:
                queue.hold_edition(session, edition_id=edition_id, now=NOW)

    engine_over(SteppingTransport(pause)).run_once(NOW)
    assert states(database) == [DeliveryState.ACCEPTED] * 3 + [DeliveryState.QUEUED] * 7


def test_a_cancelled_copy_in_hand_does_not_go(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "FRESH_S", 0.0)
    edition_id = queue_edition(database, 4)

    def cancel(number: int) -> None:
        if number == 1:
            with database.transaction() as session:
                queue.cancel_edition_copies(session, edition_id=edition_id, now=NOW)

    transport = SteppingTransport(cancel)
    engine_over(transport).run_once(NOW)
    assert len(transport.sent) == 2
    assert states(database) == [DeliveryState.ACCEPTED] * 2 + [DeliveryState.CANCELLED] * 2


def test_an_uncertain_copy_that_is_cancelled_in_hand_is_not_sent_again(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "FRESH_S", 0.0)
    edition_id = queue_edition(database, 4)
    engine_over(MemoryTransport(lambda outgoing: replace(UNCERTAIN, fault=None))).run_once(NOW)

    def cancel(number: int) -> None:
        if number == 1:
            with database.transaction() as session:
                queue.cancel_edition_copies(session, edition_id=edition_id, now=LATER)

    transport = SteppingTransport(cancel)
    sender = engine_over(transport)
    sender.run_once(LATER)
    sender.run_once(LATER + timedelta(hours=1))
    assert len(transport.sent) == 2
    assert states(database) == [DeliveryState.ACCEPTED] * 2 + [DeliveryState.UNCERTAIN] * 2


def test_what_waits_in_hand_does_not_go_once_the_next_edition_has_started(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "FRESH_S", 0.0)
    edition_id = queue_edition(database, 4)

    def start_next(number: int) -> None:
        if number == 1:
            with database.transaction() as session:
                earlier = sa.select(Edition.id).where(Edition.id == edition_id)
                end_earlier_editions(session, editions=earlier, edition_id=edition_id + 1, now=NOW)

    transport = SteppingTransport(start_next)
    engine_over(transport).run_once(NOW)
    assert len(transport.sent) == 2
    with database.transaction() as session:
        assert expire_copies(session, now=NOW) == 1
    assert states(database) == [DeliveryState.ACCEPTED] * 2 + [DeliveryState.EXPIRED] * 2


def test_nothing_begins_on_a_lease_that_may_have_lapsed(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clerk, "LEASE_MARGIN_S", LEASE.total_seconds() - 0.2)
    queue_edition(database, 3)
    transport = SteppingTransport(lambda number: time.sleep(0.4))
    engine_over(transport).run_once(NOW, ended_after(seconds=1.0))
    assert states(database)[0] is DeliveryState.ACCEPTED
    assert len(transport.sent) < 3


def test_a_letter_that_cannot_be_made_stops_no_other(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = queue_notes(database, 3)

    def stumble(session: Session, copy: Copy) -> Composed:
        if copy.id == keys[0]:
            raise ZeroDivisionError
        subject = "x\r\nBcc: evil@x.example" if copy.id == keys[1] else "x"
        return Composed(replace(LETTER, subject=subject), "r@reader.example", NOW)

    transport = MemoryTransport()
    make_engine(database, tmp_path, transport, compose={"note": one_by_one(stumble)}).run_once(NOW)
    assert states(database) == [DeliveryState.DEFERRED, DeliveryState.REJECTED, DeliveryState.ACCEPTED]
    assert {delivery_of(database, key).fault for key in keys[:2]} == {Fault.CONTENT}
    assert "ZeroDivisionError" in caplog.text


def test_a_fault_of_the_route_stops_the_batch_and_touches_nobody(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 1000)
    tries: list[int] = []

    def refuse(outgoing: Outgoing) -> Outcome:
        tries.append(outgoing.key)
        return ROUTE_DOWN

    assert engine_over(MemoryTransport(refuse)).run_once(NOW) >= 500
    assert len(tries) == 1
    assert states(database) == [DeliveryState.QUEUED] * 1000
    assert delivery_of(database, tries[0]).attempt == 0


def test_a_letter_that_is_too_large_ends_one_run_and_not_each(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 100)
    too_large = Outcome(OutcomeKind.REJECTED, 552, "5.3.4", "message too big", Fault.CONTENT)
    answers = MemoryTransport(lambda outgoing: too_large if outgoing.recipient.startswith("r1") else ACCEPTED)
    sender = engine_over(answers)
    sender.run_once(NOW)
    assert states(database).count(DeliveryState.QUEUED) == 98, "what is settled first may hold the others"
    sender.run_once(NOW + timedelta(seconds=10))
    assert states(database).count(DeliveryState.REJECTED) == 11
    assert states(database).count(DeliveryState.ACCEPTED) == 89


def test_the_copy_that_met_the_fault_is_not_the_next_to_go(database: Database, engine_over: EngineOver) -> None:
    keys = queue_notes(database, 2)
    transport = in_turn(ROUTE_DOWN, ACCEPTED)
    sender = engine_over(transport)
    sender.run_once(NOW)
    sender.run_once(NOW + timedelta(seconds=4))
    assert [outgoing.key for outgoing in transport.sent] == keys[1:]


def test_copies_in_hand_are_released_at_a_stop(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 10)
    stop = threading.Event()
    engine_over(SteppingTransport(lambda number: stop.set() if number == 2 else None)).run_once(NOW, stop)
    assert states(database) == [DeliveryState.ACCEPTED] * 3 + [DeliveryState.QUEUED] * 7


def test_an_outcome_is_in_the_database_soon_however_slow_the_next_letter(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clerk, "SETTLE_EVERY_S", 0.02)
    queue_notes(database, 2)
    seen: list[list[DeliveryState]] = []

    def wait_for_the_first(number: int) -> None:
        if number == 1:
            wait_until(lambda: states(database)[0] is DeliveryState.ACCEPTED)
            seen.append(states(database))

    engine_over(SteppingTransport(wait_for_the_first)).run_once(NOW)
    assert seen == [[DeliveryState.ACCEPTED, DeliveryState.SENDING]]


def test_the_lease_is_renewed_while_a_letter_is_slow(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clerk, "SETTLE_EVERY_S", 0.02)
    monkeypatch.setattr(clerk, "RENEW_EVERY_S", 0.05)
    [key] = queue_notes(database)

    def wait_for_renewal(number: int) -> None:
        first = delivery_of(database, key).chunk.lease_until
        wait_until(lambda: delivery_of(database, key).chunk.lease_until != first)

    engine_over(SteppingTransport(wait_for_renewal)).run_once(NOW)
    assert states(database) == [DeliveryState.ACCEPTED]


def test_outcomes_wait_for_a_database_that_is_away(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(clerk, "SETTLE_EVERY_S", 0.02)
    queue_notes(database, 2)
    engine_over(SteppingTransport(lambda number: fail_settling(monkeypatch, times=3))).run_once(NOW)
    assert states(database) == [DeliveryState.ACCEPTED] * 2
    assert "wait for the database: locked" in caplog.text


def test_outcomes_survive_a_stop_while_the_database_is_away(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    queue_notes(database, 3)
    stop = threading.Event()

    def end_badly(number: int) -> None:
        if number == 1:
            fail_settling(monkeypatch, times=1000)
            stop.set()

    sender = engine_over(SteppingTransport(end_badly))
    sender.run_once(NOW, stop)
    assert states(database) == [DeliveryState.SENDING] * 3
    assert len(journals(tmp_path / "journal")) == 1
    monkeypatch.undo()
    assert recover(database, tmp_path / "journal", now=NOW) == 3
    assert states(database) == [DeliveryState.ACCEPTED, DeliveryState.ACCEPTED, DeliveryState.QUEUED]


def test_a_transport_that_breaks_leaves_what_recovery_needs(
    database: Database, engine_over: EngineOver, tmp_path: Path
) -> None:
    queue_notes(database, 3)

    def explode(number: int) -> None:
        if number == 1:
            raise MemoryError

    sender = engine_over(SteppingTransport(explode))
    with pytest.raises(MemoryError):
        sender.run_once(NOW)
    recover(database, tmp_path / "journal", now=NOW)
    assert states(database) == [DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN, DeliveryState.QUEUED]


def test_a_sender_that_waits_for_its_limit_notices_that_its_clerk_is_gone(
    database: Database, engine_over: EngineOver
) -> None:
    def stumble(*_: object) -> None:
        raise RuntimeError("stumbled")

    queue_edition(database, 20)
    stop = ended_after(seconds=10.0)
    sender = engine_over(MemoryTransport(), rates=Rates(relay=60.0), on_settled=stumble)
    with pytest.raises(RuntimeError, match="stumbled"):
        sender.run_once(NOW, stop)
    assert not stop.is_set()


def test_a_transport_that_tells_no_outcome_leaves_its_copy_uncertain(
    database: Database, engine_over: EngineOver
) -> None:
    class Mute:
        def send(self, messages: Iterable[Outgoing | None], on_start: Callable[[int], None]) -> Iterator[Any]:
            on_start(next(message for message in messages if message).key)
            return iter(())

    queue_notes(database, 2)
    engine_over(Mute()).run_once(NOW)
    assert states(database) == [DeliveryState.UNCERTAIN, DeliveryState.QUEUED]


def test_the_loop_sends_what_comes_and_stops_at_once(database: Database, engine_over: EngineOver) -> None:
    transport = MemoryTransport()
    with running(engine_over(transport)):
        queue_notes(database, 3)
        wait_until(lambda: states(database) == [DeliveryState.ACCEPTED] * 3)
        queue_notes(database)
        wait_until(lambda: len(transport.sent) == 4)


def test_the_loop_outlives_a_server_that_is_down(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "ROUTE_WAIT_S", 0.01)
    monkeypatch.setattr("app.delivery.settling.ROUTE_FAULT_DELAY", timedelta(0))
    queue_notes(database, 20)
    with ScriptedServer({"greeting": ["421 later", CLOSE, "554 no", "220 ready"]}) as server:
        relay = Relay("127.0.0.1", server.port, "sender.example", command_timeout_s=1.0)
        with time_machine.travel(NOW), running(engine_over(PipelinedTransport(relay, connections=1))):
            wait_until(lambda: states(database) == [DeliveryState.ACCEPTED] * 20)
    assert sorted(taken.recipient for taken in server.taken) == sorted(f"r{i}@reader.example" for i in range(20))


def test_the_pause_grows_and_has_an_end(database: Database, engine_over: EngineOver) -> None:
    sender = engine_over(MemoryTransport())
    pauses = []
    for faults in range(1, 1100):
        sender._faults = faults
        pauses.append(sender._pause_s())
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == engine.ROUTE_WAIT_MAX_S


def test_a_full_disk_pauses_the_run_and_loses_nothing(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_edition(database, 3)

    def full(journal: Journal, copies: Sequence[Copy]) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Journal, "open_slots", full)
    transport = MemoryTransport()
    with pytest.raises(OSError, match="space"):
        engine_over(transport).run_once(NOW)
    assert transport.sent == []
    monkeypatch.undo()
    engine_over(transport).run_once(LATER)
    assert states(database) == [DeliveryState.ACCEPTED] * 3


@pytest.mark.parametrize("step", ["__init__", "open_slots"])
def test_a_disk_that_fills_up_leaves_no_letter_on_the_wire_without_its_reply(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: str
) -> None:
    class Slow:
        """Its server replies to none before all have come."""

        def send(
            self, messages: Iterable[Outgoing | None], on_start: Callable[[int], None]
        ) -> Iterator[tuple[int, Outcome]]:
            keys = [message.key for message in messages if message]
            for key in keys:
                on_start(key)
            yield from ((key, ACCEPTED) for key in keys)

    real, calls = getattr(Journal, step), []

    def full(*given: Any) -> None:
        calls.append(given)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(*given)

    queue_edition(database, 4, chunk_copies=2)
    monkeypatch.setattr(Journal, step, full)
    with pytest.raises(OSError, match="space"):
        engine_over(Slow(), limit=1).run_once(NOW)
    assert states(database) == [DeliveryState.ACCEPTED] * 2 + [DeliveryState.QUEUED] * 2
    assert journals(tmp_path / "journal") == []
    monkeypatch.undo()
    engine_over(MemoryTransport(), limit=1).run_once(LATER)
    assert states(database) == [DeliveryState.ACCEPTED] * 4


def test_a_chunk_that_becomes_due_is_sent_by_the_same_run(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 35, chunk_copies=10)
    transport = MemoryTransport()
    assert engine_over(transport, limit=1).run_once(NOW) == 35
    assert len({outgoing.key for outgoing in transport.sent}) == len(transport.sent) == 35


def test_eight_engines_send_each_copy_once(database: Database, tmp_path: Path) -> None:
    queue_notes(database, 300)
    transport = MemoryTransport()
    senders = [make_engine(database, tmp_path, transport, limit=20) for _ in range(8)]
    threads = [threading.Thread(target=lambda sender=sender: drain(sender)) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outgoing.recipient for outgoing in transport.sent) == sorted(
        f"r{i}@reader.example" for i in range(300)
    )
    assert set(states(database)) == {DeliveryState.ACCEPTED}


def drain(sender: Engine) -> None:
    while sender.run_once(NOW):
        pass


class running:
    """An engine at work in a thread, and a check that it stops quickly."""

    def __init__(self, sender: Engine) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=sender.run, args=(self._stop,))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(2)
        assert not self._thread.is_alive()


def ended_after(seconds: float) -> threading.Event:
    """A stop that comes by itself."""
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    timer.daemon = True
    timer.start()
    return stop


def fail_settling(monkeypatch: pytest.MonkeyPatch, *, times: int) -> None:
    """Let the database refuse the next settling transactions, as a locked one does."""
    real = clerk.settle
    left = iter(range(times))

    def refuse(session: Session, **arguments: Any) -> int:
        if next(left, None) is None:
            return real(session, **arguments)
        raise sa.exc.OperationalError("BEGIN", {}, Exception("locked"))

    monkeypatch.setattr(clerk, "settle", refuse)


def wait_until(is_so: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)
