"""Claiming: the rows are the truth, whoever asks and however many at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy import select

from app.db import Database
from app.delivery import claims, queue
from app.delivery.claims import LEASE
from app.delivery.endings import Unsent
from app.delivery.models import Chunk, DeliveryState
from app.mail.transport import Fault, Outcome, OutcomeKind
from tests.conftest import NOW
from tests.delivery.house import claim, delivery_of, queue_edition, queue_notes, settle, states

DEFERRED = Outcome(OutcomeKind.DEFERRED, 451, "4.3.0", "later", Fault.DESTINATION)
ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "taken")


def test_a_claim_marks_its_chunk_and_no_copy(database: Database) -> None:
    [key] = queue_notes(database)
    [copy] = claim(database)
    assert (copy.id, copy.attempt, copy.address, copy.was_uncertain) == (key, 1, "r0@reader.example", False)
    row = delivery_of(database, key)
    assert (row.state, row.state_now, row.attempt) == (DeliveryState.QUEUED, DeliveryState.SENDING, 0)
    assert (row.chunk.owner, row.chunk.lease_until) == ("one", NOW + LEASE)
    assert claim(database, "two") == []


def test_urgent_copies_overtake_and_the_limit_holds(database: Database) -> None:
    ordinary = queue_notes(database, 3)
    urgent = queue_notes(database, 2, priority=0)
    assert [copy.id for copy in claim(database, limit=3)] == [*urgent, ordinary[0]]


def test_only_the_kinds_asked_for_are_taken(database: Database) -> None:
    queue_notes(database)
    with database.transaction() as session:
        assert claims.claim(session, owner="one", kinds={"other"}, now=NOW) == []
        assert not claims.has_due(session, kinds={"other"}, now=NOW)
        assert claims.has_due(session, kinds={"other", "note"}, now=NOW)


def test_of_a_chunk_only_what_is_due_is_taken(database: Database) -> None:
    queue_edition(database, 4)
    copies = claim(database)
    settle(database, copies, lambda copy: DEFERRED if copy.id == copies[1].id else ACCEPTED)
    assert claim(database, now=NOW + timedelta(minutes=5)) == []
    [again] = claim(database, now=NOW + timedelta(hours=1))
    assert (again.id, again.attempt) == (copies[1].id, 2)


def test_a_chunk_in_which_nothing_waits_is_given_back_for_good(database: Database) -> None:
    queue_edition(database, 4, chunk_copies=2)
    with database.transaction() as session:
        session.execute(sa.text("UPDATE deliveries SET state = 'cancelled' WHERE id <= 2"))
    assert [copy.id for copy in claim(database, limit=1)] == [3, 4]
    with database.reading() as session:
        first = session.get_one(Chunk, 1)
    assert (first.lease_until, first.next_attempt_at) == (None, None)


def test_a_claim_takes_as_many_chunks_as_hold_its_copies_however_small_they_are(database: Database) -> None:
    queue_edition(database, 1_210, chunk_copies=60)
    with database.reading() as session:
        assert session.scalars(select(Chunk.copies).order_by(Chunk.number)).all() == [60] * 20 + [10]
    assert [len(claim(database, owner, limit=40)) for owner in ("one", "two", "three")] == [1_020, 190, 0]


def test_a_chunk_given_back_is_due_when_the_first_of_its_copies_is(database: Database) -> None:
    queue_edition(database, 3)
    copies = claim(database)
    settle(database, copies, lambda copy: DEFERRED if copy.id == copies[0].id else ACCEPTED)
    row = delivery_of(database, copies[0].id)
    assert row.chunk.next_attempt_at == row.next_attempt_at
    settle(database, claim(database, now=NOW + timedelta(hours=1)), ACCEPTED)
    assert delivery_of(database, copies[0].id).chunk.next_attempt_at is None


def test_many_that_claim_at_once_never_share_a_copy(database: Database) -> None:
    queue_edition(database, 400, chunk_copies=7)

    def work(number: int) -> list[int]:
        mine: list[int] = []
        while copies := claim(database, f"owner-{number}", limit=2):
            mine += [copy.id for copy in copies]
        return mine

    with ThreadPoolExecutor(8) as pool:
        taken = [key for keys in pool.map(work, range(8)) for key in keys]
    assert len(taken) == len(set(taken)) == 400


def test_a_renewed_lease_does_not_lapse(database: Database) -> None:
    queue_notes(database, 2)
    claim(database, limit=1)
    claim(database, "two", limit=1)
    with database.transaction() as session:
        assert claims.renew(session, owners=["one"], now=NOW + LEASE / 2) == 1
        lapsed = NOW + LEASE + timedelta(seconds=1)
        assert claims.overdue_owners(session, living=[], now=lapsed) == ["two"]
        assert claims.overdue_owners(session, living=["two"], now=lapsed) == []


def test_what_is_cancelled_held_or_taken_over_is_no_longer_wanted(database: Database) -> None:
    edition_id = queue_edition(database, 2)
    copies = claim(database)

    def wanted(owner: str = "one") -> set[int]:
        with database.reading() as session:
            return claims.still_wanted(session, copies, owner=owner, now=NOW)

    assert wanted() == {copy.id for copy in copies}
    assert wanted("two") == set()
    with database.transaction() as session:
        session.execute(sa.text("UPDATE deliveries SET state = 'cancelled' WHERE id = 1"))
    assert wanted() == {2}
    with database.transaction() as session:
        queue.hold_edition(session, edition_id=edition_id, now=NOW)
    assert wanted() == set()


def test_copies_given_back_unsent_can_be_claimed_at_once(database: Database) -> None:
    queue_edition(database, 3)
    settle(database, claim(database), Unsent())
    assert states(database) == [DeliveryState.QUEUED] * 3
    assert [copy.attempt for copy in claim(database, "two")] == [1, 1, 1]


def test_claiming_from_a_long_history_uses_the_index(database: Database) -> None:
    queue_notes(database)
    if not database.is_sqlite:  # which goes by what the table holds: what has ended is not due
        kept = ", ".join(column.name for column in Chunk.__table__.c if column.name not in {"id", "next_attempt_at"})
        with database.transaction() as session:
            session.execute(sa.text(f"INSERT INTO chunks ({kept}) SELECT {kept} FROM chunks, generate_series(1, 3000)"))
            session.execute(sa.text("ANALYZE chunks"))
    with database.reading() as session:
        given = {"kinds": ["note"], "now": NOW, "limit": 1}
        statement = select(claims._NEXT_CHUNKS.c.id).params(given)
        compiled = statement.compile(database.engine, compile_kwargs={"literal_binds": True})
        if database.is_sqlite:
            plan = str(session.execute(sa.text(f"EXPLAIN QUERY PLAN {compiled}")).all())
        else:
            session.execute(sa.text("SET enable_seqscan = off"))
            plan = str(session.execute(sa.text(f"EXPLAIN {compiled}".replace(":", "\\:"))).all())
    assert "ix_chunks_due" in plan
