"""Transactions that meet over the same rows, on PostgreSQL: no circles, and nobody acts on what is no longer so."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Database
from app.delivery import queue, retry, settling
from app.delivery.endings import Settlement
from app.delivery.expiry import expire_copies
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.delivery.route import note_route
from app.delivery.senders import SenderState
from app.editions.audience import change_status, finish_editions
from app.editions.models import Edition, EditionStatus
from app.mail.replies import Verb, classify
from app.mail.transport import Fault, Outcome, OutcomeKind
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.locking import lock
from app.subscriptions.models import Subscription
from tests.conftest import NOW
from tests.delivery.house import claim, queue_edition, settle, states

pytestmark = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)

Act = Callable[[Session], object]

ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "taken")
LATER = classify(Verb.RCPT, 450, "4.3.0 later")
SILENT = Outcome(OutcomeKind.UNCERTAIN, text="no reply", fault=Fault.HOST)
ROUTE_DOWN = Outcome(OutcomeKind.DEFERRED, text="refused", fault=Fault.HOST)
#: Long enough for a transaction to come to where it has to wait for another.
MEETING_S = 0.4


def meet(database: Database, first: Act, second: Act, *, at: str) -> None:
    """Run both in threads; `first` stands still before its first statement with `at` in it until `second` met it."""
    errors: list[BaseException] = []

    def run(act: Act) -> None:
        try:
            with database.transaction() as session:
                act(session)
        except BaseException as error:
            errors.append(error)

    with standing_still(database, at) as (reached, go_on):
        slow = threading.Thread(target=run, args=(first,), name="slow")
        slow.start()
        assert reached.wait(10), f"no statement has {at} in it"
        other = threading.Thread(target=run, args=(second,))
        other.start()
        other.join(MEETING_S)
        go_on.set()
        for thread in (slow, other):
            thread.join(20)
    assert errors == []


@contextmanager
def standing_still(database: Database, needle: str) -> Iterator[tuple[threading.Event, threading.Event]]:
    reached, go_on = threading.Event(), threading.Event()

    def stand_still(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if threading.current_thread().name == "slow" and needle in statement and not reached.is_set():
            reached.set()
            go_on.wait(10)

    sa.event.listen(database.engine, "before_cursor_execute", stand_still)
    yield reached, go_on
    sa.event.remove(database.engine, "before_cursor_execute", stand_still)


def leave(session: Session) -> object:
    return queue.cancel_reader(session, subscriber_id=3, newsletter_id=1, now=NOW)


def given_up(database: Database) -> int:
    """An edition of ten whose copies are all uncertain for good; return its id."""
    edition_id = queue_edition(database, 10)
    settle(database, claim(database), SILENT)
    with database.transaction() as session:
        session.execute(sa.update(Edition).values(status=EditionStatus.SENDING))
        session.execute(sa.update(Delivery).values(is_repeatable=False, next_attempt_at=None))
        session.execute(sa.update(Chunk).values(next_attempt_at=None))
    return edition_id


def test_a_reader_leaves_while_an_edition_expires(database: Database) -> None:
    queue_edition(database, 10)
    with database.transaction() as session:
        session.execute(sa.update(Chunk).values(expires_at=NOW))
    meet(database, leave, lambda session: expire_copies(session, now=NOW), at="UPDATE chunks")
    assert states(database)[2] is DeliveryState.CANCELLED


def test_an_edition_is_cancelled_while_its_copies_are_settled(database: Database) -> None:
    edition_id = queue_edition(database, 10)
    copies = claim(database)
    ends = [Settlement(copies[0], LATER), Settlement(copies[9], ACCEPTED)]
    meet(
        database,
        lambda session: settling.settle(session, owner="one", settlements=ends, now=NOW),
        lambda session: queue.cancel_edition_copies(session, edition_id=edition_id, now=NOW),
        at="SELECT deliveries",
    )
    assert states(database)[9] is DeliveryState.ACCEPTED


def test_copies_tried_once_more_stay_due_when_a_reader_leaves(database: Database) -> None:
    edition_id = given_up(database)
    with database.transaction() as session:
        session.execute(sa.update(Delivery).where(Delivery.subscriber_id == 3).values(state=DeliveryState.DEFERRED))
        session.execute(sa.update(Chunk).values(next_attempt_at=NOW))

    def try_again(session: Session) -> None:
        retry.requeue(session, retry.is_uncertain_for_good(), edition_id=edition_id, now=NOW)
        session.execute(sa.text("SELECT 'done, not committed'"))

    meet(database, try_again, leave, at="done, not committed")
    assert len(claim(database, now=NOW + timedelta(days=1))) == 9


def test_an_edition_is_not_finished_while_copies_are_tried_once_more(database: Database) -> None:
    edition_id = given_up(database)

    def try_again(session: Session) -> None:
        change_status(session, edition_id, from_statuses=(EditionStatus.SENDING,), to=EditionStatus.SENDING)
        retry.requeue(session, retry.is_uncertain_for_good(), edition_id=edition_id, now=NOW)

    meet(database, try_again, lambda session: finish_editions(session, now=NOW), at="UPDATE chunks")
    with database.reading() as session:
        assert session.scalar(select(Edition.status)) is EditionStatus.SENDING


def test_an_edition_names_a_reader_who_is_being_changed(database: Database) -> None:
    edition_id = queue_edition(database, 10)
    pending = Subscription(
        newsletter_id=1, subscriber_id=3, status=SubscriptionStatus.PENDING, language="fr", requested_at=NOW
    )
    with database.transaction() as session:
        session.add(pending)

    def change(session: Session) -> None:
        lock(session, pending)
        leave(session)

    def start(session: Session) -> None:
        session.execute(sa.update(Chunk).where(Chunk.edition_id == edition_id).values(expires_at=NOW))
        session.add(Delivery(chunk_id=1, subscriber_id=3))
        session.flush()

    meet(database, change, start, at="FROM chunks")


def test_two_workers_of_one_machine_meet_the_same_fault(database: Database) -> None:
    def note(session: Session) -> None:
        note_route(session, name="here, editions", fault=ROUTE_DOWN, next_try_at=NOW, now=NOW)

    meet(database, note, note, at="INSERT INTO sender_states")
    with database.reading() as session:
        assert session.scalar(select(sa.func.count()).select_from(SenderState)) == 1
