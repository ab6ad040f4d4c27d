"""Into the queue, and out of it unsent."""

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from app.db import Database
from app.delivery import queue
from app.delivery.endings import Unsent
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.mail.transport import Outcome, OutcomeKind
from tests.conftest import NOW
from tests.delivery.house import (
    claim,
    delivery_of,
    make_edition,
    make_reader,
    queue_edition,
    queue_notes,
    settle,
    states,
)

UNCERTAIN = Outcome(OutcomeKind.UNCERTAIN, text="no reply")


def chunk_sizes(database: Database) -> list[int]:
    with database.reading() as session:
        return list(
            session.scalars(
                select(sa.func.count(Delivery.id))
                .select_from(Chunk)
                .outerjoin(Delivery, Delivery.chunk_id == Chunk.id)
                .group_by(Chunk.id)
                .order_by(Chunk.id)
            )
        )


@pytest.mark.parametrize(("readers", "sizes"), [(0, [0]), (1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])])
def test_an_audience_is_cut_into_chunks(database: Database, readers: int, sizes: list[int]) -> None:
    queue_edition(database, readers, chunk_copies=10)
    assert chunk_sizes(database) == sizes
    assert states(database) == [DeliveryState.QUEUED] * readers


def test_readers_who_come_while_counting_are_in_the_last_chunk(database: Database) -> None:
    edition_id, newsletter_id = make_edition(database)
    with database.transaction() as session:
        session.add_all(make_reader(i) for i in range(15))
        session.flush()

        @sa.event.listens_for(session.connection(), "before_cursor_execute")
        def come(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            if statement.startswith("INSERT INTO chunks"):
                session.add_all(make_reader(i) for i in range(15, 25))
                session.flush()

        queue.enqueue_edition(
            session, audience=select(sa.column("id")).select_from(sa.table("subscribers")), kind="note",
            edition_id=edition_id, newsletter_id=newsletter_id, language="fr", now=NOW, chunk_copies=10,
        )  # fmt: skip
    assert chunk_sizes(database) == [10, 15]


def test_one_copy_for_each_edition_and_subscriber(database: Database) -> None:
    edition_id = queue_edition(database, 1)
    [copy] = claim(database)
    with pytest.raises(sa.exc.IntegrityError), database.transaction() as session:
        session.add(Delivery(chunk_id=copy.chunk.id, edition_id=edition_id, subscriber_id=copy.subscriber_id))


def test_a_held_edition_is_left_until_it_is_released(database: Database) -> None:
    edition_id = queue_edition(database, 2)
    [free] = queue_notes(database)
    with database.transaction() as session:
        queue.hold_edition(session, edition_id=edition_id, now=NOW)
        queue.hold_edition(session, edition_id=edition_id, now=NOW)
    assert [copy.id for copy in claim(database)] == [free]
    with database.transaction() as session:
        queue.release_edition(session, edition_id=edition_id)
    assert len(claim(database)) == 2


def test_a_cancelled_edition_leaves_nothing_to_claim(database: Database) -> None:
    edition_id = queue_edition(database, 5, chunk_copies=2)
    in_hand = claim(database, limit=1)
    with database.transaction() as session:
        assert queue.cancel_edition_copies(session, edition_id=edition_id, now=NOW) == 5
    assert claim(database, "two") == []
    settle(database, in_hand, Outcome(OutcomeKind.ACCEPTED, 250, text="it was on the wire"))
    assert states(database) == [DeliveryState.ACCEPTED] * 2 + [DeliveryState.CANCELLED] * 3


def test_cancelling_for_a_reader_reaches_what_waits_and_nothing_else(database: Database) -> None:
    queue_edition(database, 3)
    copies = claim(database)
    settle(database, copies[:1], UNCERTAIN)
    settle(database, copies[1:], Unsent())
    newsletter_id, reader_ids = copies[0].chunk.newsletter_id, [copy.subscriber_id for copy in copies]
    assert newsletter_id is not None
    with database.transaction() as session:
        for reader_id, cancelled in zip(reader_ids[:2], (0, 1), strict=True):
            assert reader_id is not None
            number = queue.cancel_reader(session, subscriber_id=reader_id, newsletter_id=newsletter_id, now=NOW)
            assert number == cancelled
            assert queue.cancel_reader(session, subscriber_id=reader_id, newsletter_id=999, now=NOW) == 0
    assert states(database) == [DeliveryState.UNCERTAIN, DeliveryState.CANCELLED, DeliveryState.QUEUED]
    assert not delivery_of(database, copies[0].id).is_repeatable


def test_a_chunk_whose_last_waiting_copy_is_cancelled_is_over(database: Database) -> None:
    queue_edition(database, 1)
    [copy] = claim(database)
    settle(database, [copy], Outcome(OutcomeKind.DEFERRED, 451, text="later"))
    assert delivery_of(database, copy.id).chunk.next_attempt_at is not None
    assert copy.subscriber_id is not None
    assert copy.chunk.newsletter_id is not None
    with database.transaction() as session:
        queue.cancel_reader(session, subscriber_id=copy.subscriber_id, newsletter_id=copy.chunk.newsletter_id, now=NOW)
    assert delivery_of(database, copy.id).chunk.next_attempt_at is None


def test_what_is_cancelled_while_in_hand_and_does_not_leave_stays_cancelled(database: Database) -> None:
    queue_notes(database, 1, reference="request", subscriber_id=None)
    edition_id = queue_edition(database, 1)
    copies = claim(database)
    with database.transaction() as session:
        queue.cancel_edition_copies(session, edition_id=edition_id, now=NOW)
    settle(database, copies, Unsent())
    assert states(database) == [DeliveryState.QUEUED, DeliveryState.CANCELLED]
