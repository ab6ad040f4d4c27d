"""One connection's socket, read and written without waiting, in clear or under TLS; it knows no letters."""

import selectors
import ssl
from contextlib import suppress
from typing import Any

from app.mail.connection import RECEIVE_OCTETS, Connection
from app.mail.reply_reader import Reply

_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Wire:
    """Watches `connection` through `selector`, whose events bear `owner` as their data."""

    def __init__(self, connection: Connection, selector: selectors.BaseSelector, owner: Any) -> None:
        self._connection = connection
        self._selector = selector
        self._owner = owner
        self._reader = connection.reader
        self._socket = connection.open_socket
        self._unsent = memoryview(b"")
        self._awaits_room = False
        self._socket.setblocking(False)
        selector.register(self._socket, selectors.EVENT_READ, owner)

    @property
    def unsent(self) -> int:
        """How many octets are still to be written."""
        return len(self._unsent)

    def write(self, data: bytes) -> None:
        """Write `data` behind what is still to be written: now what the socket takes, the rest by `flush`."""
        self._unsent = memoryview(bytes(self._unsent) + data if self._unsent else data)
        self.flush()

    def flush(self) -> None:
        """Write what the socket takes, and watch for room if that is not all."""
        awaits_room = False
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except ssl.SSLWantReadError:
            pass  # `receive` comes first, and then this again
        except _LATER:
            awaits_room = True
        except OSError:
            pass  # the end is to be read too, and before it what the server said last
        if awaits_room is not self._awaits_room:
            self._awaits_room = awaits_room
            self._selector.modify(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE * awaits_room, self._owner)

    def receive(self) -> list[Reply]:
        """Return the replies that have come. Raises OSError when none can come any more."""
        try:
            # More than a TLS record holds: what TLS kept back, the selector would not tell of.
            return self._reader.feed(self._socket.recv(RECEIVE_OCTETS))
        except _LATER:
            return []

    def close(self) -> None:
        """Close without a word."""
        self._selector.unregister(self._socket)
        with suppress(OSError):
            self._connection.close()
