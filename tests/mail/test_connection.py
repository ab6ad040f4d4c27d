"""Connections to a relay: TLS, sign-in, and what a server may say too much or too little on the way."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.mail.connection import Connection, Refused, Relay, connect
from app.mail.transport import Fault, Outcome, OutcomeKind
from tests.smtp_server import ScriptedServer

#: Key and certificate for 127.0.0.1, made for these tests and worth nothing.
CERTIFICATE = str(Path(__file__).with_name("loopback.pem"))
TLS_OFFERED = "250-mx\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS"
SIGN_IN = {"use_tls": True, "username": "me", "password": "secret"}


def relay(server: ScriptedServer, **settings: object) -> Relay:
    usual = {"command_timeout_s": 1.0, "data_timeout_s": 1.0, "ehlo_name": "sender.example", "ca_file": CERTIFICATE}
    return Relay(server="127.0.0.1", port=server.port, **{**usual, **settings})  # type: ignore[arg-type]


def refusal(relay: Relay) -> Outcome:
    with pytest.raises(Refused) as caught:
        connect(relay)
    assert caught.value.outcome.concerns_route
    return caught.value.outcome


def verbs(server: ScriptedServer) -> list[str]:
    return [command.split(" ")[0].lower() for command in server.commands]


@pytest.fixture
def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.fixture
def submission(server_tls: ssl.SSLContext) -> Iterator[ScriptedServer]:
    with ScriptedServer({"ehlo": TLS_OFFERED}, tls=server_tls) as server:
        yield server


def test_starttls_is_verified_and_ehlo_said_again_inside(submission: ScriptedServer) -> None:
    connection = connect(relay(submission, **SIGN_IN))
    assert isinstance(connection.sock, ssl.SSLSocket)
    connection.leave()
    assert verbs(submission) == ["ehlo", "starttls", "ehlo", "auth", "quit"]


def test_what_is_offered_inside_tls_counts(server_tls: ssl.SSLContext) -> None:
    offers = ["250-mx\r\n250-STARTTLS\r\n250-PIPELINING\r\n250 SIZE 9", "250-mx\r\n250-SIZE 500\r\n250 DSN"]
    with ScriptedServer({"ehlo": offers}, tls=server_tls) as server:
        connection = connect(relay(server, use_tls=True))
        connection.leave()
    assert (connection.features.has_pipelining, connection.features.has_dsn) == (False, True)
    assert connection.features.size_max == 500


def test_tls_from_the_start(server_tls: ssl.SSLContext) -> None:
    with ScriptedServer(tls=server_tls, is_tls_from_start=True) as server:
        connect(relay(server, use_ssl=True)).leave()
    assert verbs(server) == ["ehlo", "quit"]


def test_a_certificate_that_nobody_vouches_for_is_refused(submission: ScriptedServer) -> None:
    outcome = refusal(relay(submission, use_tls=True, ca_file=""))
    assert outcome.fault is Fault.AUTHENTICATION
    assert "CERTIFICATE_VERIFY_FAILED" in outcome.text
    assert submission.commands == ["ehlo sender.example", "STARTTLS"]


def test_a_certificate_for_another_name_is_refused(submission: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    dial = socket.create_connection
    monkeypatch.setattr("socket.create_connection", lambda address, timeout: dial(("127.0.0.1", address[1]), timeout))
    outcome = refusal(replace(relay(submission, use_tls=True), server="mx.other.example"))
    assert outcome.fault is Fault.AUTHENTICATION
    assert "match" in outcome.text


@pytest.mark.parametrize("way", ["use_tls", "use_ssl"])
def test_an_authority_that_is_not_there_is_a_fault_of_the_set_up(submission: ScriptedServer, way: str) -> None:
    assert "No such file" in refusal(relay(submission, ca_file="/nowhere.pem", **{way: True})).text


def test_old_tls_is_refused(server_tls: ssl.SSLContext) -> None:
    server_tls.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        server_tls.maximum_version = ssl.TLSVersion.TLSv1_1
    server_tls.set_ciphers("ALL:@SECLEVEL=0")
    with ScriptedServer({"ehlo": TLS_OFFERED}, tls=server_tls) as server:
        assert refusal(relay(server, use_tls=True)).fault is Fault.AUTHENTICATION


def test_starttls_that_vanished_stops_everything() -> None:
    with ScriptedServer({"ehlo": "250-mx\r\n250 AUTH PLAIN"}) as server:
        outcome = refusal(relay(server, **SIGN_IN))
    assert outcome.fault is Fault.AUTHENTICATION
    assert verbs(server) == ["ehlo", "quit"]


@pytest.mark.parametrize("reply", ["220-go\r\n220 ahead\r\n250 SMTPUTF8", "220 go\r\n250-m"])
def test_what_is_said_in_clear_behind_starttls_stops_everything(server_tls: ssl.SSLContext, reply: str) -> None:
    with ScriptedServer({"ehlo": TLS_OFFERED, "starttls": reply}, tls=server_tls) as server:
        outcome = refusal(relay(server, **SIGN_IN))
    assert outcome.fault is Fault.AUTHENTICATION
    assert "auth" not in verbs(server)


def test_starttls_that_is_refused_stops_everything(server_tls: ssl.SSLContext) -> None:
    with ScriptedServer({"ehlo": TLS_OFFERED, "starttls": "454 4.7.0 not now"}, tls=server_tls) as server:
        assert refusal(relay(server, **SIGN_IN)).code == 454
    assert verbs(server) == ["ehlo", "starttls", "quit"]


def test_a_password_does_not_travel_in_clear() -> None:
    with ScriptedServer({"ehlo": "250-mx\r\n250 AUTH PLAIN"}) as server:
        outcome = refusal(relay(server, username="me", password="secret"))
    assert outcome.fault is Fault.AUTHENTICATION
    assert "auth" not in verbs(server)


@pytest.mark.parametrize("reply", ["535 5.7.8 wrong", "454 4.7.0 no", "530 5.7.0 no", "334 ?\r\n334 ?", "334 a"])
def test_a_refused_sign_in_is_tried_once(server_tls: ssl.SSLContext, reply: str) -> None:
    with ScriptedServer({"ehlo": TLS_OFFERED, "auth": reply}, tls=server_tls) as server:
        outcome = refusal(relay(server, **SIGN_IN))
    assert outcome.kind is OutcomeKind.DEFERRED
    assert outcome.fault is Fault.AUTHENTICATION
    assert "secret" not in outcome.text
    assert verbs(server).count("auth") == 1


@pytest.mark.parametrize(
    ("offered", "password"), [("AUTH SCRAM-SHA-256", "secret"), ("SIZE", "secret"), ("AUTH PLAIN", "gehéim")]
)
def test_a_sign_in_that_cannot_be_said_is_not_tried(server_tls: ssl.SSLContext, offered: str, password: str) -> None:
    with ScriptedServer({"ehlo": f"250-mx\r\n250-{offered}\r\n250 STARTTLS"}, tls=server_tls) as server:
        outcome = refusal(relay(server, use_tls=True, username="me", password=password))
    assert outcome.fault is Fault.AUTHENTICATION
    assert password not in outcome.text
    assert "auth" not in verbs(server)


def test_a_server_that_knows_login_only_gets_it(server_tls: ssl.SSLContext) -> None:
    script = {
        "ehlo": "250-mx\r\n250-AUTH LOGIN\r\n250 STARTTLS",
        "auth": "334 UGFzc3dvcmQ6",
        "c2vjcmv0": "235 2.7.0 welcome",
    }
    with ScriptedServer(script, tls=server_tls) as server:  # type: ignore[arg-type]
        connect(relay(server, **SIGN_IN)).leave()
    assert server.commands[3:5] == ["AUTH LOGIN bWU=", "c2VjcmV0"]


@pytest.mark.parametrize("line", ["250-x\r\n", "250-" + "x" * 40])
def test_a_reply_without_end_is_given_up(line: str) -> None:
    with ScriptedServer({"ehlo": line * 40_000}) as server:
        outcome = refusal(relay(server))
    assert outcome.fault is Fault.HOST
    assert "without end" in outcome.text


def test_a_password_is_not_in_the_relays_text() -> None:
    assert "secret" not in repr(Relay("mx.example", 25, "sender.example", password="secret"))


def test_a_closed_connection_says_so() -> None:
    with ScriptedServer() as server:
        connection: Connection = connect(relay(server))
        connection.leave()
        with pytest.raises(smtplib.SMTPServerDisconnected):
            _ = connection.open_socket
