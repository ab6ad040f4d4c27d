"""Transports without a network: one that keeps what it is given, one that prints it. For tests and trials."""

from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from app.mail.transport import Outcome, OutcomeKind, Outgoing, await_each

ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "kept")


class MemoryTransport:
    """Keeps what it accepts in `sent`; `answer` decides on each message, and accepts all by default."""

    def __init__(self, answer: Callable[[Outgoing], Outcome] = lambda outgoing: ACCEPTED) -> None:
        self.sent: list[Outgoing] = []
        self._answer = answer

    def send(
        self, messages: Iterable[Outgoing | None], on_start: Callable[[int], None]
    ) -> Iterator[tuple[int, Outcome]]:
        """Answer each message in turn."""
        for outgoing in await_each(messages):
            on_start(outgoing.key)
            outcome = self._answer(outgoing)
            if outcome.kind is OutcomeKind.ACCEPTED:
                self.sent.append(outgoing)
            yield outgoing.key, outcome


class ConsoleTransport:
    """Writes each message to `stream` and accepts it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def send(
        self, messages: Iterable[Outgoing | None], on_start: Callable[[int], None]
    ) -> Iterator[tuple[int, Outcome]]:
        """Print each message in turn, envelope first."""
        for outgoing in await_each(messages):
            on_start(outgoing.key)
            text = outgoing.data.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
            self._stream.write(f"MAIL FROM:<{outgoing.sender}> RCPT TO:<{outgoing.recipient}>\n{text}\n")
            self._stream.flush()
            yield outgoing.key, ACCEPTED
