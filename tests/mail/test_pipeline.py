"""The pipelined transport's own promises: several connections, each letter once, and nothing that waits."""

import logging
import random
import re
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from app.mail import traffic
from app.mail.pipeline import PipelinedTransport
from app.mail.transport import Fault, OutcomeKind, Outgoing
from tests.mail.relaying import CERTIFICATE, PIPELINING, Peer, Sending, letters, relay
from tests.smtp_server import CLOSE, HANG, USUAL, Script, ScriptedServer

ACCEPTED, DEFERRED, REJECTED, UNCERTAIN = OutcomeKind


@pytest.fixture
def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    until = time.monotonic() + 5
    while any(thread.name == "smtp-dial" for thread in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_what_has_begun_and_is_not_told_is_at_most_one_letter_for_each_connection() -> None:
    unsure: set[int] = set()
    most = 0

    def begin(key: int) -> None:
        nonlocal most
        unsure.add(key)
        most = max(most, len(unsure))

    with ScriptedServer(offers=PIPELINING) as server:
        for key, _ in PipelinedTransport(relay(server.port), connections=8).send(letters(500), begin):
            unsure.remove(key)
    assert not unsure
    assert 1 < most <= 8


@pytest.mark.parametrize("offers", [(), PIPELINING])
def test_eight_connections_share_a_thousand_letters(offers: tuple[str, ...]) -> None:
    with ScriptedServer(offers=offers) as server:
        sending = Sending(server.port, letters(1000), connections=8, letters_per_connection=1000)
    assert sending.kinds == [ACCEPTED] * 1000
    assert sorted(sending.started) == list(range(1000))
    assert sorted(taken.sender for taken in server.taken) == sorted(letter.sender for letter in letters(1000))
    assert 2 < server.connections <= 8


@pytest.mark.parametrize("way", ["use_tls", "use_ssl", ""])
def test_large_letters_arrive_unchanged(server_tls: ssl.SSLContext, way: str) -> None:
    script = {"ehlo": "250-mx\r\n250 STARTTLS"}
    data = b"".join(b"%070d\r\n" % number for number in range(20_000))
    with ScriptedServer(script, tls=server_tls, is_tls_from_start=way == "use_ssl", offers=PIPELINING) as server:
        sending = Sending(server.port, letters(6, data), connections=2, **({way: True} if way else {}))
    assert sending.kinds == [ACCEPTED] * 6
    assert [taken.data == data for taken in server.taken] == [True] * 6


def test_a_wrong_password_is_tried_once(server_tls: ssl.SSLContext) -> None:
    script = {"ehlo": "250-mx\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS", "auth": "535 5.7.8 wrong"}
    with ScriptedServer(script, tls=server_tls) as server:
        sending = Sending(server.port, letters(1000), 8, use_tls=True, username="me", password="secret")
    assert sending.kinds == [DEFERRED] * 1000
    assert {outcome.fault for outcome in sending.outcomes.values()} == {Fault.AUTHENTICATION}
    assert server.connections == 1
    assert [command for command in server.commands if command.startswith("AUTH")] == ["AUTH PLAIN AG1lAHNlY3JldA=="]


def test_a_wrong_password_is_tried_again_after_a_while(
    server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "REDIAL_AFTER_S", 0.0)
    script = {"ehlo": "250-mx\r\n250-AUTH PLAIN\r\n250 STARTTLS", "auth": ["535 5.7.8 wrong", "235 ok"]}
    with ScriptedServer(script, tls=server_tls) as server:
        sending = Sending(server.port, letters(3), 8, use_tls=True, username="me", password="secret")
    assert sending.kinds == [DEFERRED, ACCEPTED, ACCEPTED]


@pytest.mark.parametrize(
    "later", [{"greeting": "421 4.7.0 too many connections"}, {"mail": "421 4.7.0 too many"}, {"mail": CLOSE}]
)
def test_a_relay_that_allows_one_connection_is_left_with_it(later: Script) -> None:
    with ScriptedServer(later=later, offers=PIPELINING) as server:
        sending = Sending(server.port, letters(300), connections=8, letters_per_connection=300)
    assert sending.kinds == [ACCEPTED] * 300
    assert sorted(sending.started) == list(range(300))
    assert server.connections in {2, 4}  # a second one stood for a moment, and two more were dialled


def test_a_relay_is_asked_for_more_connections_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "REDIAL_AFTER_S", 0.0)
    with ScriptedServer(later={"greeting": ["421 4.7.0 too many", "220 ready"]}, offers=PIPELINING) as server:
        sending = Sending(server.port, letters(500), connections=2, letters_per_connection=500)
    assert sending.kinds == [ACCEPTED] * 500
    assert server.connections >= 3


def test_a_connection_that_is_never_greeted_holds_nothing_up() -> None:
    with ScriptedServer(later={"greeting": HANG}, offers=PIPELINING) as server:
        begin = time.monotonic()
        sending = Sending(server.port, letters(300), connections=8, letters_per_connection=300)
        assert time.monotonic() - begin < 4
    assert sending.kinds == [ACCEPTED] * 300


