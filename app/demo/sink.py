"""A fast SMTP server on loopback that keeps no letter and remembers who got which: what is told at the door of a drill.

It believes its client: no sizes, no addresses and no order of commands are checked.
"""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_GREETING = b"220 sink.example ESMTP\r\n"
_EHLO_REPLY = b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"
_GO_AHEAD = b"354 End with a dot\r\n"
_GRANTED = b"250 2.0.0 Ok\r\n"
_GOODBYE = b"221 2.0.0 Bye\r\n"
_FINAL_DOT = b"\r\n.\r\n"
_MESSAGE_ID = re.compile(rb"(?im)^message-id:\s*(\S+)")


class Tally:
    """What arrived: recipient and Message-ID of each letter, in the order of arrival."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str]] = []

    def note(self, recipient: str, message_id: str) -> None:
        """Remember one letter."""
        self.received.append((recipient, message_id))


@contextmanager
def running_sink(tally: Tally) -> Iterator[int]:
    """Take letters in a thread until the block ends, noting each in `tally` before it is accepted; yield the port."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: _Session(tally), "127.0.0.1", 0, backlog=100))
    thread = threading.Thread(target=loop.run_forever, name="drill-sink", daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


class _Session(asyncio.Protocol):
    """One connection. `_rest` is what the last read left: an incomplete command, or the beginning of a letter."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._rest = b""
        self._recipients: list[str] = []
        self._is_letter = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(_GREETING)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while True:
            # The line end of DATA may begin the final dot (RFC 5321 §4.1.1.4): it stays before the letter.
            end = _FINAL_DOT if self._is_letter else b"\r\n"
            taken, found, rest = self._rest.partition(end)
            if not found:
                return
            self._rest = rest
            if self._is_letter:
                self._take(taken)
            else:
                self._answer(taken)

    def _take(self, letter: bytes) -> None:
        self._is_letter = False
        found = _MESSAGE_ID.search(letter.partition(b"\r\n\r\n")[0])
        for recipient in self._recipients:
            self._tally.note(recipient, found[1].decode("ascii", "replace") if found else "")
        self._transport.write(_GRANTED)

    def _answer(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"DATA":
            self._is_letter, self._rest = True, b"\r\n" + self._rest
            self._transport.write(_GO_AHEAD)
            return
        if verb == b"RCPT":
            self._recipients.append(line.partition(b"<")[2].partition(b">")[0].decode("utf-8", "replace"))
        else:
            self._recipients = []
        self._transport.write({b"EHLO": _EHLO_REPLY, b"QUIT": _GOODBYE}.get(verb, _GRANTED))
        if verb == b"QUIT":
            self._transport.close()
