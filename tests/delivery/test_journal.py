"""The journal on disk: what a kill leaves, and who may read it."""

import os
from pathlib import Path

import pytest

from app.delivery import journal as journal_module
from app.delivery.journal import Journal, Record, journals, opened_if_abandoned
from app.mail.transport import Fault, Outcome, OutcomeKind

REJECTED = Outcome(OutcomeKind.REJECTED, 550, "5.1.1", "inconnu à cette adresse\nau revoir", Fault.ADDRESS)
DEFERRED = Outcome(OutcomeKind.DEFERRED, text="refused")


def left_behind(folder: Path, owner: str = "dead") -> Path:
    """A journal with one copy ended, one begun."""
    with Journal(folder, owner) as journal:
        journal.started(1, 1)
        journal.ended(1, 1, REJECTED)
        journal.started(2, 3)
    [path] = journals(folder)
    return path


def read(path: Path) -> Record | None:
    with opened_if_abandoned(path) as record:
        return record


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    record = read(left_behind(tmp_path))
    assert record is not None
    assert record.owner == "dead"
    assert record.outcomes == {(1, 1): REJECTED, (2, 3): None}


def test_a_copy_begun_again_counts_by_its_last_record(tmp_path: Path) -> None:
    with Journal(tmp_path, "dead") as journal:
        journal.started(1, 1)
        journal.ended(1, 1, DEFERRED)
        journal.started(1, 1)
    record = read(journals(tmp_path)[0])
    assert record is not None
    assert record.outcomes == {(1, 1): None}


def test_a_torn_last_line_is_as_if_not_written(tmp_path: Path) -> None:
    path = left_behind(tmp_path)
    with path.open("ab") as file:
        file.write(b'{"key": 2, "attempt": 3, "outc')
    record = read(path)
    assert record is not None
    assert record.outcomes == {(1, 1): REJECTED, (2, 3): None}


def test_a_living_owners_journal_is_not_opened(tmp_path: Path) -> None:
    with Journal(tmp_path, "alive"):
        assert read(journals(tmp_path)[0]) is None
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


def test_silence_proves_nothing_after_the_machine_went_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = left_behind(tmp_path)
    monkeypatch.setattr(journal_module, "boot_id", lambda: "another boot")
    record = read(path)
    assert record is not None
    assert not record.is_complete


@pytest.mark.skipif(not journal_module.boot_id(), reason="this system names no boot")
def test_silence_proves_that_nothing_began_while_the_machine_stayed_up(tmp_path: Path) -> None:
    record = read(left_behind(tmp_path))
    assert record is not None
    assert record.is_complete


def test_silence_proves_nothing_where_the_system_names_no_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "boot_id", lambda: "")
    record = read(left_behind(tmp_path))
    assert record is not None
    assert not record.is_complete


def test_a_full_disk_is_an_error_not_a_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(tmp_path, "dead") as journal:
        monkeypatch.setattr(os, "write", lambda file, data: len(data) // 2)
        with pytest.raises(OSError, match="in full"):
            journal.started(1, 1)


def test_only_the_owner_of_the_files_may_read_them(tmp_path: Path) -> None:
    path = left_behind(tmp_path / "journal")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
