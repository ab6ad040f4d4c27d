"""What people are told of a mail server that does not let us send."""

import ssl
from collections.abc import Callable
from datetime import timedelta

import time_machine

from app.db import Database
from app.delivery.engine import Engine
from app.delivery.models import DeliveryState
from app.delivery.route import STALE_AFTER, note_route, route_log, stopped_senders
from app.delivery.senders import SenderState
from app.mail.memory import MemoryTransport
from app.mail.pipeline import PipelinedTransport
from app.mail.transport import Fault, Outcome, OutcomeKind
from tests.conftest import NOW
from tests.delivery.house import delivery_of, queue_edition, queue_notes, states
from tests.mail.relaying import CERTIFICATE, relay
from tests.smtp_server import ScriptedServer

EngineOver = Callable[..., Engine]
WRONG = Outcome(OutcomeKind.DEFERRED, 535, "5.7.8", "5.7.8 wrong password", Fault.AUTHENTICATION)
DOWN = Outcome(OutcomeKind.DEFERRED, text="failed at greeting: refused", fault=Fault.HOST)


def stopped(database: Database) -> list[SenderState]:
    with database.reading() as session:
        return list(stopped_senders(session, now=NOW))


def test_a_wrong_password_is_tried_once_is_told_and_touches_no_reader(
    database: Database, engine_over: EngineOver
) -> None:
    queue_edition(database, 1000)
    refuses = {"ehlo": "250-mx\r\n250-STARTTLS\r\n250 AUTH PLAIN", "auth": "535 5.7.8 wrong password"}
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    with ScriptedServer(refuses, tls=tls) as server, time_machine.travel(NOW, tick=False):
        transport = PipelinedTransport(relay(server.port, use_tls=True, username="vigie", password="wrong-secret-7"), 8)
        engine = engine_over(transport, limit=1, on_route=route_log(database, name="here, editions"))
        engine.run_once(NOW)
        assert sum(line.startswith("AUTH") for line in server.commands) == 1
    assert set(states(database)) == {DeliveryState.QUEUED}
    assert {delivery_of(database, key).attempt for key in range(1, 1001, 111)} == {0}
    [state] = stopped(database)
    assert (state.name, state.code, state.fault, state.since) == ("here, editions", 535, "authentication", NOW)
    assert "wrong password" in state.text
    assert "wrong-secret-7" not in state.text
    assert state.next_try_at > NOW


def test_the_message_goes_when_letters_go_again(database: Database, engine_over: EngineOver) -> None:
    queue_notes(database, 2)
    answers = iter([DOWN, Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "taken")])
    told: list[tuple[Outcome | None, float]] = []
    engine = engine_over(
        MemoryTransport(lambda outgoing: next(answers)), on_route=lambda fault, wait_s: told.append((fault, wait_s))
    )
    engine.run_once(NOW)
    engine.run_once(NOW + timedelta(seconds=4))
    assert told == [(DOWN, 1.0), (None, 0)]


def test_nothing_is_written_while_all_goes_well(database: Database, engine_over: EngineOver) -> None:
    told: list[Outcome | None] = []
    engine = engine_over(MemoryTransport(), on_route=lambda fault, wait_s: told.append(fault))
    for _ in range(3):
        queue_notes(database, 2)
        engine.run_once(NOW)
    assert told == [None], "once: a sender of that name that was killed may have left its message"


def test_since_when_stays_and_what_is_stale_is_not_shown(database: Database) -> None:
    with database.transaction() as session:
        for minutes in range(3):
            at = NOW + timedelta(minutes=minutes)
            note_route(session, name="a", fault=WRONG, next_try_at=at + timedelta(minutes=1), now=at)
        [state] = stopped_senders(session, now=NOW)
        assert (state.since, state.next_try_at) == (NOW, NOW + timedelta(minutes=3))
        much_later = NOW + timedelta(minutes=4) + STALE_AFTER
        assert stopped_senders(session, now=much_later) == []
        note_route(session, name="a", fault=DOWN, next_try_at=much_later, now=much_later)
        assert [state.since for state in stopped_senders(session, now=much_later)] == [much_later]
        note_route(session, name="a", fault=None, next_try_at=much_later, now=much_later)
        assert stopped_senders(session, now=much_later) == []


def test_a_letter_larger_than_the_server_takes_is_the_last_of_its_run(
    database: Database, engine_over: EngineOver
) -> None:
    queue_edition(database, 50)
    with ScriptedServer(offers=("SIZE 200", "PIPELINING")) as server:
        engine_over(PipelinedTransport(relay(server.port), 2), limit=1).run_once(NOW)
        assert not any(line.startswith("MAIL") for line in server.commands)
    assert states(database).count(DeliveryState.REJECTED) <= 2
    assert states(database).count(DeliveryState.QUEUED) >= 48
