"""The blocking line's own promises: how its one connection is kept, renewed and timed."""

import time

import pytest

from app.mail import connection
from app.mail.connection import Relay
from app.mail.smtp import Line
from app.mail.transport import Outcome, OutcomeKind, Outgoing
from tests.smtp_server import CLOSE, HANG, ScriptedServer

LETTERS = [Outgoing(key, f"b-{key}@bounces.example", f"r{key}@reader.example", b"x: y\r\n\r\n") for key in range(9)]


def relay(server: ScriptedServer, **settings: object) -> Relay:
    short = {"command_timeout_s": 1.0, "data_timeout_s": 1.0, "ehlo_name": "sender.example"}
    return Relay(server="127.0.0.1", port=server.port, **{**short, **settings})  # type: ignore[arg-type]


def deliver(relay: Relay, count: int = 1) -> list[Outcome]:
    line = Line(relay)
    outcomes = [line.deliver(letter, lambda key: None) for letter in LETTERS[:count]]
    line.close()
    return outcomes


def test_a_connection_is_renewed_after_its_number_of_letters() -> None:
    with ScriptedServer() as server:
        outcomes = deliver(relay(server, letters_per_connection=3), 7)
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.ACCEPTED] * 7
    assert server.connections == 3


def test_a_connection_idle_for_too_long_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "IDLE_MAX_S", 0.0)
    with ScriptedServer() as server:
        deliver(relay(server), 2)
    assert server.connections == 2
    assert [command for command in server.commands if command.lower() == "quit"] == ["quit", "quit"]


@pytest.mark.parametrize(("verb", "timer"), [("rcpt", "command_timeout_s"), ("content", "data_timeout_s")])
def test_each_command_has_its_own_timer(verb: str, timer: str) -> None:
    with ScriptedServer({verb: HANG}) as server:
        begin = time.monotonic()
        deliver(relay(server, **{"command_timeout_s": 30.0, "data_timeout_s": 30.0, timer: 0.2}))
        assert time.monotonic() - begin < 20


def test_a_goodbye_that_is_not_answered_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "GOODBYE_TIMEOUT_S", 0.1)
    with ScriptedServer({"quit": HANG}) as server:
        begin = time.monotonic()
        [outcome] = deliver(relay(server, command_timeout_s=30.0))
        assert time.monotonic() - begin < 20
    assert outcome.kind is OutcomeKind.ACCEPTED


def test_rset_stands_between_a_failed_letter_and_the_next() -> None:
    with ScriptedServer({"rcpt": ["550 5.1.1 no such user", "250 ok"]}) as server:
        deliver(relay(server), 2)
    verbs = [command.split(" ")[0].lower() for command in server.commands]
    assert verbs == ["ehlo", "mail", "rcpt", "rset", "mail", "rcpt", "data", "quit"]


def test_sending_goes_on_when_the_server_comes_back() -> None:
    with ScriptedServer({"greeting": [CLOSE, "220 ready"]}) as server:
        outcomes = deliver(relay(server), 2)
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.DEFERRED, OutcomeKind.ACCEPTED]
