"""What one engine did with the copies in hand, on local disk: the truth that a kill leaves behind.

One file per claim, named after its owner; a lock on the file tells that the owner lives. Each copy has a slot of fixed
size, written in full before the first letter goes (so a full disk shows before, not between) and mapped into memory:
noting a start or an outcome is then a few bytes copied, which survive the process. After a crash of the whole machine,
which shows in the boot id, a slot proves nothing that it does not say.
"""

import fcntl
import json
import mmap
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.delivery.claims import Copy
from app.mail.transport import Fault, Outcome, OutcomeKind

_SUFFIX = ".journal"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
#: Mark, delivery, chunk, attempt, whether it was uncertain before.
_COPY = struct.Struct("<BQQH?")
#: Octets of a slot; the first slot is the file's head. An outcome's text is cut to what fits.
_SLOT = 256
_NEW_SLOT = struct.Struct(f"{_COPY.format}{_SLOT - _COPY.size}x")
_STARTED, _ENDED = 1, 2


class Journal:
    """The journal of one owner while it works. Raises OSError where the disk has no room for it."""

    def __init__(self, folder: Path, owner: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / f"{owner}{_SUFFIX}"
        # Under its name only once locked and headed: no one takes a journal in the making for one left behind.
        nascent = self._path.with_suffix(".new")
        self._file = os.open(nascent, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._slots: dict[int, int] = {}
        self._map: mmap.mmap | None = None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self._write_in_full(json.dumps({"boot": boot_id()}).encode("ascii").ljust(_SLOT))
            nascent.rename(self._path)
        except OSError:
            nascent.unlink(missing_ok=True)
            self.close()
            raise

    def open_slots(self, copies: Sequence[Copy]) -> None:
        """Make room for all that can come of `copies`. Raises OSError where the disk has none."""
        self._write_in_full(b"".join(_slot_of(copy) for copy in copies))
        self._map = mmap.mmap(self._file, _SLOT * (len(copies) + 1))
        self._slots = {copy.id: _SLOT * place for place, copy in enumerate(copies, start=1)}

    def begin(self, key: int) -> None:
        """Note that the content of a copy is about to leave."""
        assert self._map is not None
        self._map[self._slots[key]] = _STARTED

    def end(self, key: int, outcome: Outcome) -> None:
        """Note what came of a copy; the mark is set last, so that a torn note is none."""
        assert self._map is not None
        at, told = self._slots[key], _dump(outcome)
        self._map[at + _COPY.size : at + _COPY.size + len(told)] = told
        self._map[at] = _ENDED

    def close(self, *, discard: bool = False) -> None:
        """Give up the lock; delete the file too where all it says is in the database. A second time does nothing."""
        if self._file < 0:
            return
        if discard:
            self._path.unlink(missing_ok=True)
        if self._map is not None:
            self._map.close()
        os.close(self._file)
        self._file = -1

    def _write_in_full(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._file, data) :]


@dataclass(frozen=True)
class Entry:
    """What a journal tells of one copy: whether it began, and the outcome of its try where one was told."""

    key: int
    chunk_id: int
    attempt: int
    was_uncertain: bool
    has_begun: bool
    outcome: Outcome | None


@dataclass
class Record:
    """What a journal tells. `is_complete`: what it does not tell did not happen; false once the machine went down."""

    owner: str
    is_complete: bool = False
    entries: list[Entry] = field(default_factory=list)


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
        yield _read(path.stem, path.read_bytes())
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


def _slot_of(copy: Copy) -> bytes:
    return _NEW_SLOT.pack(0, copy.id, copy.chunk.id, copy.attempt, copy.was_uncertain)


def _read(owner: str, data: bytes) -> Record:
    try:
        boot = json.loads(data[:_SLOT])["boot"]
    except ValueError:
        boot = ""  # its machine went down before the head was on disk
    whole_slots = range(_SLOT, len(data) - _SLOT + 1, _SLOT)
    entries = [_entry(data[at : at + _SLOT]) for at in whole_slots]
    return Record(owner, bool(boot) and boot == boot_id(), entries)


def _entry(slot: bytes) -> Entry:
    mark, key, chunk_id, attempt, was_uncertain = _COPY.unpack_from(slot)
    outcome = _load(slot[_COPY.size :].rstrip(b"\0")) if mark == _ENDED else None
    return Entry(key, chunk_id, attempt, was_uncertain, mark != 0, outcome)


def _dump(outcome: Outcome) -> bytes:
    """Return an outcome in what a slot holds; its text comes last, and is cut."""
    told = (outcome.kind.value, str(outcome.code or ""), outcome.enhanced or "", outcome.fault or "",
            "named" if outcome.names_recipient else "", outcome.text)  # fmt: skip
    return "\t".join(told).encode("utf-8", "replace")[: _SLOT - _COPY.size]


def _load(data: bytes) -> Outcome:
    kind, code, enhanced, fault, named, text = data.decode("utf-8", "ignore").split("\t", 5)
    return Outcome(
        OutcomeKind(kind), int(code) if code else None, enhanced or None, text, Fault(fault) if fault else None,
        names_recipient=bool(named),
    )  # fmt: skip
