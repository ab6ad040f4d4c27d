"""Runs of the pipelined transport, and a server that answers octet by octet as a test wants it."""

import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from app.mail.connection import Relay
from app.mail.pipeline import PipelinedTransport
from app.mail.transport import Outcome, OutcomeKind, Outgoing

#: Key and certificate for 127.0.0.1, made for these tests and worth nothing.
CERTIFICATE = str(Path(__file__).with_name("loopback.pem"))
PIPELINING = ("PIPELINING",)


def letters(count: int, data: bytes = b"x: y\r\n\r\nz\r\n") -> list[Outgoing]:
    return [Outgoing(key, f"b-{key}@bounces.example", f"r{key}@reader.example", data) for key in range(count)]


def relay(port: int, **settings: object) -> Relay:
    usual = {"command_timeout_s": 5.0, "data_timeout_s": 5.0, "ehlo_name": "sender.example", "ca_file": CERTIFICATE}
    return Relay(server="127.0.0.1", port=port, **{**usual, **settings})  # type: ignore[arg-type]


class Sending:
    """One run: its outcomes by key, and the order in which content left."""

    def __init__(
        self, port: int, messages: Iterable[Outgoing | None], connections: int = 1, **settings: object
    ) -> None:
        self.started: list[int] = []
        transport = PipelinedTransport(relay(port, **settings), connections)
        outcomes = list(transport.send(messages, self.started.append))
        self.outcomes: dict[int, Outcome] = dict(outcomes)
        assert len(self.outcomes) == len(outcomes)

    @property
    def kinds(self) -> list[OutcomeKind]:
        return [self.outcomes[key].kind for key in sorted(self.outcomes)]


class Peer:
    """A server that does just what `play` does with its one connection, after EHLO."""

    def __init__(self, play: Callable[[socket.socket], None], offers: bytes = b"250-PIPELINING\r\n") -> None:
        self._play = play
        self._offers = offers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)
        self.heard: list[bytes] = []

    def __enter__(self) -> "Peer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _serve(self) -> None:
        accepted, _ = self._listener.accept()
        self._listener.close()
        with accepted:
            accepted.settimeout(5)
            accepted.sendall(b"220 mx\r\n")
            accepted.recv(1000)
            accepted.sendall(b"250-mx\r\n" + self._offers + b"250 8BITMIME\r\n")
            self._play(accepted)

    def hear(self, accepted: socket.socket, replies: bytes) -> None:
        self.heard.append(accepted.recv(65_536))
        accepted.sendall(replies)
