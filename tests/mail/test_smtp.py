"""The SMTP transport's own promises: connections, timers, TLS, sign-in."""

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.mail import smtp
from app.mail.smtp import Relay, SmtpTransport, dot_stuffed
from app.mail.transport import Fault, Outcome, OutcomeKind, Outgoing
from tests.smtp_server import CLOSE, HANG, ScriptedServer

#: Key and certificate for 127.0.0.1, made for these tests and worth nothing.
CERTIFICATE = Path(__file__).with_name("loopback.pem")
TLS_OFFERED = "250-mx\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS"


def letters(count: int) -> list[Outgoing]:
    return [
        Outgoing(key, f"b-{key}@bounces.example", f"r{key}@reader.example", b"x: y\r\n\r\n") for key in range(count)
    ]


def send(relay: Relay, count: int = 1) -> list[Outcome]:
    return [outcome for _, outcome in SmtpTransport(relay).send(letters(count), lambda key: None)]


def relay(server: ScriptedServer, **settings: object) -> Relay:
    short = {"command_timeout_s": 1.0, "data_timeout_s": 1.0, "ehlo_name": "sender.example"}
    return Relay(server="127.0.0.1", port=server.port, **{**short, **settings})  # type: ignore[arg-type]


@pytest.fixture
def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.fixture
def _trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))


def test_a_connection_is_renewed_after_its_number_of_letters() -> None:
    with ScriptedServer() as server:
        outcomes = send(relay(server, letters_per_connection=3), 7)
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.ACCEPTED] * 7
    assert server.connections == 3


def test_a_connection_idle_for_too_long_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly() -> Iterator[Outgoing]:
        for outgoing in letters(2):
            yield outgoing
            monkeypatch.setattr(smtp, "IDLE_MAX_S", 0.0)

    with ScriptedServer() as server:
        list(SmtpTransport(relay(server)).send(slowly(), lambda key: None))
    assert server.connections == 2
    assert [command for command in server.commands if command.lower() == "quit"] == ["quit", "quit"]


@pytest.mark.parametrize(("verb", "timer"), [("rcpt", "command_timeout_s"), ("content", "data_timeout_s")])
def test_each_command_has_its_own_timer(verb: str, timer: str) -> None:
    with ScriptedServer({verb: HANG}) as server:
        begin = time.monotonic()
        send(relay(server, **{"command_timeout_s": 10.0, "data_timeout_s": 10.0, timer: 0.2}))
        assert time.monotonic() - begin < 0.9


def test_a_goodbye_that_is_not_answered_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "GOODBYE_TIMEOUT_S", 0.1)
    with ScriptedServer({"quit": HANG}) as server:
        begin = time.monotonic()
        [outcome] = send(relay(server, command_timeout_s=30.0))
        assert time.monotonic() - begin < 5
    assert outcome.kind is OutcomeKind.ACCEPTED


def test_rset_stands_between_a_failed_letter_and_the_next() -> None:
    with ScriptedServer({"rcpt": ["550 5.1.1 no such user", "250 ok"]}) as server:
        send(relay(server), 2)
    verbs = [command.split(" ")[0].lower() for command in server.commands]
    assert verbs == ["ehlo", "mail", "rcpt", "rset", "mail", "rcpt", "data", "quit"]


def test_sending_goes_on_when_the_server_comes_back() -> None:
    with ScriptedServer({"greeting": [CLOSE, "220 ready"]}) as server:
        outcomes = send(relay(server), 2)
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.DEFERRED, OutcomeKind.ACCEPTED]


@pytest.mark.usefixtures("_trusted")
def test_starttls_is_verified_and_ehlo_said_again_inside(server_tls: ssl.SSLContext) -> None:
    with ScriptedServer({"ehlo": TLS_OFFERED}, tls=server_tls) as server:
        [outcome] = send(relay(server, use_tls=True, username="me", password="secret"))
    assert outcome.kind is OutcomeKind.ACCEPTED
    verbs = [command.split(" ")[0].lower() for command in server.commands]
    assert verbs[:4] == ["ehlo", "starttls", "ehlo", "auth"]


