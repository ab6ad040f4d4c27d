"""Our two ways of sending against a real Postfix: what its log, its queue, the wire and the sink behind it show."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from flask import Flask

from app.mail.pipeline import PipelinedTransport
from app.mail.replies import Verb
from app.mail.transport import Fault, Outcome, OutcomeKind, Outgoing
from app.oneoff import FlaskMailTransport, relay_of
from app.settings.mail import MailSettings
from tests.end_to_end.house import Postbox, wait_until
from tests.relay.authority import Authority
from tests.relay.postfix import GREYLISTED, HELD, PASSWORD, SIZE_LIMIT, UNKNOWN, USERNAME, Postfix
from tests.relay.tap import Tap, in_clear

pytestmark = pytest.mark.slow

READER = "reader@reader.example"
#: What a client may say in clear before TLS, and nothing else.
GREETING = b"ehlo sender.example\r\n"


class Way:
    """One of the two transports, towards one door of Postfix as a user would set it up."""

    def __init__(self, name: str, authority: Authority) -> None:
        self.name = name
        self._usual = {
            "use_tls": True, "username": USERNAME, "password": PASSWORD, "ca_file": str(authority.ca_file),
            "ehlo_name": "sender.example", "connections": 4,
        }  # fmt: skip

    def send(self, port: int, messages: Sequence[Outgoing], **settings: object) -> dict[int, Outcome]:
        used = MailSettings(port=port, **{**self._usual, **settings})  # type: ignore[arg-type]
        if self.name == "one-off":
            return dict(FlaskMailTransport(Flask("letters"), used).send(messages, lambda key: None))
        return dict(PipelinedTransport(relay_of(used), used.connections).send(messages, lambda key: None))

    def send_one(self, port: int, recipient: str = READER, data: bytes = b"", **settings: object) -> Outcome:
        [outcome] = self.send(port, letters(recipient, data=data), **settings).values()
        return outcome


@pytest.fixture(params=["pipelined", "one-off"])
def way(request: pytest.FixtureRequest, authority: Authority) -> Way:
    return Way(request.param, authority)


def letters(*recipients: str, first_key: int = 1, data: bytes = b"") -> list[Outgoing]:
    head = b"From: lettre@newsletter.example\r\nSubject: x\r\n\r\n"
    return [
        Outgoing(key, f"b-{key}@bounces.newsletter.example", recipient, head + (data or b"Bonjour\r\n"))
        for key, recipient in enumerate(recipients, start=first_key)
    ]


def new_lines(postfix: Postfix, before: str) -> str:
    """What the log says beyond `before`."""
    return postfix.settled_log()[len(before) :]


def was_refused_unsaid(outcome: Outcome, verb: Verb) -> bool:
    """Whether it failed at `verb`, for our set-up's sake, so that the letter waits."""
    return (
        outcome.kind is OutcomeKind.DEFERRED
        and outcome.fault is Fault.AUTHENTICATION
        and outcome.text.startswith(f"failed at {verb}:")
    )


def test_letters_go_over_tls_with_a_password_and_nothing_in_clear(postfix: Postfix, sink: Postbox, way: Way) -> None:
    before, already = postfix.settled_log(), len(sink.raw)
    with Tap(postfix.ports["submission"]) as tap:
        outcomes = way.send(tap.port, letters(*[READER] * 10))
    assert {outcome.kind for outcome in outcomes.values()} == {OutcomeKind.ACCEPTED}
    wait_until(lambda: len(sink.raw) == already + 10, "ten letters behind Postfix")
    log = new_lines(postfix, before)
    assert log.count(f"sasl_method=PLAIN, sasl_username={USERNAME}") == 10
    # The run may end while another connection is being opened: before STARTTLS, or before the EHLO that follows it.
    assert log.count("TLS connection established") == len(re.findall(r"ehlo=[12] starttls=1", log)) >= 1
    assert all((GREETING + b"STARTTLS\r\n").startswith(in_clear(reads)) for reads in tap.said)
    assert all(b"AUTH" not in in_clear(reads) for reads in tap.answered)


