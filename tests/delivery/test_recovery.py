"""What is made of the copies of dead senders, from rows and journals."""

from datetime import timedelta
from pathlib import Path

import pytest

from app.db import Database
from app.delivery import journal as journal_module
from app.delivery import queue
from app.delivery.journal import Journal, journals
from app.delivery.models import Delivery, DeliveryState
from app.delivery.recovery import recover
from app.mail.transport import Fault, Outcome, OutcomeKind
from tests.conftest import NOW
from tests.delivery.house import delivery_of, queue_notes, states

LEASE = timedelta(minutes=5)
ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "taken")
REJECTED = Outcome(OutcomeKind.REJECTED, 550, "5.1.1", "no such user", Fault.ADDRESS)
needs_boot_id = pytest.mark.skipif(not journal_module.boot_id(), reason="this system names no boot")


def claim(database: Database, owner: str = "dead") -> list[Delivery]:
    with database.transaction() as session:
        return queue.claim(session, owner=owner, now=NOW, limit=100, lease=LEASE)


def die_in_the_middle(database: Database, folder: Path) -> list[int]:
    """Of four copies one was accepted, one rejected, one had begun, one had not."""
    queue_notes(database, 4)
    with Journal(folder, "dead") as journal:
        keys = [delivery.id for delivery in claim(database)]
        for key in keys[:3]:
            journal.started(key, 1)
        journal.ended(keys[0], 1, ACCEPTED)
        journal.ended(keys[1], 1, REJECTED)
    return keys


@needs_boot_id
def test_each_copy_becomes_what_the_journal_shows(database: Database, tmp_path: Path) -> None:
    keys = die_in_the_middle(database, tmp_path)
    assert recover(database, tmp_path, now=NOW) == 4
    assert states(database) == [
        DeliveryState.ACCEPTED,
        DeliveryState.REJECTED,
        DeliveryState.UNCERTAIN,
        DeliveryState.QUEUED,
    ]
    assert delivery_of(database, keys[1]).reply_code == 550
    assert delivery_of(database, keys[3]).attempt == 0
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


def test_recovered_outcomes_reach_their_listener(database: Database, tmp_path: Path) -> None:
    keys = die_in_the_middle(database, tmp_path)
    heard: list[tuple[int, OutcomeKind]] = []
    recover(database, tmp_path, now=NOW, on_outcome=lambda session, row, outcome: heard.append((row.id, outcome.kind)))
    assert heard[:2] == [(keys[0], OutcomeKind.ACCEPTED), (keys[1], OutcomeKind.REJECTED)]


def test_the_living_are_left_alone_beyond_their_lease(database: Database, tmp_path: Path) -> None:
    queue_notes(database)
    with Journal(tmp_path, "alive"):
        claim(database, "alive")
        assert recover(database, tmp_path, now=NOW + timedelta(hours=1)) == 0
    assert states(database) == [DeliveryState.SENDING]


def test_an_owner_without_a_journal_is_waited_for_until_its_lease_ends(database: Database, tmp_path: Path) -> None:
    queue_notes(database)
    claim(database, "elsewhere")
    assert recover(database, tmp_path, now=NOW + LEASE) == 0
    assert recover(database, tmp_path, now=NOW + LEASE + timedelta(seconds=1)) == 1
    assert states(database) == [DeliveryState.UNCERTAIN]


def test_a_journal_whose_copies_went_on_without_it_changes_nothing(database: Database, tmp_path: Path) -> None:
    [key] = queue_notes(database)
    with Journal(tmp_path, "dead") as journal:
        [delivery] = claim(database)
        journal.ended(key, 1, REJECTED)
    settlement = queue.Settlement(delivery.id, 1, queue.Unsent())
    with database.transaction() as session:
        queue.settle(session, owner="dead", settlements=[settlement], now=NOW)
    claim(database, "other")
    assert recover(database, tmp_path, now=NOW) == 0
    assert states(database) == [DeliveryState.SENDING]


def test_a_journal_read_late_still_tells_what_became_of_uncertain_copies(database: Database, tmp_path: Path) -> None:
    [key] = queue_notes(database)
    with Journal(tmp_path, "dead") as journal:
        claim(database)
        journal.ended(key, 1, ACCEPTED)
    with database.transaction() as session:
        queue.expire_leases(session, living=[], now=NOW + timedelta(hours=1))
    assert states(database) == [DeliveryState.UNCERTAIN]
    assert recover(database, tmp_path, now=NOW + timedelta(hours=1)) == 1
    assert states(database) == [DeliveryState.ACCEPTED]
