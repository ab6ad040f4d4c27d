"""A small SMTP server whose every reply can be scripted, to meet servers as they are: down, mute, rude, half dead."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

#: Instead of a reply: say nothing until the server stops; close without a word.
HANG = "HANG"
CLOSE = "CLOSE"

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
}


@dataclass(frozen=True)
class Taken:
    """A letter that got its 250; `data` is what its sender meant, dots unstuffed."""

    sender: str
    recipient: str
    data: bytes


class ScriptedServer:
    """Listens on loopback. `script` maps a verb to its reply, or to replies in turn of which the last repeats."""

    def __init__(
        self,
        script: dict[str, str | list[str]] | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        is_tls_from_start: bool = False,
        split: bool = False,
    ) -> None:
        self._script = {verb: [reply] if isinstance(reply, str) else list(reply) for verb, reply in USUAL.items()}
        for verb, reply in (script or {}).items():
            self._script[verb] = [reply] if isinstance(reply, str) else list(reply)
        self.tls = tls
        self.is_tls_from_start = is_tls_from_start
        self.is_split = split
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self.taken: list[Taken] = []
        self.commands: list[str] = []
        self.connections = 0
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
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with suppress(OSError, _Gone):
                _Dialogue(self, connection).run()
        finally:
            connection.close()

    def next_reply(self, verb: str) -> str:
        replies = self._script.get(verb, ["502 5.5.1 what?"])
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def wait_to_stop(self) -> None:
        self._stop.wait()


class _Gone(Exception):
    """The dialogue ends here."""


class _Dialogue:
    def __init__(self, server: ScriptedServer, connection: socket.socket) -> None:
        self._server = server
        self._connection = connection
        self._connection.settimeout(20)
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
        if verb == "mail":
            self._sender = line.partition("<")[2].partition(">")[0]
        elif verb == "rcpt":
            self._recipient = line.partition("<")[2].partition(">")[0]
        reply = self._reply(verb)
        if verb == "data" and reply.startswith("354"):
            self._take()
        elif verb == "starttls" and reply.startswith("220"):
            self._secure()
        elif verb == "quit":
            raise _Gone

    def _take(self) -> None:
        if self._server.next_reply("block") == CLOSE:
            self._lines.readline()
            raise _Gone
        lines = []
        while (line := self._lines.readline()) != b".\r\n":
            if not line:
                raise _Gone
            lines.append(line[1:] if line.startswith(b".") else line)
        if self._reply("content").startswith("250"):
            self._server.taken.append(Taken(self._sender, self._recipient, b"".join(lines)))

    def _secure(self) -> None:
        tls = self._server.tls
        assert tls is not None
        self._lines.close()
        self._connection = tls.wrap_socket(self._connection, server_side=True)
        self._lines = self._connection.makefile("rb")

    def _reply(self, verb: str) -> str:
        reply = self._server.next_reply(verb)
        if reply == HANG:
            self._server.wait_to_stop()
        if reply in {HANG, CLOSE}:
            raise _Gone
        self._say(reply.encode("utf-8") + b"\r\n")
        if reply.startswith("421"):
            raise _Gone
        return reply

    def _say(self, data: bytes) -> None:
        size = 1 if self._server.is_split else len(data)
        for start in range(0, len(data), size):
            self._connection.sendall(data[start : start + size])
            time.sleep(0.0005 if self._server.is_split else 0)
