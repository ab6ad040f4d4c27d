"""What holds for every transport: one outcome for each message, in its own time, and no exception out."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from app.mail.connection import Relay
from app.mail.memory import ConsoleTransport, MemoryTransport
from app.mail.pipeline import PipelinedTransport
from app.mail.transport import Fault, Outcome, OutcomeKind, Outgoing, Transport
from app.oneoff import FlaskMailTransport
from app.settings.mail import MailSettings
from tests.smtp_server import CLOSE, HANG, ScriptedServer

DATA = b"Subject: x\r\n\r\n x.\r\nend\r\n"
DATA_UTF8 = "To: é.dupont@reader.example\r\n\r\nend\r\n".encode()


@dataclass(frozen=True)
class OverSmtp:
    """A transport and the servers it is to meet."""

    name: str
    offers: tuple[str, ...] = ()

    def server(self, script: dict[str, str | list[str]] | None = None, *, split: bool = False) -> ScriptedServer:
        return ScriptedServer(script, split=split, offers=self.offers)

    def transport(self, port: int) -> Transport:
        if self.name == "flask-mail":
            settings = MailSettings(port=port, ehlo_name="sender.example", command_timeout_s=0.5, data_timeout_s=0.5)
            return FlaskMailTransport(Flask("letters"), settings)
        relay = Relay("127.0.0.1", port, "sender.example", command_timeout_s=0.5, data_timeout_s=0.5)
        return PipelinedTransport(relay, connections=1)


OVER_SMTP = [
    OverSmtp("flask-mail"),
    OverSmtp("one command at a time"),
    OverSmtp("pipelined", offers=("PIPELINING",)),
]


@pytest.fixture(params=OVER_SMTP, ids=lambda way: way.name)
def over_smtp(request: pytest.FixtureRequest) -> OverSmtp:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(params=["memory", "console", *OVER_SMTP], ids=lambda way: getattr(way, "name", way))
def any_transport(request: pytest.FixtureRequest) -> Iterator[Transport]:
    if request.param == "memory":
        yield MemoryTransport()
    elif request.param == "console":
        yield ConsoleTransport(io.StringIO())
    else:
        with request.param.server() as server:
            yield request.param.transport(server.port)


def letters(count: int = 1, recipient: str = "alice@reader.example", data: bytes = DATA) -> list[Outgoing]:
    is_8bit = not data.isascii()
    return [Outgoing(key, f"b-{key}@bounces.example", recipient, data, is_8bit) for key in range(1, count + 1)]


def send_all(transport: Transport, messages: list[Outgoing]) -> tuple[list[tuple[int, Outcome]], list[int]]:
    started: list[int] = []
    return list(transport.send(messages, started.append)), started


def send_one(transport: Transport) -> Outcome:
    [(_, outcome)], _ = send_all(transport, letters())
    return outcome


def test_each_message_gets_one_outcome_and_is_announced_before_it(any_transport: Transport) -> None:
    outcomes, started = send_all(any_transport, letters(5))
    assert sorted(key for key, _ in outcomes) == started == [1, 2, 3, 4, 5]
    assert {outcome.kind for _, outcome in outcomes} == {OutcomeKind.ACCEPTED}


def test_messages_are_pulled_only_when_they_can_go(any_transport: Transport) -> None:
    pulled: list[int] = []

    def supply() -> Iterator[Outgoing]:
        for outgoing in letters(4):
            pulled.append(outgoing.key)
            yield outgoing

    sending = iter(any_transport.send(supply(), lambda key: None))
    next(sending)
    assert len(pulled) in {1, 2}  # where a letter is announced behind another, the next one is at hand
    sending.close()  # type: ignore[attr-defined]


def test_a_pause_in_the_messages_is_not_their_end(any_transport: Transport) -> None:
    first, second, third = letters(3)
    outcomes = any_transport.send(iter([None, first, None, None, second, third, None]), lambda key: None)
    assert [key for key, _ in outcomes] == [1, 2, 3]


def test_nothing_to_send_is_nothing_sent(any_transport: Transport) -> None:
    assert send_all(any_transport, []) == ([], [])


def test_bytes_arrive_unchanged_and_the_envelope_too(over_smtp: OverSmtp) -> None:
    with over_smtp.server() as server:
        send_one(over_smtp.transport(server.port))
    [taken] = server.taken
    assert taken.data == DATA
    assert (taken.sender, taken.recipient) == ("b-1@bounces.example", "alice@reader.example")


def test_one_connection_carries_many_letters_and_says_our_name(over_smtp: OverSmtp) -> None:
    with over_smtp.server() as server:
        send_all(over_smtp.transport(server.port), letters(20))
    assert server.connections == 1
    assert server.commands[0] == "ehlo sender.example"
    assert server.commands[-1].lower() == "quit"


def test_replies_in_single_octets_and_many_lines_are_read_to_the_end(over_smtp: OverSmtp) -> None:
    script: dict[str, str | list[str]] = {"content": "250-taken\r\n250-and kept\r\n250 2.6.0 as 4711"}
    with over_smtp.server(script, split=True) as server:
        outcome = send_one(over_smtp.transport(server.port))
    assert outcome == Outcome(OutcomeKind.ACCEPTED, 250, "2.6.0", "taken\nand kept\n2.6.0 as 4711")


REFUSALS = [
    ("greeting", "554 5.3.2 no service", OutcomeKind.DEFERRED, Fault.HOST),
    ("greeting", "421 4.3.2 later", OutcomeKind.DEFERRED, Fault.HOST),
    ("ehlo", "550 who are you", OutcomeKind.DEFERRED, Fault.HOST),
    ("mail", "550 5.7.1 blocked", OutcomeKind.DEFERRED, Fault.HOST),
    ("mail", "451 4.3.0 busy", OutcomeKind.DEFERRED, Fault.HOST),
    ("mail", "552 5.3.4 too big", OutcomeKind.REJECTED, Fault.CONTENT),
    ("rcpt", "550 5.1.1 no such user", OutcomeKind.REJECTED, Fault.ADDRESS),
    ("rcpt", "550 5.7.1 blocked", OutcomeKind.REJECTED, Fault.SENDER),
    ("rcpt", "450 4.7.1 greylisted", OutcomeKind.DEFERRED, Fault.DESTINATION),
    ("rcpt", "452 4.5.3 too many recipients", OutcomeKind.DEFERRED, Fault.DESTINATION),
    ("rcpt", "421 4.7.0 go away", OutcomeKind.DEFERRED, Fault.HOST),
    ("data", "554 5.5.1 no valid recipients", OutcomeKind.REJECTED, Fault.DESTINATION),
    ("content", "552 5.2.2 mailbox full", OutcomeKind.REJECTED, Fault.MAILBOX),
    ("content", "554 5.6.0 looks like spam", OutcomeKind.REJECTED, Fault.CONTENT),
    ("content", "451 4.3.0 disk full", OutcomeKind.DEFERRED, Fault.DESTINATION),
    ("content", "421 4.3.2 shutting down", OutcomeKind.DEFERRED, Fault.HOST),
]


@pytest.mark.parametrize(("verb", "reply", "kind", "fault"), REFUSALS)
def test_a_refusal_at_any_verb_is_an_outcome(
    over_smtp: OverSmtp, verb: str, reply: str, kind: OutcomeKind, fault: Fault
) -> None:
    with over_smtp.server({verb: reply}) as server:
        outcome = send_one(over_smtp.transport(server.port))
    assert (outcome.kind, outcome.fault) == (kind, fault)
    assert outcome.code == int(reply[:3])
    assert server.taken == []


@pytest.mark.parametrize("verb", ["greeting", "ehlo", "mail", "rcpt", "data"])
@pytest.mark.parametrize("reply", [HANG, CLOSE, "what?", "99 bottles", "2"])
def test_silence_death_and_garbage_before_the_final_dot_defer(over_smtp: OverSmtp, verb: str, reply: str) -> None:
    with over_smtp.server({verb: reply}) as server:
        outcome = send_one(over_smtp.transport(server.port))
    assert (outcome.kind, outcome.fault) == (OutcomeKind.DEFERRED, Fault.HOST)


@pytest.mark.parametrize("reply", [HANG, CLOSE, "what?", "354 more?"])
def test_silence_death_and_garbage_after_the_final_dot_leave_it_uncertain(over_smtp: OverSmtp, reply: str) -> None:
    with over_smtp.server({"content": reply}) as server:
        outcome = send_one(over_smtp.transport(server.port))
    assert outcome.kind is OutcomeKind.UNCERTAIN


def test_a_connection_that_breaks_inside_the_content_defers(over_smtp: OverSmtp) -> None:
    big = b"x" * 70 + b"\r\n"
    messages = [Outgoing(1, "b-1@bounces.example", "alice@reader.example", big * 200_000)]
    with over_smtp.server({"block": CLOSE}) as server:
        [(_, outcome)], started = send_all(over_smtp.transport(server.port), messages)
    assert (outcome.kind, outcome.fault, started) == (OutcomeKind.DEFERRED, Fault.HOST, [1])


def test_a_server_that_is_down_defers_at_once(over_smtp: OverSmtp) -> None:
    with over_smtp.server() as server:
        port = server.port
    outcome = send_one(over_smtp.transport(port))
    assert (outcome.kind, outcome.fault) == (OutcomeKind.DEFERRED, Fault.HOST)


def test_a_bad_goodbye_changes_nothing(over_smtp: OverSmtp) -> None:
    with over_smtp.server({"quit": CLOSE}) as server:
        assert send_one(over_smtp.transport(server.port)).kind is OutcomeKind.ACCEPTED


@pytest.mark.parametrize("rset", ["250 ok", "500 no", CLOSE])
def test_after_a_refused_letter_the_next_one_goes(over_smtp: OverSmtp, rset: str) -> None:
    with over_smtp.server({"rcpt": ["550 5.1.1 no such user", "250 ok"], "rset": rset}) as server:
        outcomes, _ = send_all(over_smtp.transport(server.port), letters(2))
    assert [outcome.kind for _, outcome in outcomes] == [OutcomeKind.REJECTED, OutcomeKind.ACCEPTED]
    assert server.connections == (1 if rset == "250 ok" else 2)


@pytest.mark.parametrize("reply", [CLOSE, "421 4.4.2 idle too long"])
def test_a_kept_connection_that_was_closed_is_opened_anew(over_smtp: OverSmtp, reply: str) -> None:
    with over_smtp.server({"mail": ["250 ok", reply, "250 ok"]}) as server:
        outcomes, started = send_all(over_smtp.transport(server.port), letters(2))
    assert [outcome.kind for _, outcome in outcomes] == [OutcomeKind.ACCEPTED, OutcomeKind.ACCEPTED]
    assert started == [1, 2]
    assert server.connections == 2


def test_a_non_ascii_local_part_goes_only_where_it_is_offered(over_smtp: OverSmtp) -> None:
    message = letters(recipient="é.dupont@reader.example", data=DATA_UTF8)
    with over_smtp.server() as server:
        [(_, refused)], started = send_all(over_smtp.transport(server.port), message)
    assert (refused.kind, refused.fault, started) == (OutcomeKind.REJECTED, Fault.UNSUPPORTED_ADDRESS, [])
    with over_smtp.server({"ehlo": "250-mx\r\n250-8BITMIME\r\n250 SMTPUTF8"}) as server:
        [(_, taken)], _ = send_all(over_smtp.transport(server.port), message)
    assert taken.kind is OutcomeKind.ACCEPTED
    assert "MAIL FROM:<b-1@bounces.example> BODY=8BITMIME SMTPUTF8" in server.commands
    assert "RCPT TO:<é.dupont@reader.example>" in server.commands


def test_smtputf8_is_not_asked_for_without_need(over_smtp: OverSmtp) -> None:
    with over_smtp.server({"ehlo": "250-mx\r\n250-8BITMIME\r\n250 SMTPUTF8"}) as server:
        send_one(over_smtp.transport(server.port))
    assert "MAIL FROM:<b-1@bounces.example>" in server.commands


HOSTILE = [
    "a@x.example>\r\nRCPT TO:<b@x.example",
    "a@x.example\n",
    "a b@x.example",
    "a\x00@x.example",
    "<a@x.example>",
    "",
]


@pytest.mark.parametrize("address", HOSTILE)
def test_an_envelope_that_could_break_out_is_refused_unspoken(over_smtp: OverSmtp, address: str) -> None:
    with over_smtp.server() as server:
        [(_, as_recipient)], _ = send_all(over_smtp.transport(server.port), letters(recipient=address))
        sender = Outgoing(1, address, "alice@reader.example", DATA)
        [(_, as_sender)], _ = send_all(over_smtp.transport(server.port), [sender])
    assert as_recipient.kind is as_sender.kind is OutcomeKind.REJECTED
    assert server.connections == 0
