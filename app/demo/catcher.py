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
    """Caught letters as `.eml` files, newest first; names sort by arrival."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._serial = count()
        self._names = sorted(path.name for path in folder.glob("*.eml"))

    def put(self, data: bytes) -> None:
        """Keep one letter, and drop the oldest beyond the limit."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        name = f"{stamp}-{next(self._serial):06d}.eml"
        (self._folder / name).write_bytes(data)
        self._names.append(name)
        while len(self._names) > KEPT_LETTERS:
            (self._folder / self._names.pop(0)).unlink(missing_ok=True)

    def letters(self, limit: int) -> Iterator[tuple[str, EmailMessage]]:
        """Yield (name, message) of the newest `limit` letters."""
        for name in reversed(self._names[-limit:]):
            if (message := self.letter(name)) is not None:
                yield name, message

    def letter(self, name: str) -> EmailMessage | None:
        """Return one letter by its name, or None where there is none."""
        data = self.source(name)
        return message_from_bytes(data, policy=policy.default) if data is not None else None

    def source(self, name: str) -> bytes | None:
        """Return one letter's bytes."""
        return (self._folder / name).read_bytes() if name in self._names else None


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
