"""Queue, claim, settle: the rows are the truth."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.db import Database
from app.delivery import queue
from app.delivery.models import Delivery, DeliveryState
from app.delivery.queue import Settlement, Unsent, Withheld
from app.mail.pacing import GIVE_UP_AFTER
from app.mail.transport import Fault, Outcome, OutcomeKind
from tests.conftest import NOW
from tests.delivery.house import delivery_of, make_edition, make_subscriber, queue_notes, states

LEASE = timedelta(minutes=5)
ACCEPTED = Outcome(OutcomeKind.ACCEPTED, 250, "2.0.0", "taken")
DEFERRED = Outcome(OutcomeKind.DEFERRED, 451, "4.3.0", "later", Fault.DESTINATION)
REJECTED = Outcome(OutcomeKind.REJECTED, 550, "5.1.1", "no such user", Fault.ADDRESS)
UNCERTAIN = Outcome(OutcomeKind.UNCERTAIN, text="no reply", fault=Fault.HOST)
ROUTE_DOWN = Outcome(OutcomeKind.DEFERRED, text="refused", fault=Fault.HOST)
MUCH_LATER = NOW + timedelta(hours=4)


def claim(database: Database, owner: str = "one", limit: int = 100, now: datetime = NOW) -> list[Delivery]:
    with database.transaction() as session:
        return queue.claim(session, owner=owner, now=now, limit=limit, lease=LEASE)


def settle(
    database: Database,
    claims: Sequence[Delivery],
    ending: Outcome | Withheld | Unsent,
    owner: str = "one",
    now: datetime = NOW,
) -> int:
    settlements = [Settlement(delivery.id, delivery.attempt, ending) for delivery in claims]
    with database.transaction() as session:
        return len(queue.settle(session, owner=owner, settlements=settlements, now=now))


def test_a_claim_marks_what_it_takes(database: Database) -> None:
    [key] = queue_notes(database)
    [claimed] = claim(database)
    stored = delivery_of(database, key)
    for row in (claimed, stored):
        assert (row.id, row.state, row.owner, row.attempt) == (key, DeliveryState.SENDING, "one", 1)
        assert row.lease_until == NOW + LEASE
    assert claim(database, "two") == []


def test_urgent_copies_overtake_and_the_limit_holds(database: Database) -> None:
    ordinary = queue_notes(database, 3)
    urgent = queue_notes(database, 2, priority=0)
    assert [delivery.id for delivery in claim(database, limit=3)] == [*urgent, ordinary[0]]


def test_what_is_not_due_yet_is_left(database: Database) -> None:
    queue_notes(database)
    settle(database, claim(database), DEFERRED)
    assert claim(database, now=NOW + timedelta(minutes=5)) == []
    assert len(claim(database, now=MUCH_LATER)) == 1


def test_a_held_edition_is_left_until_it_is_released(database: Database) -> None:
    edition_id = make_edition(database)
    queue_notes(database, 2, edition_id=edition_id)
    [free] = queue_notes(database)
    with database.transaction() as session:
        queue.hold_edition(session, edition_id=edition_id, now=NOW)
        queue.hold_edition(session, edition_id=edition_id, now=NOW)
    assert [delivery.id for delivery in claim(database)] == [free]
    with database.transaction() as session:
        queue.release_edition(session, edition_id=edition_id)
    assert len(claim(database)) == 2


def test_many_that_claim_at_once_never_share_a_copy(database: Database) -> None:
    queue_notes(database, 400)

    def work(number: int) -> list[int]:
        mine: list[int] = []
        while claims := claim(database, f"owner-{number}", limit=17):
            mine += [delivery.id for delivery in claims]
        return mine

    with ThreadPoolExecutor(8) as pool:
        taken = [key for keys in pool.map(work, range(8)) for key in keys]
    assert len(taken) == len(set(taken)) == 400


def test_an_idle_queue_has_nothing_due(database: Database) -> None:
    def has_due() -> bool:
        with database.reading() as session:
            return queue.has_due(session, now=NOW)

    assert not has_due()
    queue_notes(database)
    assert has_due()
    claim(database)
    assert not has_due()


@pytest.mark.parametrize(
    ("outcome", "state", "is_done"),
    [
        (ACCEPTED, DeliveryState.ACCEPTED, True),
        (REJECTED, DeliveryState.REJECTED, True),
        (DEFERRED, DeliveryState.DEFERRED, False),
        (UNCERTAIN, DeliveryState.UNCERTAIN, False),
        (ROUTE_DOWN, DeliveryState.QUEUED, False),
    ],
)
def test_an_outcome_is_recorded(database: Database, outcome: Outcome, state: DeliveryState, is_done: bool) -> None:
    [key] = queue_notes(database)
    assert settle(database, claim(database), outcome) == 1
    row = delivery_of(database, key)
    assert (row.state, row.reply_code, row.reply_text, row.fault) == (state, outcome.code, outcome.text, outcome.fault)
    assert (row.settled_at == NOW) is is_done
    assert row.lease_until is None


def test_only_the_claim_itself_is_settled(database: Database) -> None:
    [key] = queue_notes(database)
    first = claim(database)
    assert settle(database, first, ACCEPTED, owner="two") == 0
    settle(database, first, DEFERRED)
    assert settle(database, first, ACCEPTED) == 0
    claim(database, now=MUCH_LATER)
    assert settle(database, first, ACCEPTED, now=MUCH_LATER) == 0
    assert delivery_of(database, key).state is DeliveryState.SENDING


def test_an_unsent_copy_goes_back_as_it_was(database: Database) -> None:
    [key] = queue_notes(database)
    settle(database, claim(database), Unsent())
    row = delivery_of(database, key)
    assert (row.state, row.attempt, row.next_attempt_at, row.owner) == (DeliveryState.QUEUED, 0, NOW, None)


def test_a_fault_of_the_route_costs_no_attempt(database: Database) -> None:
    [key] = queue_notes(database)
    settle(database, claim(database), ROUTE_DOWN)
    assert delivery_of(database, key).attempt == 0
    assert len(claim(database, now=NOW + queue.ROUTE_FAULT_DELAY)) == 1


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
    assert [delivery.attempt for delivery in again] == [2]
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


def test_a_late_outcome_replaces_uncertain_until_somebody_claims(database: Database) -> None:
    [key] = queue_notes(database)
    first = claim(database)
    settle(database, first, UNCERTAIN)
    assert settle(database, first, ACCEPTED) == 1
    assert delivery_of(database, key).state is DeliveryState.ACCEPTED


def test_a_withheld_copy_is_cancelled_but_uncertain_stays_uncertain(database: Database) -> None:
    fresh, doubtful = queue_notes(database, 2)
    both = claim(database)
    settle(database, both[1:], UNCERTAIN)
    settle(database, both[:1], Withheld("unsubscribed"))
    settle(database, claim(database, now=MUCH_LATER), Withheld("unsubscribed"), now=MUCH_LATER)
    assert states(database) == [DeliveryState.CANCELLED, DeliveryState.UNCERTAIN]
    assert delivery_of(database, fresh).reply_text == "unsubscribed"
    assert claim(database, now=MUCH_LATER + timedelta(days=1)) == []
    assert delivery_of(database, doubtful).attempt == 2


def test_cancelling_reaches_what_waits_and_nothing_else(database: Database) -> None:
    newsletters = {"newsletter_id": 1}
    in_hand, deferred, doubtful, waiting = queue_notes(database, 4, **newsletters)
    [other] = queue_notes(database, newsletter_id=2)
    claims = {delivery.id: delivery for delivery in claim(database)}
    settle(database, [claims[deferred]], DEFERRED)
    settle(database, [claims[doubtful]], UNCERTAIN)
    settle(database, [claims[waiting], claims[other]], Unsent())
    with database.transaction() as session:
        assert queue.cancel_waiting(session, newsletter_id=1, now=NOW) == 2
    assert states(database) == [
        DeliveryState.SENDING,
        DeliveryState.CANCELLED,
        DeliveryState.UNCERTAIN,
        DeliveryState.CANCELLED,
        DeliveryState.QUEUED,
    ]
    assert [delivery.id for delivery in claim(database, "two", now=MUCH_LATER)] == [other]
    assert delivery_of(database, in_hand).owner == "one"


def test_cancelling_everything_is_refused(database: Database) -> None:
    with database.transaction() as session, pytest.raises(ValueError, match="never"):
        queue.cancel_waiting(session, now=NOW)


def test_a_renewed_lease_does_not_expire(database: Database) -> None:
    queue_notes(database, 2)
    claim(database, limit=1)
    claim(database, "two", limit=1)
    later = NOW + timedelta(minutes=6)
    with database.transaction() as session:
        assert queue.renew(session, owner="one", now=NOW + timedelta(minutes=4), lease=LEASE) == 1
        assert queue.expire_leases(session, living=[], now=later) == 1
    assert states(database) == [DeliveryState.SENDING, DeliveryState.UNCERTAIN]


def test_the_lease_of_a_living_owner_is_left_alone(database: Database) -> None:
    queue_notes(database)
    claim(database)
    with database.transaction() as session:
        assert queue.expire_leases(session, living=["one"], now=MUCH_LATER) == 0
        assert queue.expire_leases(session, living=["two"], now=MUCH_LATER) == 1


def test_one_copy_for_each_edition_and_subscriber(database: Database) -> None:
    edition_id, subscriber_id = make_edition(database), make_subscriber(database)
    queue_notes(database, edition_id=edition_id, subscriber_id=subscriber_id)
    with pytest.raises(sa.exc.IntegrityError):
        queue_notes(database, edition_id=edition_id, subscriber_id=subscriber_id)


def test_claiming_from_a_long_history_uses_the_index(database: Database) -> None:
    with database.transaction() as session:
        statement = queue._due(NOW).order_by(Delivery.priority, Delivery.id).limit(10)
        if not database.is_sqlite:
            session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        assert "ix_deliveries_waiting" in explained(session, statement)


def explained(session: Session, statement: sa.Select[int]) -> str:
    bind = session.get_bind()
    prefix = "EXPLAIN QUERY PLAN " if bind.dialect.name == "sqlite" else "EXPLAIN "
    plan = session.execute(sa.text(prefix + str(statement.compile(bind, compile_kwargs={"literal_binds": True}))))
    return " ".join(str(row) for row in plan)


def is_held(database: Database, delivery: Delivery) -> bool:
    with database.reading() as session:
        return queue.is_held(session, delivery)


def test_a_claim_that_lapsed_is_no_longer_held(database: Database) -> None:
    queue_notes(database, 1)
    [mine] = claim(database, owner="sleeper")
    assert is_held(database, mine)
    with database.transaction() as session:
        queue.expire_leases(session, living=(), now=NOW + timedelta(hours=1))
    assert not is_held(database, mine)
    claim(database, owner="other", now=MUCH_LATER)
    assert not is_held(database, mine)
    assert settle(database, [mine], ACCEPTED, owner="sleeper") == 0


def test_a_recipient_that_breaks_the_connection_lets_others_pass(database: Database) -> None:
    queue_notes(database, 2)
    [poison] = claim(database, limit=1)
    settle(database, [poison], Outcome(OutcomeKind.DEFERRED, 421, text="bye", fault=Fault.HOST, names_recipient=True))
    [other] = claim(database, now=NOW + timedelta(minutes=1))
    assert other.id != poison.id
