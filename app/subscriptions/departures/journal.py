"""The journal of departures: one file of JSON lines for a database, outside it, so that it outlives a restore.

A line names nobody: the address is a keyed hash. Lines are numbered, added and never changed; they are on disk before
the database knows of them. A last line that is torn was never known, and is dropped by the next that is added.
"""

import fcntl
import json
import logging
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from app.subscriptions.kinds import SuppressionReason

log = logging.getLogger(__name__)

FORM = "vigie.departures.1"
#: The last line is looked for in so many bytes at the end of the file; no line is nearly as long.
TAIL_BYTES = 64 * 1024


@dataclass(frozen=True)
class Entry:
    """One departure: as `Departure` says it, with the address as a keyed hash."""

    at: datetime
    chain_id: str | None
    address_hmac: str | None
    newsletter_id: int | None
    reason: SuppressionReason | None
    is_restricted: bool | None = None

    @classmethod
    def read(cls, said: dict[str, str | int | None]) -> "Entry":
        """Return what a line says. Raises KeyError, TypeError or ValueError where it is none of ours."""
        reason, newsletter_id, restricted = said["reason"], said["newsletter"], said.get("restricted")
        return cls(
            at=datetime.fromisoformat(str(said["at"])),
            chain_id=_text(said["chain"]),
            address_hmac=_text(said["address"]),
            newsletter_id=None if newsletter_id is None else int(newsletter_id),
            reason=SuppressionReason(str(reason)) if reason else None,
            is_restricted=None if restricted is None else bool(restricted),
        )

    def line(self, number: int) -> bytes:
        """Return the line that says it."""
        said = {
            "n": number,
            "at": self.at.isoformat(),
            "chain": self.chain_id,
            "address": self.address_hmac,
            "newsletter": self.newsletter_id,
            "reason": self.reason.value if self.reason else None,
        }
        if self.is_restricted is not None:
            said["restricted"] = self.is_restricted
        return json.dumps(said, separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True)
class Journal:
    """One journal file; `journal_id` tells it from others of the same database, kept on other machines."""

    path: Path
    database_id: str
    journal_id: str

    def end(self) -> int:
        """Return the number of the last whole line."""
        with self.path.open("rb") as file:
            return _end(file)

    def entries(self, *, after: int) -> Iterator[tuple[int, Entry]]:
        """Yield the numbered departures after line `after`; a line that cannot be read is logged and passed over."""
        with self.path.open("rb") as file:
            next(file)
            for line in file:
                read = _numbered(line)
                if not line.endswith(b"\n"):
                    return  # torn, or being written at this moment
                if read is None:
                    log.error("a line of %s cannot be read: %.80r", self.path, line)
                elif read[0] > after:
                    yield read

    def count_damaged(self) -> int:
        """Return how many whole lines cannot be read."""
        with self.path.open("rb") as file:
            next(file)
            return sum(1 for line in file if line.endswith(b"\n") and _numbered(line) is None)

    def append(self, entries: Sequence[Entry]) -> int:
        """Add departures, wait until they are on disk, and return the number of the last."""
        with _locked(self.path.parent), self.path.open("r+b") as file:
            first = _end(file) + 1
            file.seek(_whole_bytes(file))
            file.truncate()
            file.writelines(entry.line(number) for number, entry in enumerate(entries, first))
            file.flush()
            os.fsync(file.fileno())
        return first + len(entries) - 1


def begin_journal(folder: Path, *, database_id: str, now: datetime) -> Journal:
    """Begin a journal for a database, readable by its owner only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    journal = Journal(
        folder / f"{database_id}.{secrets.token_urlsafe(6)}.jsonl", database_id, secrets.token_urlsafe(16)
    )
    with _locked(folder):
        _write(journal, dropped=0, begun_at=now.isoformat(), lines=[])
    return journal


def find_journals(folder: Path, database_id: str) -> list[Journal]:
    """Return the journals of one database in `folder`, by name; those of other databases are left alone."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as file:
            head = _head(file.readline())
        if head is None:
            log.error("%s is no journal of departures", path)
        elif head["database"] == database_id:
            found.append(Journal(path, database_id, str(head["journal"])))
    return found


def count_lines_before(folder: Path, before: datetime) -> tuple[int, datetime | None]:
    """Return how many lines in `folder` are older than `before`, and of when the oldest is."""
    times = [entry.at for journal in _all(folder) for _, entry in journal.entries(after=0) if entry.at < before]
    return len(times), min(times, default=None)


def drop_lines_before(folder: Path, before: datetime) -> int:
    """Write the journals in `folder` anew without lines older than `before`; return how many there were.

    The others keep their numbers. Lines stand in the order of their times, or nearly: where the first is young enough
    nothing is read.
    """
    dropped = 0
    for journal in _all(folder):
        _, oldest = next(journal.entries(after=0), (0, None))
        if oldest is None or oldest.at >= before:
            continue
        with _locked(folder):
            entries = list(journal.entries(after=0))
            kept = [(number, entry) for number, entry in entries if entry.at >= before]
            if len(kept) < len(entries):
                lines = [entry.line(number) for number, entry in kept]
                with journal.path.open("rb") as file:
                    begun_at = (_head(file.readline()) or {})["begun_at"]
                _write(journal, dropped=journal.end(), begun_at=str(begun_at), lines=lines)
                dropped += len(entries) - len(kept)
    return dropped


def _all(folder: Path) -> Iterator[Journal]:
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as file:
            head = _head(file.readline())
        if head is not None:
            yield Journal(path, str(head["database"]), str(head["journal"]))


def _write(journal: Journal, *, dropped: int, begun_at: str, lines: Sequence[bytes]) -> None:
    """Put a whole file in the place of the journal's; `dropped` is the number that was last, should no line be left."""
    head = {"form": FORM, "database": journal.database_id, "journal": journal.journal_id, "begun_at": begun_at,
            "dropped": dropped}  # fmt: skip
    new = journal.path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(json.dumps(head).encode() + b"\n")
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    new.replace(journal.path)
    folder = os.open(journal.path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _end(file: BinaryIO) -> int:
    whole = _whole_bytes(file)
    file.seek(max(0, whole - TAIL_BYTES))
    for line in reversed(file.read(min(whole, TAIL_BYTES)).splitlines()):
        if (read := _numbered(line)) is not None:
            return read[0]
        if (head := _head(line)) is not None:
            return int(head["dropped"] or 0)
    return 0


def _whole_bytes(file: BinaryIO) -> int:
    """Return where the last whole line ends."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL_BYTES))
    tail = file.read()
    return size - len(tail) + tail.rfind(b"\n") + 1


def _numbered(line: bytes) -> tuple[int, Entry] | None:
    try:
        said = json.loads(line)
        return int(said["n"]), Entry.read(said)
    except (ValueError, KeyError, TypeError):
        return None


def _head(line: bytes) -> dict[str, str | int] | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    is_ours = isinstance(said, dict) and said.get("form") == FORM
    return said if is_ours else None


def _text(value: str | int | None) -> str | None:
    return None if value is None else str(value)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder against other processes of this machine."""
    with (folder / ".lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
