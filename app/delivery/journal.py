"""What one engine did with the copies in hand, on local disk: the truth that a kill leaves behind.

One file per claim, named after its owner. A lock on the file tells that the owner lives. A record is one line, written
by one system call before (`started`) or after (`ended`) the network: it survives the process. After a crash of the
whole machine, which shows in the boot id, an absent record proves nothing.
"""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from app.mail.transport import Fault, Outcome, OutcomeKind

_SUFFIX = ".journal"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Journal:
    """The journal of one owner while it works; leaving the context gives up the lock, `discard` the file too."""

    def __init__(self, folder: Path, owner: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / f"{owner}{_SUFFIX}"
        # Under its name only once locked and headed: no one takes a journal in the making for one left behind.
        nascent = self._path.with_suffix(".new")
        self._file = os.open(nascent, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._write({"boot": boot_id()})
        nascent.rename(self._path)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._file)

    def started(self, key: int, attempt: int) -> None:
        """Record that the content of a copy is about to leave."""
        self._write({"key": key, "attempt": attempt})

    def ended(self, key: int, attempt: int, outcome: Outcome) -> None:
        """Record what came of a copy."""
        self._write({"key": key, "attempt": attempt, "outcome": _dump(outcome)})

    def discard(self) -> None:
        """Delete the file: all it says is in the database."""
        self._path.unlink(missing_ok=True)

    def _write(self, record: dict[str, object]) -> None:
        line = json.dumps(record).encode("ascii") + b"\n"
        if os.write(self._file, line) != len(line):
            raise OSError(errno.ENOSPC, "the journal cannot be written in full", str(self._path))


@dataclass
class Record:
    """What a journal tells: the outcome of each claim that began, or None where the end is missing.

    `is_complete`: a claim without an entry never began. Not so when the machine itself went down since.
    """

    owner: str
    is_complete: bool = False
    outcomes: dict[tuple[int, int], Outcome | None] = field(default_factory=dict)


@contextmanager
def opened_if_abandoned(path: Path) -> Iterator[Record | None]:
    """Yield the record of a journal whose owner is gone, locked against other readers, and delete it at the end.

    Yield None where the owner lives or another process reads it. Where the body raises, the file stays.
    """
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield None
        return
    try:
        if not _locked(file):
            yield None
            return
        yield _read(path.stem, file)
        path.unlink()
    finally:
        os.close(file)


def journals(folder: Path) -> list[Path]:
    """Return the journals in `folder`, oldest owner first."""
    return sorted(folder.glob(f"*{_SUFFIX}"))


def boot_id() -> str:
    """Return what names this run of the machine, or "" where the system does not tell."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(file).st_nlink > 0  # else another reader finished with it meanwhile


def _read(owner: str, file: int) -> Record:
    record = Record(owner)
    with os.fdopen(os.dup(file), "rb") as lines:
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # torn off by the kill
            if "boot" in entry:
                record.is_complete = bool(entry["boot"]) and entry["boot"] == boot_id()
            else:
                outcome = _load(entry["outcome"]) if "outcome" in entry else None
                record.outcomes[entry["key"], entry["attempt"]] = outcome
    return record


def _dump(outcome: Outcome) -> dict[str, object]:
    return {"kind": outcome.kind, "code": outcome.code, "enhanced": outcome.enhanced, "text": outcome.text,
            "fault": outcome.fault}  # fmt: skip


def _load(entry: dict[str, str]) -> Outcome:
    fault = entry["fault"]
    code = entry["code"]
    return Outcome(
        OutcomeKind(entry["kind"]),
        None if code is None else int(code),
        entry["enhanced"],
        entry["text"],
        None if fault is None else Fault(fault),
    )
