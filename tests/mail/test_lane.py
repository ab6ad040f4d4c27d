"""One connection of a pipelined run: what it says when, and what becomes of its letters when it breaks."""

import socket
import time

import pytest

from app.mail import connection, pipeline
from app.mail.pipeline import PipelinedTransport
from app.mail.transport import Fault, OutcomeKind
from tests.mail.relaying import PIPELINING, Peer, Sending, letters, relay
from tests.smtp_server import CLOSE, HANG, ScriptedServer

ACCEPTED, DEFERRED, REJECTED, UNCERTAIN = OutcomeKind


def test_the_next_envelope_leaves_behind_the_final_dot() -> None:
    def play(accepted: socket.socket) -> None:
        peer.hear(accepted, b"250 ok\r\n250 ok\r\n354 go\r\n")
        peer.hear(accepted, b"250 taken\r\n250 ok\r\n250 ok\r\n354 go\r\n")
        peer.hear(accepted, b"250 taken\r\n")
        peer.hear(accepted, b"221 bye\r\n")

    with Peer(play) as peer:
        sending = Sending(peer.port, letters(2))
    assert sending.kinds == [ACCEPTED] * 2
    envelopes = [
        b"MAIL FROM:<b-%d@bounces.example>\r\nRCPT TO:<r%d@reader.example>\r\nDATA\r\n" % (key, key) for key in (0, 1)
    ]
    content = b"x: y\r\n\r\nz\r\n.\r\n"
    assert peer.heard == [envelopes[0], content + envelopes[1], content, b"QUIT\r\n"]


def test_where_pipelining_is_not_offered_each_command_waits() -> None:
    def play(accepted: socket.socket) -> None:
        for reply in (b"250 ok", b"250 ok", b"354 go", b"250 taken", b"221 bye"):
            peer.hear(accepted, reply + b"\r\n")

    with Peer(play, offers=b"") as peer:
        Sending(peer.port, letters(1))
    assert [said.split(b" ")[0].strip() for said in peer.heard] == [b"MAIL", b"RCPT", b"DATA", b"x:", b"QUIT"]


BAD_ENDS = [CLOSE, "421 4.3.2 going down"]


