"""A local SMTP server that delivers to a folder instead of to people."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

#: Older letters give way, so that a trial of 100,000 readers doesn't fill the disk.
KEPT_LETTERS = 500


class Mailbox:
    """Caught letters as `.eml` files, names sorted by arrival; one process writes the folder, another reads it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # links in letters act for their readers
        self._serial = count()

    def put(self, data: bytes) -> None:
        """Keep one letter, and drop the oldest beyond the limit."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        unfinished = self._folder / "unfinished"
        unfinished.write_bytes(data)
        unfinished.rename(self._folder / f"{stamp}-{next(self._serial):06d}.eml")
        for name in self._names()[:-KEPT_LETTERS]:
            (self._folder / name).unlink(missing_ok=True)

    def letters(self, limit: int) -> Iterator[tuple[str, EmailMessage]]:
        """Yield (name, message) of the newest `limit` letters, newest first."""
        for name in reversed(self._names()[-limit:]):
            if (message := self.letter(name)) is not None:
                yield name, message

    def letter(self, name: str) -> EmailMessage | None:
        """Return one letter by its name, or None where there is none."""
        data = self.source(name)
        return message_from_bytes(data, policy=policy.default) if data is not None else None

    def source(self, name: str) -> bytes | None:
        """Return one letter's bytes."""
        return (self._folder / name).read_bytes() if name in self._names() else None

    def _names(self) -> list[str]:
        return sorted(path.name for path in self._folder.glob("*.eml"))


class _Handler:
    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content or b""
        self._mailbox.put(content if isinstance(content, bytes) else content.encode())
        return "250 2.0.0 Caught"


def make_catcher(mailbox: Mailbox, port: int) -> Controller:
    """Return a catcher for 127.0.0.1:`port`, not yet started."""
    return Controller(_Handler(mailbox), hostname="127.0.0.1", port=port, ready_timeout=30, ident="catcher")
