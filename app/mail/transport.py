"""What a transport is: it takes messages and gives back one outcome each.

A remote refusal is a value, never an exception.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

#: How long a transport with nothing to do waits until it asks for a letter again.
ASK_AGAIN_S = 0.02


class OutcomeKind(StrEnum):
    """What one attempt showed. `uncertain`: the final dot was sent and its reply never came (RFC 1047)."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"


class Fault(StrEnum):
    """Whose fault a refusal is; only an `address` fault says that the reader's address is dead.

    `mailbox`: full or disabled. `destination`: the reader's server, or the way there. `host`: the server we talk to.
    """

    ADDRESS = "address"
    MAILBOX = "mailbox"
    SENDER = "sender"
    CONTENT = "content"
    DESTINATION = "destination"
    HOST = "host"
    AUTHENTICATION = "authentication"
    UNSUPPORTED_ADDRESS = "unsupported-address"


class Outgoing(NamedTuple):
    """A message ready for the wire. `key` is the caller's; `data` goes as it is, the final dot behind it.

    So `data` has CRLF line ends, the last line's too, and no line of it begins with a dot (RFC 5321 §4.5.2).
    `is_8bit`: it is more than ASCII.
    """

    key: int
    sender: str
    recipient: str
    data: bytes
    is_8bit: bool = False


@dataclass(frozen=True)
class Outcome:
    """What one attempt showed; `text` is the server's reply, or our own words where none came.

    `names_recipient`: it came after the recipient was named, so that it may be about this letter alone.
    """

    kind: OutcomeKind
    code: int | None = None
    enhanced: str | None = None
    text: str = ""
    fault: Fault | None = None
    names_recipient: bool = False

    @property
    def concerns_route(self) -> bool:
        """Whether the fault is the server's or our set-up's, so that every other letter would meet it too."""
        return self.kind is not OutcomeKind.ACCEPTED and self.fault in {Fault.HOST, Fault.AUTHENTICATION}


class Transport(Protocol):
    """Takes messages one after another and yields one (key, outcome) for each, in any order.

    `on_start` is called with a message's key before its content leaves: from then on, until its outcome, a crash
    leaves that copy uncertain.
    """

    def send(
        self, messages: Iterable[Outgoing | None], on_start: Callable[[int], None]
    ) -> Iterator[tuple[int, Outcome]]:
        """Send `messages`, pulling each only when it can go at once; None says that there will be more later.

        When they end, finish what is in hand. Never raises for what a server does.
        """
        ...


def await_each(messages: Iterable[Outgoing | None]) -> Iterator[Outgoing]:
    """Yield the messages, for a transport that has nothing to do until the next one comes."""
    for outgoing in messages:
        if outgoing is None:
            time.sleep(ASK_AGAIN_S)
        else:
            yield outgoing
