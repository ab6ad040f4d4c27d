"""The journal on disk: what a kill leaves, and who may read it."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.delivery import journal as journal_module
from app.delivery.claims import ClaimedChunk, Copy
from app.delivery.journal import Entry, Journal, Record, journals, opened_if_abandoned
from app.mail.transport import Fault, Outcome, OutcomeKind
from tests.conftest import NOW

ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "queued as 4F2A91")
REJECTED = Outcome(OutcomeKind.REJECTED, 550, "5.1.1", "inconnu à cette adresse\nau revoir", Fault.ADDRESS)
NAMED = Outcome(OutcomeKind.DEFERRED, text="refused", fault=Fault.HOST, names_recipient=True)


def copies_of(count: int) -> Sequence[Copy]:
    chunk = ClaimedChunk(7, 0, "note", 5, None, None, None, NOW)
    return [Copy(key, chunk, 1, None, None, None, key == 2) for key in range(1, count + 1)]


def left_behind(folder: Path, owner: str = "dead") -> Path:
    """A journal with two copies ended, one begun, one not."""
    journal = Journal(folder, owner)
    journal.open_slots(copies_of(4))
    for key in (1, 2, 3):
        journal.begin(key)
    journal.end(1, REJECTED)
    journal.end(2, ACCEPTED)
    journal.close()
    return folder / f"{owner}.journal"


def read(path: Path) -> Record | None:
    with opened_if_abandoned(path) as record:
        return record


def entries(path: Path) -> list[Entry]:
    record = read(path)
    assert record is not None
    return record.entries


def test_what_was_noted_is_read_back(tmp_path: Path) -> None:
    assert entries(left_behind(tmp_path)) == [
        Entry(1, 7, 1, False, True, REJECTED),
        Entry(2, 7, 1, True, True, ACCEPTED),
        Entry(3, 7, 1, False, True, None),
        Entry(4, 7, 1, False, False, None),
    ]


@pytest.mark.parametrize("text", ["x" * 1000, "é" * 1000, '"\\' * 500, "\x00\x01" * 100])
def test_a_long_text_is_cut_to_its_slot(tmp_path: Path, text: str) -> None:
    journal = Journal(tmp_path, "dead")
    journal.open_slots(copies_of(2))
    journal.end(1, Outcome(OutcomeKind.REJECTED, 550, "5.7.26", text, Fault.UNSUPPORTED_ADDRESS, names_recipient=True))
    journal.close()
    first, second = entries(tmp_path / "dead.journal")
    assert first.outcome is not None
    assert text.startswith(first.outcome.text)
    assert len(first.outcome.text) >= 15
    assert first.outcome.names_recipient
    assert (second.key, second.has_begun) == (2, False)


def test_an_outcome_keeps_whether_its_recipient_was_named(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "dead")
    journal.open_slots(copies_of(1))
    journal.end(1, NAMED)
    journal.close()
    assert entries(tmp_path / "dead.journal")[0].outcome == NAMED


@pytest.mark.parametrize("octets", [0, 10, 256, 300, 256 * 3 - 1])
def test_a_torn_file_tells_what_is_whole(tmp_path: Path, octets: int) -> None:
    path = left_behind(tmp_path)
    os.truncate(path, octets)
    record = read(path)
    assert record is not None
    assert len(record.entries) == max(0, octets // 256 - 1)
    assert record.is_complete is (octets >= 256 and bool(journal_module.boot_id()))


def test_a_living_owners_journal_is_not_opened(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "alive")
    assert read(journals(tmp_path)[0]) is None
    journal.close()
    assert read(journals(tmp_path)[0]) is not None


def test_a_journal_is_read_by_one_at_a_time_and_once(tmp_path: Path) -> None:
    path = left_behind(tmp_path)
    with opened_if_abandoned(path) as first, opened_if_abandoned(path) as second:
        assert first is not None
        assert second is None
    assert read(path) is None
    assert journals(tmp_path) == []


def test_a_journal_stays_when_its_replay_fails(tmp_path: Path) -> None:
    path = left_behind(tmp_path)
    with pytest.raises(RuntimeError), opened_if_abandoned(path):
        raise RuntimeError("database away")
    assert read(path) is not None


@pytest.mark.parametrize("boot", ["another boot", ""])
def test_silence_proves_nothing_after_the_machine_went_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boot: str
) -> None:
    path = left_behind(tmp_path)
    monkeypatch.setattr(journal_module, "boot_id", lambda: boot)
    record = read(path)
    assert record is not None
    assert not record.is_complete


@pytest.mark.skipif(not journal_module.boot_id(), reason="this system names no boot")
def test_silence_proves_that_nothing_began_while_the_machine_stayed_up(tmp_path: Path) -> None:
    record = read(left_behind(tmp_path))
    assert record is not None
    assert record.is_complete


def test_a_full_disk_shows_before_the_first_letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, "dead")

    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="space"):
        journal.open_slots(copies_of(3))
    journal.close()


def test_a_journal_that_cannot_be_begun_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []

    def full(file: int, data: bytes) -> int:
        opened.append(file)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="space"):
        Journal(tmp_path, "dead")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(opened[0])


def test_discarding_leaves_nothing_and_closing_twice_is_harmless(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "done")
    journal.open_slots(copies_of(3))
    journal.close(discard=True)
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_of_the_files_may_read_them(tmp_path: Path) -> None:
    path = left_behind(tmp_path / "journal")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