def test_a_server_of_another_name_gets_no_password(postfix: Postfix, way: Way) -> None:
    before = postfix.settled_log()
    with Tap(postfix.ports["misnamed"]) as tap:
        outcome = way.send_one(tap.port)
    assert was_refused_unsaid(outcome, Verb.STARTTLS), outcome
    assert "not valid for '127.0.0.1'" in outcome.text
    assert "ehlo=1 starttls=0/1 commands=1/2" in new_lines(postfix, before)
    assert [in_clear(reads) for reads in tap.said] == [GREETING + b"STARTTLS\r\n"]


def test_a_server_that_a_stranger_vouches_for_gets_no_password(postfix: Postfix, way: Way, tmp_path: Path) -> None:
    before = postfix.settled_log()
    stranger = Authority(tmp_path, "stranger")
    for ca_file in (str(stranger.ca_file), ""):  # "": whom the system trusts
        outcome = way.send_one(postfix.ports["submission"], ca_file=ca_file)
        assert was_refused_unsaid(outcome, Verb.STARTTLS), outcome
        assert "CERTIFICATE_VERIFY_FAILED" in outcome.text
    log = new_lines(postfix, before)
    assert log.count("ehlo=1 starttls=0/1 commands=1/2") == 2
    assert "sasl_method" not in log


@pytest.mark.parametrize(("settings", "verb"), [({}, Verb.STARTTLS), ({"use_tls": False}, Verb.AUTH)])
def test_a_password_does_not_travel_in_clear(
    postfix: Postfix, way: Way, settings: dict[str, object], verb: Verb
) -> None:
    with Tap(postfix.ports["without-tls"]) as tap:
        outcome = way.send_one(tap.port, **settings)
    assert was_refused_unsaid(outcome, verb), outcome
    assert b"AUTH PLAIN LOGIN" in b"".join(tap.answered[0])
    assert b"".join(tap.said[0]) in {GREETING, GREETING + b"QUIT\r\n", GREETING + b"quit\r\n"}


def test_a_wrong_password_is_tried_once_and_nothing_is_sent(
    postfix: Postfix, sink: Postbox, authority: Authority
) -> None:
    before, already = postfix.settled_log(), len(sink.raw)
    outcomes = Way("pipelined", authority).send(
        postfix.ports["submission"], letters(*[READER] * 20), password="not the passphrase"
    )
    assert {(outcome.kind, outcome.fault, outcome.code) for outcome in outcomes.values()} == {
        (OutcomeKind.DEFERRED, Fault.AUTHENTICATION, 535)
    }
    assert len(outcomes) == 20
    log = new_lines(postfix, before)
    assert log.count("authentication failed") == 1
    assert "auth=0/1" in log
    assert " mail=" not in log
    assert len(sink.raw) == already


def test_a_wrong_password_for_a_one_off_letter_is_one_attempt(postfix: Postfix, authority: Authority) -> None:
    before = postfix.settled_log()
    outcome = Way("one-off", authority).send_one(postfix.ports["submission"], password="not the passphrase")
    assert (outcome.kind, outcome.fault, outcome.code) == (OutcomeKind.DEFERRED, Fault.AUTHENTICATION, 535)
    assert new_lines(postfix, before).count("authentication failed") == 1


def test_commands_are_pipelined_behind_the_final_dot(postfix: Postfix, sink: Postbox, authority: Authority) -> None:
    already = len(sink.raw)
    settings = {"use_tls": False, "username": "", "password": "", "connections": 1}
    with Tap(postfix.ports["inward"]) as tap:
        outcomes = Way("pipelined", authority).send(tap.port, letters(*[READER] * 5), **settings)
    assert {outcome.kind for outcome in outcomes.values()} == {OutcomeKind.ACCEPTED}
    [said] = tap.said
    ahead = [data for data in said if re.search(rb"\r\n\.\r\nMAIL FROM:.*\r\nRCPT TO:.*\r\nDATA\r\n$", data)]
    assert len(ahead) == 4
    assert len(said) == 1 + 1 + 5 + 1  # EHLO, the first envelope, five letters, QUIT
    wait_until(lambda: len(sink.raw) == already + 5, "five letters behind Postfix")


