"""The envelope of one letter in the words that a server offered."""

import pytest

from app.mail.commands import Features, find_unfit, write_envelope
from app.mail.transport import Fault, Outcome, OutcomeKind, Outgoing


def letter(recipient: str = "r@reader.example", data: bytes = b"x: y\r\n\r\nz\r\n") -> Outgoing:
    return Outgoing(7, "b-7@bounces.example", recipient, data, not data.isascii())


def test_nothing_is_asked_for_that_was_not_offered() -> None:
    assert write_envelope(letter(data="é\r\n".encode()), Features()) == [
        b"MAIL FROM:<b-7@bounces.example>\r\n",
        b"RCPT TO:<r@reader.example>\r\n",
        b"DATA\r\n",
    ]


EVERYTHING = Features.offered({"pipelining": "", "8bitmime": "", "smtputf8": "", "dsn": "", "size": "1000"})


def test_a_size_beyond_all_sizes_is_none() -> None:
    assert Features.offered({"size": "9" * 20}).size_max == 10**20 - 1
    assert Features.offered({"size": "9" * 5_000}).size_max == 0


def test_nothing_is_asked_for_without_need() -> None:
    offered = Features.offered({"8bitmime": "", "smtputf8": "", "size": "1000"})
    assert write_envelope(letter(), offered) == write_envelope(letter(), Features())


def test_a_failure_is_to_name_the_letter_and_whom_it_was_for() -> None:
    commands = write_envelope(letter("a+b=c@reader.example"), EVERYTHING)
    assert commands == [
        b"MAIL FROM:<b-7@bounces.example> RET=HDRS ENVID=7\r\n",
        b"RCPT TO:<a+b=c@reader.example> NOTIFY=FAILURE ORCPT=rfc822;a+2Bb+3Dc@reader.example\r\n",
        b"DATA\r\n",
    ]


def test_an_8_bit_letter_to_a_local_part_beyond_ascii() -> None:
    commands = write_envelope(letter("é@reader.example", "To: é\r\n".encode()), EVERYTHING)
    assert isinstance(commands, list)
    assert commands[0] == b"MAIL FROM:<b-7@bounces.example> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=7\r\n"
    assert commands[1] == "RCPT TO:<é@reader.example> NOTIFY=FAILURE\r\n".encode()


def test_a_local_part_beyond_ascii_needs_its_extension() -> None:
    outcome = write_envelope(letter("é@reader.example"), Features(has_8bitmime=True))
    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.fault) == (OutcomeKind.REJECTED, Fault.UNSUPPORTED_ADDRESS)


def test_a_letter_larger_than_the_server_takes_is_refused_by_ourselves() -> None:
    outcome = write_envelope(letter(data=b"x" * 1001), EVERYTHING)
    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.fault, outcome.enhanced) == (OutcomeKind.REJECTED, Fault.CONTENT, "5.3.4")
    assert isinstance(write_envelope(letter(data=b"x" * 1000), EVERYTHING), list)


@pytest.mark.parametrize("size", ["", "0", "-5", "many", "²"])
def test_a_size_without_a_number_is_no_limit(size: str) -> None:
    assert isinstance(write_envelope(letter(data=b"x" * 9999), Features.offered({"size": size})), list)


@pytest.mark.parametrize("address", ["a@x.example", "a.b+c=d_'!#$%&*/?^`{|}~-@x-y.example", "é@reader.example"])
def test_addresses_for_the_wire_are_fit(address: str) -> None:
    assert find_unfit(letter(address)) is None


HOSTILE = ["a@x.example\n", "a@x.example>\r\nRCPT TO:<b@x", "a b@x.example", "@x.example", "a@-x.example", "a@b@c", ""]


@pytest.mark.parametrize("address", HOSTILE)
def test_what_could_break_out_is_unfit(address: str) -> None:
    outcome = find_unfit(letter(address))
    assert outcome is not None
    assert (outcome.kind, outcome.fault) == (OutcomeKind.REJECTED, Fault.CONTENT)
