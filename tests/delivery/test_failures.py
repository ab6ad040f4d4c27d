"""Copies that are not well are found chunk by chunk, and only in chunks in which some copy failed."""

from datetime import timedelta

from sqlalchemy import select, update

from app.db import Database
from app.delivery.endings import Withheld
from app.delivery.expiry import expire_copies
from app.delivery.models import Chunk, Delivery, DeliveryState, Failures
from app.editions.progress import UNHAPPY, unhappy_copies
from app.mail.memory import ACCEPTED
from app.mail.replies import Verb, classify
from app.mail.transport import Outcome, OutcomeKind
from tests.conftest import NOW
from tests.delivery.house import claim, queue_edition, settle

FULL = classify(Verb.RCPT, 452, "4.2.2 mailbox full")
UNKNOWN = classify(Verb.RCPT, 550, "5.1.1 no such user")
SILENT = Outcome(OutcomeKind.UNCERTAIN, text="no reply")
#: Of twelve copies in chunks of three.
ENDINGS = [ACCEPTED, UNKNOWN, FULL, ACCEPTED, ACCEPTED, Withheld("left"), SILENT, ACCEPTED, UNKNOWN, *[ACCEPTED] * 3]


def test_each_chunk_tells_how_its_copies_failed(database: Database) -> None:
    failed_edition(database)
    with database.reading() as session:
        failures = session.scalars(select(Chunk.failures).order_by(Chunk.number)).all()
    deferred, uncertain = Failures.REJECTED | Failures.DEFERRED, Failures.REJECTED | Failures.UNCERTAIN
    assert failures == [deferred, 0, uncertain, 0]


def test_what_is_found_is_what_is_not_well(database: Database) -> None:
    edition_id = failed_edition(database)
    for state in (None, *UNHAPPY):
        with database.reading() as session:
            found = session.scalars(unhappy_copies(edition_id, state=state, meaning=None)).all()
            meant = select(Delivery).where(Delivery.state.in_(UNHAPPY if state is None else [state]))
            assert sorted(copy.id for copy in found) == sorted(copy.id for copy in session.scalars(meant))


def test_copies_come_a_page_at_a_time_the_last_first(database: Database) -> None:
    edition_id, before, seen = failed_edition(database), None, list[int]()
    while True:
        with database.reading() as session:
            query = unhappy_copies(edition_id, state=None, meaning=None, before=before)
            if before is not None:
                query = query.where(Delivery.id < before)
            page = session.scalars(query.order_by(Delivery.id.desc()).limit(1)).all()
        if not page:
            break
        before = page[0].id
        seen.append(before)
    assert seen == [9, 7, 3, 2]


def test_copies_that_were_not_sent_in_time_are_found(database: Database) -> None:
    edition_id = queue_edition(database, 2)
    later = NOW + timedelta(days=9)
    with database.transaction() as session:
        assert expire_copies(session, now=later) == 1
        found = session.scalars(unhappy_copies(edition_id, state=DeliveryState.EXPIRED, meaning=None))
        assert len(found.all()) == 2


def test_a_chunk_in_which_nothing_failed_is_not_looked_through(database: Database) -> None:
    edition_id = failed_edition(database)
    with database.transaction() as session:
        session.execute(update(Chunk).values(failures=Failures.UNCERTAIN))
        assert session.scalars(unhappy_copies(edition_id, state=DeliveryState.REJECTED, meaning=None)).all() == []


def failed_edition(database: Database) -> int:
    edition_id = queue_edition(database, 12, chunk_copies=3)
    copies = claim(database)
    settle(database, copies, lambda copy: ENDINGS[copies.index(copy)])
    return edition_id