def test_what_is_too_large_is_not_even_announced(postfix: Postfix, way: Way) -> None:
    before = postfix.settled_log()
    outcome = way.send_one(postfix.ports["small"], data=b"x" * 70 + b"\r\n" + b"y" * SIZE_LIMIT + b"\r\n")
    assert (outcome.kind, outcome.enhanced, outcome.fault) == (OutcomeKind.REJECTED, "5.3.4", Fault.CONTENT)
    assert outcome.code is None
    log = new_lines(postfix, before)
    assert "auth=1" in log
    assert " mail=" not in log
    assert way.send_one(postfix.ports["small"]).kind is OutcomeKind.ACCEPTED


def test_delivery_notices_are_asked_for_failures_only(postfix: Postfix, way: Way) -> None:
    key = {"pipelined": 77_001, "one-off": 77_002}[way.name]
    [outcome] = way.send(postfix.ports["submission"], letters(HELD, first_key=key)).values()
    assert outcome.kind is OutcomeKind.ACCEPTED
    envelope = postfix.queue_file(outcome.text.rpartition(" ")[2])
    assert f"envelope_id={key}\n" in envelope
    assert f"dsn_orig_rcpt=rfc822;{HELD}\n" in envelope
    # NOTIFY=FAILURE and RET=HDRS, as Postfix's dsn_mask.h numbers them.
    assert "notify_flags=4\n" in envelope
    assert "ret_flags=2\n" in envelope


def test_a_dead_address_and_a_greylist_are_told_apart(postfix: Postfix, sink: Postbox, way: Way) -> None:
    already = len(sink.raw)
    outcomes = way.send(postfix.ports["submission"], letters(READER, UNKNOWN, GREYLISTED, READER))
    assert outcomes[2].kind is OutcomeKind.REJECTED
    assert (outcomes[2].fault, outcomes[2].code, outcomes[2].enhanced) == (Fault.ADDRESS, 550, "5.1.1")
    assert outcomes[3].kind is OutcomeKind.DEFERRED
    assert (outcomes[3].fault, outcomes[3].code) == (Fault.DESTINATION, 450)
    assert {outcomes[key].kind for key in (1, 4)} == {OutcomeKind.ACCEPTED}
    wait_until(lambda: len(sink.raw) == already + 2, "the two good letters behind Postfix")
    assert {recipient for _, recipient, _ in sink.raw[already:]} == {READER}


def test_an_address_beyond_ascii_goes_where_it_is_understood(postfix: Postfix, sink: Postbox, way: Way) -> None:
    already, address = len(sink.raw), f"rené-{way.name}@reader.example"
    outcomes = way.send(postfix.ports["submission"], letters(address, READER))
    assert {outcome.kind for outcome in outcomes.values()} == {OutcomeKind.ACCEPTED}
    wait_until(lambda: len(sink.raw) == already + 2, "both letters behind Postfix")
    assert {recipient for _, recipient, _ in sink.raw[already:]} == {address, READER}


def test_an_address_beyond_ascii_is_ours_to_refuse_elsewhere(postfix: Postfix, way: Way) -> None:
    before = postfix.settled_log()
    outcomes = way.send(postfix.ports["without-smtputf8"], letters("rené@reader.example", READER))
    assert (outcomes[1].kind, outcomes[1].fault) == (OutcomeKind.REJECTED, Fault.UNSUPPORTED_ADDRESS)
    assert outcomes[1].code is None
    assert outcomes[2].kind is OutcomeKind.ACCEPTED
    assert " mail=1 rcpt=1 data=1 " in new_lines(postfix, before)
