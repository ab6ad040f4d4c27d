"""A fast SMTP sink on loopback: takes every letter, looks only for the final dot, and counts.

    python bench/sink.py --port 2525 --counter FILE                  as fast as asyncio goes (uvloop, where installed)
    python bench/sink.py --port 2525 --counter FILE --tally LINES    writes down each letter before it answers 250
    python bench/sink.py --port 2525 --counter FILE --keep FOLDER    keeps each letter as a file

The counter is a file of 16 octets that others may read at any time (`read_counter`). A tally has one line for each
accepted letter and recipient, recipient and Message-ID with a tab between, and is on disk as far as the answers went.
It believes every client: no sizes, no addresses, no order of commands is checked.
"""

import argparse
import asyncio
import mmap
import re
import signal
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

try:
    from uvloop import run
except ImportError:  # it is three times as fast, not needed
    from asyncio import run

GREETING = b"220 sink.example ESMTP\r\n"
EHLO_REPLY = b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n"
GO_AHEAD = b"354 End with a dot\r\n"
GRANTED = b"250 2.0.0 Ok\r\n"
GOODBYE = b"221 2.0.0 Bye\r\n"

FINAL_DOT = b"\r\n.\r\n"
#: So much of an unfinished letter may be the beginning of a final dot.
OVERLAP = len(FINAL_DOT) - 1

COUNTER = struct.Struct("<QQ")
MESSAGE_ID = re.compile(rb"(?im)^message-id:\s*(\S+)")


class Counter:
    """Letters and octets received, in a file that other processes see change."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(COUNTER.size))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), COUNTER.size)
        self.letters = 0
        self.octets = 0

    def publish(self) -> None:
        """Let the others see it."""
        COUNTER.pack_into(self._memory, 0, self.letters, self.octets)


def read_counter(path: Path) -> tuple[int, int]:
    """Return the letters and the octets that the sink of this counter has received so far, commands included."""
    letters, octets = COUNTER.unpack(path.read_bytes())
    return letters, octets


class CountingSession(asyncio.Protocol):
    """One connection. `_rest` is what the last read left: an incomplete command, or the end of an unfinished letter."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._rest = b""
        self._searched = 0
        self._is_letter = False
        self._is_leaving = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Greet."""
        self._transport = transport
        transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        """Take one read: a part of a letter, or any number of commands and letters."""
        self._counter.octets += len(data)
        replies = b""
        if self._rest:
            data = self._rest + data
        at = 0
        while True:
            if self._is_letter:
                end = data.find(FINAL_DOT, at + self._searched)
                if end < 0:
                    self._rest, self._searched = self._unfinished(data, at)
                    break
                self._take(data, at, end)
                replies += GRANTED
                self._is_letter, self._searched = False, 0
                at = end + len(FINAL_DOT)
            else:
                end = data.find(b"\n", at)
                if end < 0:
                    self._rest = data[at:]
                    break
                replies += (reply := self._answer(data[at:end]))
                self._is_letter = reply is GO_AHEAD
                # The line end of DATA begins the final dot of an empty letter (RFC 5321 §4.1.1.4).
                at = end - 1 if self._is_letter else end + 1
        if replies:
            self._transport.write(replies)
        if self._is_leaving:
            self._transport.close()

    def _answer(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"DATA":
            return GO_AHEAD
        if verb == b"QUIT":
            self._is_leaving = True
            return GOODBYE
        return EHLO_REPLY if verb == b"EHLO" else GRANTED

    def _unfinished(self, data: bytes, _at: int) -> tuple[bytes, int]:
        """Return what must be kept of the letter that begins at `_at`, and how much of that need not be looked at."""
        return data[-OVERLAP:], 0

    def _take(self, _data: bytes, _at: int, _end: int) -> None:
        self._counter.letters += 1
        self._counter.publish()


class RecordingSession(CountingSession):
    """Hands each whole letter to `record`, with its recipients, before it is accepted."""

    def __init__(self, counter: Counter, record: Callable[[list[str], bytes], None]) -> None:
        super().__init__(counter)
        self._record = record
        self._recipients: list[str] = []

    def _answer(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"RCPT":
            self._recipients.append(line[line.index(b"<") + 1 : line.rindex(b">")].decode())
        elif verb in {b"MAIL", b"RSET", b"EHLO", b"HELO"}:
            self._recipients = []
        return super()._answer(line)

    def _unfinished(self, data: bytes, at: int) -> tuple[bytes, int]:
        return data[at:], max(len(data) - at - OVERLAP, 0)

    def _take(self, data: bytes, at: int, end: int) -> None:
        # Without the line end of DATA before it; the final dot's own line end belongs to the letter.
        self._record(self._recipients, data[at + 2 : end + 2])
        self._recipients = []
        super()._take(data, at, end)


class Tally:
    """Writes a line for each recipient of each letter."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def __call__(self, recipients: list[str], letter: bytes) -> None:
        """Write the lines, and see to it that they outlive this process."""
        header = letter[: letter.find(b"\r\n\r\n")]
        found = MESSAGE_ID.search(header)
        message_id = found[1].decode() if found else ""
        self._file.write("".join(f"{recipient}\t{message_id}\n" for recipient in recipients))
        self._file.flush()


class Folder:
    """Keeps each letter as a file of its own, named in the order of arrival."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = 0

    def __call__(self, _recipients: list[str], letter: bytes) -> None:
        """Write one letter as it was before its dots were doubled for the wire."""
        self._kept += 1
        (self._path / f"{self._kept:06d}.eml").write_bytes(letter.replace(b"\r\n..", b"\r\n."))


async def serve(port: int, session: Callable[[], asyncio.Protocol]) -> None:
    """Take letters until SIGINT or SIGTERM."""
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end.set)
    server = await loop.create_server(session, "127.0.0.1", port, backlog=1000)
    await end.wait()
    server.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--counter", type=Path, required=True, help="a file to make, of 16 octets")
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--tally", type=Path, help="a file to append to")
    modes.add_argument("--keep", type=Path, help="an existing folder")
    arguments = parser.parse_args()
    counter = Counter(arguments.counter)
    with suppress(KeyboardInterrupt):
        if arguments.tally:
            with arguments.tally.open("a", encoding="utf-8") as file:
                tally = Tally(file)
                run(serve(arguments.port, lambda: RecordingSession(counter, tally)))
        elif arguments.keep:
            folder = Folder(arguments.keep)
            run(serve(arguments.port, lambda: RecordingSession(counter, folder)))
        else:
            run(serve(arguments.port, lambda: CountingSession(counter)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
