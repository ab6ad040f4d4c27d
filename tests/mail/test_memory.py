"""The transports without a network."""

import io

from app.mail.memory import ConsoleTransport, MemoryTransport
from app.mail.transport import Outcome, OutcomeKind, Outgoing

LETTERS = [Outgoing(1, "b@bounces.example", "r@reader.example", "Subject: x\r\n\r\né\r\n".encode())]


def test_memory_keeps_what_it_accepts_only() -> None:
    refusing = MemoryTransport(lambda outgoing: Outcome(OutcomeKind.REJECTED, 550))
    assert [outcome.kind for _, outcome in refusing.send(LETTERS, lambda key: None)] == [OutcomeKind.REJECTED]
    accepting = MemoryTransport()
    list(accepting.send(LETTERS, lambda key: None))
    assert (refusing.sent, accepting.sent) == ([], LETTERS)


def test_the_console_shows_envelope_and_content() -> None:
    stream = io.StringIO()
    list(ConsoleTransport(stream).send(LETTERS, lambda key: None))
    assert stream.getvalue() == "MAIL FROM:<b@bounces.example> RCPT TO:<r@reader.example>\nSubject: x\n\né\n\n"