def test_waiting_for_letters_does_not_burn_the_processor() -> None:
    asked = 0

    def supply() -> Iterator[Outgoing | None]:
        nonlocal asked
        yield from letters(1)
        until = time.monotonic() + 0.4
        while time.monotonic() < until:
            asked += 1
            yield None

    with ScriptedServer() as server:
        Sending(server.port, supply(), connections=8)
    assert 2 < asked < 60


def test_a_run_that_is_given_up_leaves_nothing_open() -> None:
    with ScriptedServer(offers=PIPELINING) as server:
        run = PipelinedTransport(relay(server.port), 8).send(letters(500), lambda key: None)
        next(run)
        run.close()  # type: ignore[attr-defined]
    assert len(server.taken) < 500


def test_a_fault_of_the_supply_comes_out_and_leaves_nothing_open() -> None:
    def supply() -> Iterator[Outgoing]:
        yield from letters(3)
        raise LookupError

    with ScriptedServer(offers=PIPELINING) as server, pytest.raises(LookupError):
        list(PipelinedTransport(relay(server.port), 8).send(supply(), lambda key: None))


def test_two_runs_at_once_keep_apart() -> None:
    with ScriptedServer(offers=PIPELINING) as server:
        transport = PipelinedTransport(relay(server.port), 4)
        found: list[list[int]] = [[], []]

        def send(number: int) -> None:
            found[number] = sorted(key for key, _ in transport.send(letters(200), lambda key: None))

        threads = [threading.Thread(target=send, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [list(range(200))] * 2
    assert len(server.taken) == 400


def test_the_log_tells_of_connections_and_refusals_and_no_secrets(
    server_tls: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    script = {"ehlo": "250-mx\r\n250-AUTH PLAIN\r\n250 STARTTLS", "rcpt": ["550 5.1.1 no such user", "250 ok"]}
    with ScriptedServer(script, tls=server_tls, offers=PIPELINING) as server:
        Sending(server.port, letters(2), use_tls=True, username="me", password="secret")
    assert "TLSv1." in caplog.text
    assert re.search(r"127.0.0.1:\d+, TLSv1\.\d, at rcpt: 550 5\.1\.1 no such user", caplog.text)
    assert "secret" not in caplog.text
    assert "x: y" not in caplog.text


VERBS = ["greeting", "mail", "rcpt", "data", "content", "rset", "quit", "no-recipient", "lone-dot"]
RUDE = [CLOSE, "421 bye", "451 later", "550 5.1.1 no such user", "what", "250-a\r\n250 b", "250 ok", "354 go", HANG]


@pytest.mark.parametrize("seed", range(8))
def test_whatever_a_server_does_each_letter_ends_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(seed)
    monkeypatch.setattr(traffic, "REDIAL_AFTER_S", dice.choice([0.0, 0.05, 60.0]))
    script = {verb: [dice.choice(RUDE) if dice.random() < 0.06 else USUAL[verb] for _ in range(60)] for verb in VERBS}
    for verb in VERBS:
        script[verb].append(USUAL[verb])
    with ScriptedServer(script, offers=PIPELINING if seed % 4 else ()) as server:
        limits = {"command_timeout_s": 0.1, "data_timeout_s": 0.1, "letters_per_connection": dice.choice([1, 3, 50])}
        sending = Sending(server.port, letters(50), connections=dice.randint(1, 5), **limits)
    assert sorted(sending.outcomes) == list(range(50))
    assert max(Counter(sending.started).values()) == 1
    ended = {kind: {key for key, outcome in sending.outcomes.items() if outcome.kind is kind} for kind in OutcomeKind}
    assert ended[ACCEPTED] | ended[UNCERTAIN] <= set(sending.started)
    taken = [int(taken.recipient[1:].partition("@")[0]) for taken in server.taken]
    assert len(set(taken)) == len(taken)
    assert ended[ACCEPTED] <= set(taken) <= ended[ACCEPTED] | ended[UNCERTAIN]


def test_a_letter_has_its_outcome_before_the_next_on_its_connection_begins() -> None:
    """Whoever is killed has then one letter in the gap on each connection, and no more."""

    def play(accepted: socket.socket) -> None:
        for replies in (
            b"250 ok\r\n250 ok\r\n354 go\r\n",
            b"250 taken\r\n250 ok\r\n250 ok\r\n354 go\r\n",
            b"250 taken\r\n",
        ):
            peer.hear(accepted, replies)

    events: list[tuple[str, int]] = []
    with Peer(play) as peer:
        transport = PipelinedTransport(relay(peer.port), connections=1)
        for key, _ in transport.send(letters(2), lambda key: events.append(("begin", key))):
            events.append(("end", key))
    assert events == [("begin", 0), ("end", 0), ("begin", 1), ("end", 1)]