def test_a_certificate_that_nobody_vouches_for_is_refused(server_tls: ssl.SSLContext) -> None:
    with ScriptedServer({"ehlo": TLS_OFFERED}, tls=server_tls) as server:
        [outcome] = send(relay(server, use_tls=True))
    assert (outcome.kind, outcome.fault) == (OutcomeKind.DEFERRED, Fault.AUTHENTICATION)
    assert "CERTIFICATE_VERIFY_FAILED" in outcome.text
    assert server.commands == ["ehlo sender.example", "STARTTLS"]


@pytest.mark.usefixtures("_trusted")
def test_a_certificate_for_another_name_is_refused(server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.create_connection", _to_loopback)
    with ScriptedServer({"ehlo": TLS_OFFERED}, tls=server_tls) as server:
        other = Relay("mx.other.example", server.port, "sender.example", use_tls=True)
        [outcome] = send(other)
    assert outcome.fault is Fault.AUTHENTICATION
    assert "match" in outcome.text


def test_starttls_that_vanished_stops_everything() -> None:
    with ScriptedServer() as server:
        [outcome] = send(relay(server, use_tls=True, username="me", password="secret"))
    assert (outcome.kind, outcome.fault) == (OutcomeKind.DEFERRED, Fault.AUTHENTICATION)
    assert server.commands == ["ehlo sender.example"]


def test_what_was_said_before_tls_is_forgotten(server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    injected = "220 go ahead\r\n250-mx\r\n250 SMTPUTF8"
    with ScriptedServer({"ehlo": TLS_OFFERED, "starttls": injected}, tls=server_tls) as server:
        message = Outgoing(1, "b@bounces.example", "é@reader.example", b"x: y\r\n\r\n")
        [(_, outcome)] = SmtpTransport(relay(server, use_tls=True)).send([message], lambda key: None)
    assert outcome.kind is not OutcomeKind.ACCEPTED
    assert server.taken == []


def test_a_password_does_not_travel_in_clear() -> None:
    with ScriptedServer({"ehlo": "250-mx\r\n250 AUTH PLAIN"}) as server:
        [outcome] = send(relay(server, username="me", password="secret"))
    assert (outcome.kind, outcome.fault) == (OutcomeKind.DEFERRED, Fault.AUTHENTICATION)
    assert not any(command.lower().startswith("auth") for command in server.commands)


@pytest.mark.usefixtures("_trusted")
@pytest.mark.parametrize("reply", ["535 5.7.8 wrong", "454 4.7.0 not now", "530 5.7.0 must authenticate"])
def test_a_refused_sign_in_is_a_fault_of_the_set_up(server_tls: ssl.SSLContext, reply: str) -> None:
    with ScriptedServer({"ehlo": TLS_OFFERED, "auth": reply}, tls=server_tls) as server:
        [outcome] = send(relay(server, use_tls=True, username="me", password="secret"))
    assert (outcome.kind, outcome.fault) == (OutcomeKind.DEFERRED, Fault.AUTHENTICATION)
    assert outcome.concerns_route
    assert "secret" not in outcome.text


@pytest.mark.usefixtures("_trusted")
def test_tls_from_the_start(server_tls: ssl.SSLContext) -> None:
    with ScriptedServer(tls=server_tls, is_tls_from_start=True) as server:
        [outcome] = send(relay(server, use_ssl=True))
    assert outcome.kind is OutcomeKind.ACCEPTED


def test_a_password_is_not_in_the_relays_text() -> None:
    assert "secret" not in repr(Relay("mx.example", 25, "sender.example", password="secret"))


@pytest.mark.parametrize(
    ("data", "stuffed"),
    [(b".\r\n", b"..\r\n"), (b"a\r\n.b\r\n..\r\n", b"a\r\n..b\r\n...\r\n"), (b"a.b", b"a.b\r\n"), (b"", b"\r\n")],
)
def test_dots_are_stuffed_at_line_starts_only(data: bytes, stuffed: bytes) -> None:
    assert dot_stuffed(data) == stuffed


def _to_loopback(address: tuple[str, int], timeout: float | None = None) -> object:
    connection = socket.socket()
    connection.settimeout(timeout)
    connection.connect(("127.0.0.1", address[1]))
    return connection