@pytest.mark.parametrize("verb", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("end", BAD_ENDS)
@pytest.mark.parametrize("offers", [(), PIPELINING])
def test_a_letter_that_was_only_announced_goes_by_another_connection(
    verb: str, end: str, offers: tuple[str, ...]
) -> None:
    usual = "354 go" if verb == "data" else "250 ok"
    with ScriptedServer({verb: [usual, end, usual]}, offers=offers) as server:
        sending = Sending(server.port, letters(3))
    assert sending.kinds == [ACCEPTED] * 3
    assert sending.started == [0, 1, 2]
    assert server.connections == 2


@pytest.mark.parametrize(
    ("end", "kind"), [(CLOSE, UNCERTAIN), ("421 4.3.2 going down", DEFERRED), ("354 ?", UNCERTAIN)]
)
def test_an_announced_letter_outlives_the_one_before_it(end: str, kind: OutcomeKind) -> None:
    with ScriptedServer({"content": [end, "250 taken"]}, offers=PIPELINING) as server:
        sending = Sending(server.port, letters(3))
    assert sending.kinds == [kind, ACCEPTED, ACCEPTED]
    assert sending.started == [0, 1, 2]
    assert [taken.recipient for taken in server.taken] == ["r1@reader.example", "r2@reader.example"]


def test_an_announced_letter_is_deferred_when_no_connection_can_be_had() -> None:
    script = {"mail": ["250 ok", CLOSE], "greeting": ["220 ready", "554 5.3.2 closed"]}
    with ScriptedServer(script, offers=PIPELINING) as server:
        sending = Sending(server.port, letters(2))
    assert sending.kinds == [ACCEPTED, DEFERRED]
    assert sending.started == [0]
    assert (sending.outcomes[1].code, sending.outcomes[1].fault) == (554, Fault.HOST)


def test_a_letter_whose_connection_fell_silent_before_it_goes_by_another() -> None:
    with ScriptedServer({"mail": ["250 ok", HANG, "250 ok"]}, offers=PIPELINING) as server:
        sending = Sending(server.port, letters(2), command_timeout_s=0.2)
    assert sending.kinds == [ACCEPTED] * 2


def test_a_letter_at_whose_recipient_the_server_falls_silent_is_deferred() -> None:
    with ScriptedServer({"rcpt": ["250 ok", HANG, "250 ok"]}, offers=PIPELINING) as server:
        sending = Sending(server.port, letters(3), command_timeout_s=0.2)
    assert sending.kinds == [ACCEPTED, DEFERRED, ACCEPTED]
    assert sending.outcomes[1].names_recipient


def test_a_refused_recipient_whose_data_is_granted_costs_a_lone_dot() -> None:
    script = {"rcpt": ["550 5.1.1 no such user", "250 ok"], "no-recipient": "354 go on"}
    with ScriptedServer(script, offers=PIPELINING) as server:
        sending = Sending(server.port, letters(3))
    assert sending.kinds == [REJECTED, ACCEPTED, ACCEPTED]
    assert sending.outcomes[0].fault is Fault.ADDRESS
    assert sending.started == [1, 2]
    assert (server.lone_dots, server.connections, len(server.taken)) == (1, 1, 2)


@pytest.mark.parametrize("reply", [CLOSE, "421 4.3.2 enough", "250 2.0.0 taken"])
def test_what_comes_of_a_lone_dot_concerns_no_letter(reply: str) -> None:
    script = {"rcpt": ["550 5.1.1 no such user", "250 ok"], "no-recipient": "354 go on", "lone-dot": reply}
    with ScriptedServer(script, offers=PIPELINING) as server:
        sending = Sending(server.port, letters(2))
    assert sending.kinds == [REJECTED, ACCEPTED]


def test_no_lone_dot_where_the_recipient_was_taken_without_a_sender() -> None:
    script = {"mail": ["550 5.7.1 not you", "250 ok"], "no-sender": "250 ok"}
    with ScriptedServer(script, offers=PIPELINING) as server:
        sending = Sending(server.port, letters(2))
    assert sending.kinds == [DEFERRED, ACCEPTED]
    assert [taken.recipient for taken in server.taken] == ["r1@reader.example"]


def test_rset_stands_between_a_failed_letter_and_the_next() -> None:
    with ScriptedServer({"mail": ["552 5.3.4 too big", "250 ok"]}, offers=PIPELINING) as server:
        sending = Sending(server.port, letters(2))
    assert sending.kinds == [REJECTED, ACCEPTED]
    verbs = [command.split(" ")[0].lower() for command in server.commands]
    assert verbs == ["ehlo", "mail", "rcpt", "data", "rset", "mail", "rcpt", "data", "quit"]


def test_a_reply_that_came_before_the_content_accepts_nothing() -> None:
    def play(accepted: socket.socket) -> None:
        peer.hear(accepted, b"250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n")

    with Peer(play) as peer:
        sending = Sending(peer.port, letters(1))
    assert sending.kinds == [DEFERRED]
    assert sending.started == []


LARGE = b"".join(b"%070d\r\n" % number for number in range(300_000))


@pytest.mark.parametrize(
    ("said", "kind"),
    [("552 5.3.4 too big", REJECTED), ("452 4.3.1 full", DEFERRED), ("250 ok", DEFERRED), (CLOSE, DEFERRED)],
)
def test_a_reply_in_the_midst_of_a_letter_never_accepts_it(said: str, kind: OutcomeKind) -> None:
    with ScriptedServer({"block": said}, offers=PIPELINING) as server:
        sending = Sending(server.port, letters(1, LARGE))
    assert sending.kinds == [kind]
    assert server.taken == []


def test_a_server_that_stops_reading_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BLOCK_TIMEOUT_S", 0.3)
    with ScriptedServer({"block": HANG}, offers=PIPELINING) as server:
        sending = Sending(server.port, letters(1, LARGE))
    assert sending.kinds == [DEFERRED]


@pytest.mark.parametrize(("written", "kind"), [(b"z\r\n.\r\n", UNCERTAIN), (b"z\r\n.\r", DEFERRED)])
def test_a_letter_counts_as_sent_once_its_final_dot_is(
    written: bytes, kind: OutcomeKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = socket.socket.send

    def stop_behind_content(self: socket.socket, data: memoryview) -> int:
        if bytes(data).startswith(b"x: y"):
            return send(self, data[: bytes(data).index(written) + len(written)])
        if bytes(data).startswith(b"MAIL FROM:<b-0"):
            return send(self, data)
        raise BlockingIOError

    def play(accepted: socket.socket) -> None:
        peer.hear(accepted, b"250 ok\r\n250 ok\r\n354 go\r\n")
        peer.heard.append(accepted.recv(1000))

    monkeypatch.setattr(socket.socket, "send", stop_behind_content)
    with Peer(play) as peer:
        sending = Sending(peer.port, letters(2))
    assert sending.kinds == [kind, DEFERRED]
    assert peer.heard[1].endswith(written)


def test_the_letters_of_a_broken_connection_end_once_whenever_the_clock_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipeline, "ASK_AGAIN_S", 0.0)
    with ScriptedServer({"mail": ["250 ok", "421 bye", "250 ok"]}, offers=PIPELINING) as server:
        sending = Sending(server.port, letters(3))
    assert sending.kinds == [ACCEPTED] * 3


@pytest.mark.parametrize("offers", [(), PIPELINING])
def test_connections_are_renewed_after_their_number_of_letters(offers: tuple[str, ...]) -> None:
    with ScriptedServer(offers=offers) as server:
        sending = Sending(server.port, letters(7), letters_per_connection=3)
    assert sending.kinds == [ACCEPTED] * 7
    assert server.connections == 3
    assert [command for command in server.commands if command.lower() == "quit"] == ["QUIT"] * 3


def test_a_goodbye_that_is_not_answered_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "GOODBYE_TIMEOUT_S", 0.1)
    with ScriptedServer({"quit": HANG}) as server:
        begin = time.monotonic()
        sending = Sending(server.port, letters(3), letters_per_connection=1)
        assert time.monotonic() - begin < 4
    assert sending.kinds == [ACCEPTED] * 3


