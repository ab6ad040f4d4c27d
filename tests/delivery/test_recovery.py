"""What is made of the copies of dead senders, from rows and journals."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy.orm import Session

from app.db import Database
from app.delivery import journal as journal_module
from app.delivery import recovery
from app.delivery.claims import LEASE, Copy
from app.delivery.endings import Ending, Settlement, Unsent
from app.delivery.journal import Journal, journals
from app.delivery.models import DeliveryState
from app.delivery.recovery import recover, watch
from app.mail.transport import Fault, Outcome, OutcomeKind
from tests.conftest import NOW
from tests.delivery.house import claim, delivery_of, queue_edition, settle, states

ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "taken")
REJECTED = Outcome(OutcomeKind.REJECTED, 550, "5.1.1", "no such user", Fault.ADDRESS)
AFTER_LEASE = NOW + LEASE + timedelta(seconds=1)
needs_boot_id = pytest.mark.skipif(not journal_module.boot_id(), reason="this system names no boot")


def die_in_the_middle(database: Database, folder: Path) -> list[Copy]:
    """Of four copies one was accepted, one rejected, one had begun, one had not."""
    queue_edition(database, 4)
    journal = Journal(folder, "dead")
    copies = claim(database, "dead")
    journal.open_slots(copies)
    for copy in copies[:3]:
        journal.begin(copy.id)
    journal.end(copies[0].id, ACCEPTED)
    journal.end(copies[1].id, REJECTED)
    journal.close()
    return copies


@needs_boot_id
def test_each_copy_becomes_what_the_journal_shows(database: Database, tmp_path: Path) -> None:
    copies = die_in_the_middle(database, tmp_path)
    assert recover(database, tmp_path, now=NOW) == 4
    assert states(database) == [
        DeliveryState.ACCEPTED,
        DeliveryState.REJECTED,
        DeliveryState.UNCERTAIN,
        DeliveryState.QUEUED,
    ]
    assert delivery_of(database, copies[1].id).reply_code == 550
    assert [copy.attempt for copy in claim(database, "next")] == [1]
    assert journals(tmp_path) == []


@needs_boot_id
def test_recovering_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    die_in_the_middle(database, tmp_path)
    recover(database, tmp_path, now=NOW)
    before = states(database)
    assert recover(database, tmp_path, now=NOW + timedelta(days=1)) == 0
    assert states(database) == before


def test_after_a_crash_of_the_machine_what_never_began_is_uncertain_too(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_in_the_middle(database, tmp_path)
    monkeypatch.setattr(journal_module, "boot_id", lambda: "another boot")
    recover(database, tmp_path, now=NOW)
    assert states(database)[2:] == [DeliveryState.UNCERTAIN, DeliveryState.UNCERTAIN]


@pytest.mark.parametrize("octets", [0, 256])
def test_a_journal_without_slots_on_a_machine_that_went_down_leaves_all_uncertain(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, octets: int
) -> None:
    die_in_the_middle(database, tmp_path)
    with journals(tmp_path)[0].open("r+b") as file:
        file.truncate(octets)
    monkeypatch.setattr(journal_module, "boot_id", lambda: "another boot")
    assert recover(database, tmp_path, now=NOW) == 4
    assert set(states(database)) == {DeliveryState.UNCERTAIN}


@needs_boot_id
def test_a_sender_that_died_before_its_slots_were_made_had_begun_nothing(database: Database, tmp_path: Path) -> None:
    queue_edition(database, 3)
    journal = Journal(tmp_path, "dead")
    claim(database, "dead")
    journal.close()
    recover(database, tmp_path, now=NOW)
    assert len(claim(database, "next")) == 3


def test_recovered_endings_reach_their_listener(database: Database, tmp_path: Path) -> None:
    copies = die_in_the_middle(database, tmp_path)
    heard: dict[int, Ending] = {}

    def hear(_session: Session, settlements: Sequence[Settlement], _now: datetime) -> None:
        heard.update({settlement.copy.id: settlement.ending for settlement in settlements})

    recover(database, tmp_path, now=NOW, on_settled=hear)
    ending = heard[copies[1].id]
    assert isinstance(ending, Outcome)
    assert ending.kind is OutcomeKind.REJECTED


def test_the_living_are_left_alone_beyond_their_lease(database: Database, tmp_path: Path) -> None:
    queue_edition(database, 1)
    journal = Journal(tmp_path, "alive")
    claim(database, "alive")
    assert recover(database, tmp_path, now=NOW + timedelta(hours=1)) == 0
    assert states(database) == [DeliveryState.SENDING]
    journal.close()


def test_an_owner_without_a_journal_is_waited_for_until_its_lease_ends(database: Database, tmp_path: Path) -> None:
    queue_edition(database, 3)
    claim(database, "elsewhere")
    assert recover(database, tmp_path, now=NOW + LEASE) == 0
    assert recover(database, tmp_path, now=AFTER_LEASE) == 3
    assert states(database) == [DeliveryState.UNCERTAIN] * 3
    assert recover(database, tmp_path, now=AFTER_LEASE + LEASE) == 0


def test_a_lapsed_claim_with_nothing_left_in_it_is_given_back(database: Database, tmp_path: Path) -> None:
    queue_edition(database, 2)
    copies = claim(database, "elsewhere")
    with database.transaction() as session:
        from app.delivery.endings import Settlement
        from app.delivery.settling import settle as settle_only

        settlements = [Settlement(copy, ACCEPTED) for copy in copies]
        settle_only(session, owner="elsewhere", settlements=settlements, now=NOW)
    recover(database, tmp_path, now=AFTER_LEASE)
    chunk = delivery_of(database, copies[0].id).chunk
    assert (chunk.lease_until, chunk.next_attempt_at) == (None, None)


def test_a_journal_whose_copies_went_on_without_it_changes_nothing(database: Database, tmp_path: Path) -> None:
    queue_edition(database, 1)
    journal = Journal(tmp_path, "dead")
    copies = claim(database, "dead")
    journal.open_slots(copies)
    journal.end(copies[0].id, REJECTED)
    journal.close()
    settle(database, copies, Unsent(), owner="dead")
    claim(database, "other")
    assert recover(database, tmp_path, now=NOW) == 0
    assert states(database) == [DeliveryState.SENDING]


@needs_boot_id
def test_a_journal_read_late_still_tells_what_became_of_uncertain_copies(database: Database, tmp_path: Path) -> None:
    die_in_the_middle(database, tmp_path)
    [path] = journals(tmp_path)
    hidden = path.rename(tmp_path / "hidden")
    assert recover(database, tmp_path, now=AFTER_LEASE) == 4
    assert set(states(database)) == {DeliveryState.UNCERTAIN}
    hidden.rename(path)
    assert recover(database, tmp_path, now=AFTER_LEASE) == 4
    assert states(database) == [
        DeliveryState.ACCEPTED,
        DeliveryState.REJECTED,
        DeliveryState.UNCERTAIN,
        DeliveryState.QUEUED,
    ]
    assert [copy.attempt for copy in claim(database, "next", now=AFTER_LEASE)] == [1]


@needs_boot_id
def test_the_watch_takes_over_and_outlives_its_stumbles(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recovery, "WATCH_EVERY_S", 0.01)
    die_in_the_middle(database, tmp_path)
    stop = threading.Event()
    real, calls = recovery.recover, iter(range(1000))

    def stumble_once(*given: object, **named: object) -> int:
        if next(calls) == 0:
            raise ZeroDivisionError
        if real(*given, **named):  # type: ignore[arg-type]
            stop.set()
        return 0

    monkeypatch.setattr(recovery, "recover", stumble_once)
    with time_machine.travel(NOW):
        watch(database, tmp_path, stop)
    assert states(database)[0] is DeliveryState.ACCEPTED
    assert "ZeroDivisionError" in caplog.text
