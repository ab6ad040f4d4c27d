"""Settling: each ending by its rules, and only for the try it belongs to."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.db import Database
from app.delivery import settling
from app.delivery.endings import Settlement, Unsent, Withheld
from app.delivery.models import Delivery, DeliveryState
from app.delivery.queue import cancel_edition_copies
from app.delivery.settling import NAMED_RECIPIENT_DELAY, ROUTE_FAULT_DELAY
from app.mail.pacing import GIVE_UP_AFTER
from app.mail.transport import Fault, Outcome, OutcomeKind
from tests.conftest import NOW
from tests.delivery.house import claim, delivery_of, queue_edition, queue_notes, settle, states

ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "taken")
DEFERRED = Outcome(OutcomeKind.DEFERRED, 451, "4.3.0", "later", Fault.DESTINATION)
REJECTED = Outcome(OutcomeKind.REJECTED, 550, "5.1.1", "no such user", Fault.ADDRESS)
UNCERTAIN = Outcome(OutcomeKind.UNCERTAIN, text="no reply", fault=Fault.HOST)
ROUTE_DOWN = Outcome(OutcomeKind.DEFERRED, text="refused", fault=Fault.HOST)
NAMED_ROUTE_DOWN = Outcome(OutcomeKind.DEFERRED, 421, text="bye", fault=Fault.HOST, names_recipient=True)
MUCH_LATER = NOW + timedelta(hours=4)


@pytest.mark.parametrize(
    ("outcome", "state", "is_done", "attempt"),
    [
        (ACCEPTED, DeliveryState.ACCEPTED, True, 1),
        (REJECTED, DeliveryState.REJECTED, True, 1),
        (DEFERRED, DeliveryState.DEFERRED, False, 1),
        (UNCERTAIN, DeliveryState.UNCERTAIN, False, 1),
        (ROUTE_DOWN, DeliveryState.QUEUED, False, 0),
    ],
)
def test_an_outcome_is_recorded(
    database: Database, outcome: Outcome, state: DeliveryState, is_done: bool, attempt: int
) -> None:
    [key] = queue_notes(database)
    assert settle(database, claim(database), outcome) == 1
    row = delivery_of(database, key)
    assert (row.state, row.reply_code, row.reply_text, row.fault) == (state, outcome.code, outcome.text, outcome.fault)
    assert (row.settled_at == NOW) is is_done
    assert (row.attempt, row.chunk.lease_until) == (attempt, None)


def test_many_outcomes_of_all_kinds_are_recorded_at_once(database: Database) -> None:
    queue_edition(database, 6)
    copies = claim(database)
    endings = [
        ACCEPTED,
        REJECTED,
        Outcome(OutcomeKind.ACCEPTED, 250, text="queued as 4F"),
        Unsent(),
        DEFERRED,
        ACCEPTED,
    ]
    assert settle(database, copies, lambda copy: endings[copies.index(copy)]) == 6
    assert states(database) == [
        DeliveryState.ACCEPTED, DeliveryState.REJECTED, DeliveryState.ACCEPTED, DeliveryState.QUEUED,
        DeliveryState.DEFERRED, DeliveryState.ACCEPTED,
    ]  # fmt: skip
    assert delivery_of(database, copies[2].id).reply_text == "queued as 4F"


def test_only_the_try_itself_is_settled(database: Database) -> None:
    [key] = queue_notes(database)
    first = claim(database)
    assert settle(database, first, ACCEPTED, owner="two") == 0
    settle(database, first, DEFERRED)
    assert settle(database, first, ACCEPTED) == 0
    assert settle(database, first, REJECTED) == 0
    claim(database, "two", now=MUCH_LATER)
    assert settle(database, first, ACCEPTED, now=MUCH_LATER) == 0
    assert delivery_of(database, key).state_now is DeliveryState.DEFERRED


def test_an_outcome_told_twice_counts_once(database: Database) -> None:
    [key] = queue_notes(database)
    copies = claim(database)
    assert settle(database, copies, ACCEPTED) == 1
    for again in (ACCEPTED, REJECTED, Unsent()):
        assert settle(database, copies, again) == 0
    assert delivery_of(database, key).attempt == 1


@pytest.mark.parametrize(
    ("outcome", "delay"), [(ROUTE_DOWN, ROUTE_FAULT_DELAY), (NAMED_ROUTE_DOWN, NAMED_RECIPIENT_DELAY)]
)
def test_a_fault_of_the_route_costs_no_attempt(database: Database, outcome: Outcome, delay: timedelta) -> None:
    [key] = queue_notes(database)
    settle(database, claim(database), outcome)
    assert delivery_of(database, key).attempt == 0
    assert claim(database, now=NOW + delay - timedelta(seconds=1)) == []
    assert len(claim(database, now=NOW + delay)) == 1


@pytest.mark.parametrize("outcome", [DEFERRED, ROUTE_DOWN])
def test_a_copy_too_old_to_try_again_expires(database: Database, outcome: Outcome) -> None:
    [key] = queue_notes(database)
    late = NOW + GIVE_UP_AFTER
    settle(database, claim(database, now=late), outcome, now=late)
    assert delivery_of(database, key).state is DeliveryState.EXPIRED


def test_an_uncertain_copy_is_sent_again_once(database: Database) -> None:
    [key] = queue_notes(database)
    settle(database, claim(database), UNCERTAIN)
    again = claim(database, now=MUCH_LATER)
    assert [(copy.attempt, copy.was_uncertain) for copy in again] == [(2, True)]
    settle(database, again, UNCERTAIN, now=MUCH_LATER)
    assert delivery_of(database, key).state is DeliveryState.UNCERTAIN
    assert claim(database, now=MUCH_LATER + timedelta(days=1)) == []


def test_a_deferral_in_between_gives_no_third_uncertain_sending(database: Database) -> None:
    [key] = queue_notes(database)
    settle(database, claim(database), UNCERTAIN)
    settle(database, claim(database, now=MUCH_LATER), DEFERRED, now=MUCH_LATER)
    third = claim(database, now=MUCH_LATER + timedelta(hours=4))
    settle(database, third, UNCERTAIN, now=MUCH_LATER + timedelta(hours=4))
    assert claim(database, now=MUCH_LATER + timedelta(days=1)) == []
    assert delivery_of(database, key).settled_at is not None


def test_an_unsent_repetition_may_still_be_repeated(database: Database) -> None:
    [key] = queue_notes(database)
    settle(database, claim(database), UNCERTAIN)
    settle(database, claim(database, now=MUCH_LATER), Unsent(), now=MUCH_LATER)
    row = delivery_of(database, key)
    assert (row.state, row.is_repeatable, row.attempt) == (DeliveryState.UNCERTAIN, True, 1)
    assert len(claim(database, now=MUCH_LATER)) == 1


def test_a_repetition_that_turns_out_unsent_may_still_be_repeated(database: Database) -> None:
    [key] = queue_notes(database)
    settle(database, claim(database), UNCERTAIN)
    repetition = claim(database, now=MUCH_LATER)
    settle(database, repetition, UNCERTAIN, now=MUCH_LATER)
    assert settle(database, repetition, Unsent(), now=MUCH_LATER) == 1
    row = delivery_of(database, key)
    assert (row.state, row.is_repeatable, row.attempt) == (DeliveryState.UNCERTAIN, True, 1)


@pytest.mark.parametrize(("late", "state"), [(ACCEPTED, DeliveryState.ACCEPTED), (Unsent(), DeliveryState.QUEUED)])
def test_what_is_told_late_replaces_uncertain_until_somebody_claims(
    database: Database, late: Outcome | Unsent, state: DeliveryState
) -> None:
    known, claimed_since = queue_notes(database, 2)
    copies = claim(database)
    settle(database, copies, UNCERTAIN)
    assert settle(database, copies[:1], late) == 1
    row = delivery_of(database, known)
    assert (row.state, row.attempt) == (state, 1 if state is DeliveryState.ACCEPTED else 0)
    claim(database, "two", now=MUCH_LATER)
    assert settle(database, copies[1:], late, now=MUCH_LATER) == 0
    assert delivery_of(database, claimed_since).state is DeliveryState.UNCERTAIN


def test_what_a_limit_puts_back_takes_one_statement(database: Database) -> None:
    queue_edition(database, 500)
    copies = claim(database)
    dates = [MUCH_LATER, MUCH_LATER + timedelta(seconds=5)]
    written: list[int] = []

    @sa.event.listens_for(database.engine, "before_cursor_execute", named=True)
    def note(statement: str, parameters: Sequence[object], executemany: bool, **_: object) -> None:
        if "UPDATE deliveries" in statement:
            written.append(len(parameters) if executemany else 1)

    assert settle(database, copies, lambda copy: Unsent(dates[copy.id % 2])) == 500
    assert written == [1]
    assert claim(database, now=MUCH_LATER - timedelta(seconds=1)) == []
    assert len(claim(database, now=MUCH_LATER)) == 250


def test_what_is_put_back_with_a_date_is_as_before_its_try_unless_it_was_cancelled(database: Database) -> None:
    fresh, doubtful, deferred, cancelled = queue_notes(database, 4)
    endings = {fresh: Unsent(), doubtful: UNCERTAIN, deferred: DEFERRED, cancelled: Unsent()}
    settle(database, claim(database), lambda copy: endings[copy.id])
    copies = claim(database, now=MUCH_LATER)
    with database.transaction() as session:
        session.execute(sa.update(Delivery).where(Delivery.id == cancelled).values(state=DeliveryState.CANCELLED))
    until = MUCH_LATER + timedelta(days=1)
    assert settle(database, copies, Unsent(until), now=MUCH_LATER) == 3
    rows = [delivery_of(database, key) for key in (fresh, doubtful, deferred, cancelled)]
    assert [(row.state, row.attempt, row.next_attempt_at) for row in rows] == [
        (DeliveryState.QUEUED, 0, until), (DeliveryState.UNCERTAIN, 1, until),
        (DeliveryState.DEFERRED, 1, until), (DeliveryState.CANCELLED, 0, None),
    ]  # fmt: skip
    assert [row.is_repeatable for row in rows] == [True, True, True, True]
    assert rows[2].reply_text == DEFERRED.text


def test_what_is_put_back_after_another_claimed_it_keeps_its_date(database: Database) -> None:
    told, ended = queue_notes(database, 2)
    first = claim(database)
    settle(database, first, DEFERRED)
    assert settle(database, first, Unsent(NOW)) == 0
    settle(database, claim(database, now=MUCH_LATER), lambda copy: REJECTED if copy.id == ended else DEFERRED)
    dates = [delivery_of(database, key).next_attempt_at for key in (told, ended)]
    assert settle(database, first, Unsent(NOW), owner="one") == 0
    assert [delivery_of(database, key).next_attempt_at for key in (told, ended)] == dates


def test_what_was_never_dated_keeps_the_date_of_its_last_deferral(database: Database) -> None:
    [key] = queue_notes(database)
    settle(database, claim(database), DEFERRED)
    due = delivery_of(database, key).next_attempt_at
    assert settle(database, claim(database, now=MUCH_LATER), Unsent(), now=MUCH_LATER) == 1
    row = delivery_of(database, key)
    assert (row.state, row.attempt, row.next_attempt_at) == (DeliveryState.DEFERRED, 1, due)


def test_a_listener_hears_of_all_where_something_was_put_back(database: Database) -> None:
    queue_notes(database, 3)
    copies = claim(database)
    settlements = [Settlement(copy, Unsent() if copy is copies[0] else ACCEPTED) for copy in copies]
    heard: list[Sequence[Settlement]] = []
    with database.transaction() as session:
        settling.settle(
            session, owner="one", settlements=settlements, now=NOW,
            on_settled=lambda _session, settlements, _now: heard.append(settlements),
        )  # fmt: skip
    assert heard == [settlements]


def test_a_withheld_copy_is_cancelled_but_uncertain_stays_uncertain(database: Database) -> None:
    fresh, doubtful, deferred = queue_notes(database, 3)
    copies = claim(database)
    settle(database, copies[:1], Withheld("unsubscribed"))
    settle(database, copies[1:], UNCERTAIN)
    again = claim(database, now=MUCH_LATER)
    settle(database, again[:1], Withheld("unsubscribed"), now=MUCH_LATER)
    settle(database, again[1:], DEFERRED, now=MUCH_LATER)
    settle(database, claim(database, now=2 * (MUCH_LATER - NOW) + NOW), Withheld("unsubscribed"), now=MUCH_LATER)
    assert states(database) == [DeliveryState.CANCELLED, DeliveryState.UNCERTAIN, DeliveryState.UNCERTAIN]
    assert delivery_of(database, fresh).reply_text == "unsubscribed"
    assert claim(database, now=MUCH_LATER + timedelta(days=1)) == []
    assert {delivery_of(database, key).is_repeatable for key in (doubtful, deferred)} == {False}


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (ACCEPTED, DeliveryState.ACCEPTED),
        (REJECTED, DeliveryState.REJECTED),
        (DEFERRED, DeliveryState.CANCELLED),
        (ROUTE_DOWN, DeliveryState.CANCELLED),
        (UNCERTAIN, DeliveryState.UNCERTAIN),
    ],
)
def test_a_copy_cancelled_on_the_wire_becomes_what_happened_and_is_not_repeated(
    database: Database, outcome: Outcome, state: DeliveryState
) -> None:
    [key] = queue_notes(database)
    copies = claim(database)
    with database.transaction() as session:
        session.execute(sa.update(Delivery).values(state=DeliveryState.CANCELLED, settled_at=NOW))
    settle(database, copies, outcome)
    assert delivery_of(database, key).state is state
    assert claim(database, now=NOW + timedelta(days=1)) == []


@pytest.mark.parametrize("outcome", [DEFERRED, UNCERTAIN, ROUTE_DOWN])
def test_an_uncertain_copy_cancelled_on_the_wire_is_not_repeated(database: Database, outcome: Outcome) -> None:
    edition_id = queue_edition(database, 1)
    settle(database, claim(database), UNCERTAIN)
    copies = claim(database, "two", now=MUCH_LATER)
    with database.transaction() as session:
        cancel_edition_copies(session, edition_id=edition_id, now=MUCH_LATER)
    settle(database, copies, outcome, "two", now=MUCH_LATER)
    assert states(database) == [DeliveryState.UNCERTAIN]
    assert claim(database, "three", now=MUCH_LATER + timedelta(days=1)) == []


@pytest.mark.parametrize("is_in_hand", [False, True])
def test_what_may_have_arrived_stays_uncertain_when_it_is_cancelled_while_deferred(
    database: Database, is_in_hand: bool
) -> None:
    edition_id = queue_edition(database, 1)
    settle(database, claim(database), UNCERTAIN)
    settle(database, claim(database, "two", now=MUCH_LATER), DEFERRED, "two", now=MUCH_LATER)
    at = MUCH_LATER + timedelta(hours=4)
    copies = claim(database, "three", now=at) if is_in_hand else []
    with database.transaction() as session:
        cancel_edition_copies(session, edition_id=edition_id, now=at)
    settle(database, copies, Unsent(), "three", now=at)
    assert states(database) == [DeliveryState.UNCERTAIN]
    assert claim(database, "four", now=at + timedelta(days=1)) == []


def test_endings_reach_their_listener_in_the_settling_transaction(database: Database) -> None:
    queue_notes(database, 4)
    copies = claim(database)
    endings = [ACCEPTED, REJECTED, Withheld("gone"), DEFERRED]
    settlements = [Settlement(copy, ending) for copy, ending in zip(copies, endings, strict=True)]
    heard: list[tuple[Session, Sequence[Settlement]]] = []
    with database.transaction() as session:
        settling.settle(
            session, owner="one", settlements=settlements, now=NOW,
            on_settled=lambda session, settlements, _now: heard.append((session, settlements)),
        )  # fmt: skip
    assert heard == [(session, settlements)]