def test_a_goodbye_ends_before_the_next_connection_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "GOODBYE_TIMEOUT_S", 0.3)
    started: list[float] = []
    with ScriptedServer({"quit": HANG}) as server:
        transport = PipelinedTransport(relay(server.port, letters_per_connection=1), connections=1)
        list(transport.send(letters(2), lambda key: started.append(time.monotonic())))
    assert started[1] - started[0] >= 0.3


def test_a_connection_idle_for_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "IDLE_MAX_S", 0.05)
    first, second = letters(2)
    with ScriptedServer() as server:
        sending = Sending(server.port, [first, *[None] * 20, second])
    assert sending.kinds == [ACCEPTED] * 2
    assert server.connections == 2


def test_an_idle_connection_that_the_server_ends_costs_nothing() -> None:
    first, second = letters(2)
    with ScriptedServer({"greeting": "220 mx\r\n421 unasked"}) as server:
        sending = Sending(server.port, [first, second])
    assert sending.kinds == [DEFERRED, DEFERRED]


def test_a_letter_larger_than_the_server_takes_is_not_begun() -> None:
    with ScriptedServer({"ehlo": "250-mx\r\n250 SIZE 5"}, offers=PIPELINING) as server:
        sending = Sending(server.port, letters(2))
    assert sending.kinds == [REJECTED] * 2
    assert {outcome.enhanced for outcome in sending.outcomes.values()} == {"5.3.4"}
    assert [command.split(" ")[0].lower() for command in server.commands] == ["ehlo", "quit"]
