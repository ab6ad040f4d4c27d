"""A small SMTP server whose every reply can be scripted, to meet servers as they are: down, mute, rude, half dead."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

#: Instead of a reply: say nothing until the server stops; close without a word.
HANG = "HANG"
CLOSE = "CLOSE"

#: Verbs and their replies.
Script = Mapping[str, str | list[str]]

USUAL = {
    "greeting": "220 mx.reader.example ready",
    "ehlo": "250-mx.reader.example\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES",
    "starttls": "220 go ahead",
    "auth": "235 2.7.0 welcome",
    "mail": "250 2.1.0 ok",
    "rcpt": "250 2.1.5 ok",
    "data": "354 go on",
    "content": "250 2.0.0 taken",
    "rset": "250 2.0.0 ok",
    "quit": "221 2.0.0 bye",
    "nested": "503 5.5.1 a transaction is open",
    "no-sender": "503 5.5.1 MAIL first",
    "block": "",
    "no-recipient": "554 5.5.1 no valid recipients",
    "lone-dot": "554 5.5.1 nobody to have it",
}


@dataclass(frozen=True)
class Taken:
    """A letter that got its 250; `data` is what its sender meant, dots unstuffed."""

    sender: str
    recipient: str
    data: bytes


class ScriptedServer:
    """Listens on loopback. `script` maps a verb to its reply, or to replies in turn of which the last repeats.

    `later` is for connections after the first, where they differ. `block` is said into the midst of a letter.
    `offers` are put into every good reply to EHLO. Commands out of their order get the replies `nested`, `no-sender`
    and `no-recipient`. `lone_dots` counts the messages that nobody was to have.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        is_tls_from_start: bool = False,
        split: bool = False,
        offers: tuple[str, ...] = (),
        later: Script | None = None,
    ) -> None:
        self._first = _in_turn({**USUAL, **(script or {})})
        self._later = {**self._first, **_in_turn(later or {})}
        self.tls = tls
        self.is_tls_from_start = is_tls_from_start
        self.is_split = split
        self.offers = offers
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self.taken: list[Taken] = []
        self.commands: list[str] = []
        self.connections = 0
        self.lone_dots = 0
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> "ScriptedServer":
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            script = self._later if self.connections else self._first
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection, script))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, script: dict[str, list[str]]) -> None:
        try:
            with suppress(OSError, _Gone):
                _Dialogue(self, connection, script).run()
        finally:
            connection.close()

    def wait_to_stop(self) -> None:
        self._stop.wait()


class _Gone(Exception):
    """The dialogue ends here."""


class _Dialogue:
    def __init__(self, server: ScriptedServer, connection: socket.socket, script: dict[str, list[str]]) -> None:
        self._server = server
        self._script = script
        self._connection = connection
        self._connection.settimeout(20)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._connection.makefile("rb")
        self._sender = self._recipient = ""

    def run(self) -> None:
        try:
            if self._server.is_tls_from_start:
                self._secure()
            self._reply("greeting")
            for line in self._received():
                self._server.commands.append(line)
                self._obey(line)
        finally:
            self._lines.close()
            self._connection.close()

    def _received(self) -> Iterator[str]:
        while line := self._lines.readline():
            yield line.decode("utf-8").rstrip("\r\n")

    def _obey(self, line: str) -> None:
        verb = line.split(" ", maxsplit=1)[0].lower()
        reply = self._reply(self._answered_as(verb))
        path = line.partition("<")[2].partition(">")[0]
        if verb in {"ehlo", "rset"}:
            self._sender = self._recipient = ""
        elif verb == "mail" and reply.startswith("2"):
            self._sender = path
        elif verb == "rcpt" and reply.startswith("2"):
            self._recipient = path
        elif verb == "data" and reply.startswith("354"):
            self._take()
        elif verb == "starttls" and reply.startswith("220"):
            self._secure()
        elif verb == "quit":
            raise _Gone

    def _answered_as(self, verb: str) -> str:
        if verb == "mail" and self._sender:
            return "nested"
        if verb == "rcpt" and not self._sender:
            return "no-sender"
        if verb == "data" and not self._recipient:
            return "no-recipient"
        return verb

    def _take(self) -> None:
        if self._script["block"] != [""]:
            self._lines.readline()
            self._reply("block")
            raise _Gone
        lines = []
        while (line := self._lines.readline()) != b".\r\n":
            if not line:
                raise _Gone
            lines.append(line[1:] if line.startswith(b".") else line)
        taken = Taken(self._sender, self._recipient, b"".join(lines))
        self._sender = self._recipient = ""
        if not taken.recipient:
            self._server.lone_dots += 1
            self._reply("lone-dot")
        elif self._reply("content").startswith("250"):
            self._server.taken.append(taken)

    def _secure(self) -> None:
        tls = self._server.tls
        assert tls is not None
        self._lines.close()
        self._connection = tls.wrap_socket(self._connection, server_side=True)
        self._lines = self._connection.makefile("rb")

    def _reply(self, verb: str) -> str:
        replies = self._script.get(verb, ["502 5.5.1 what?"])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply == HANG:
            self._server.wait_to_stop()
        if reply in {HANG, CLOSE}:
            raise _Gone
        said = _with_offers(reply, self._server.offers) if verb == "ehlo" and reply.startswith("250") else reply
        self._say(said.encode("utf-8") + b"\r\n")
        if reply.startswith("421"):
            raise _Gone
        return reply

    def _say(self, data: bytes) -> None:
        size = 1 if self._server.is_split else len(data)
        for start in range(0, len(data), size):
            self._connection.sendall(data[start : start + size])
            time.sleep(0.0005 if self._server.is_split else 0)


def _in_turn(script: Script) -> dict[str, list[str]]:
    return {verb: [reply] if isinstance(reply, str) else list(reply) for verb, reply in script.items()}


def _with_offers(reply: str, offers: tuple[str, ...]) -> str:
    """Return a reply to EHLO that has more lines; the first one only names the server."""
    first, *others = [line[4:] for line in reply.split("\r\n")]
    *texts, last = [first, *offers, *others]
    return "\r\n".join([*(f"250-{text}" for text in texts), f"250 {last}"])
