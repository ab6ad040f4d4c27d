"""What readers and admins do by the rules verifies: the ledger says the same as the rest of the database."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.mail.address import parse_address
from app.newsletters.models import ConsentWording, WordingPurpose
from app.product import Product
from app.seals.verifying import verify_ledger
from app.subscriptions.archive import archive_left, drop_stubs, prune_archived
from app.subscriptions.confirming import confirm_subscription
from app.subscriptions.counting import allow_counting, end_counting
from app.subscriptions.departures.models import ConsentArchive
from app.subscriptions.kinds import ConsentKind, ConsentMethod
from app.subscriptions.leaving import undo_departure, unsubscribe
from app.subscriptions.ledger import Act, prune_chain, record_act
from app.subscriptions.models import Subscription
from app.subscriptions.records import ConsentEvent
from app.subscriptions.rights import acts as rights
from app.subscriptions.rights.address_change import AddressChange, confirm_address_change, request_address_change
from app.subscriptions.rights.erasure import delete_reader
from tests.conftest import NOW
from tests.seals.ledger import DAY, build, found, place_of, raw, tamper, verify
from tests.subscriptions.test_signup import ask

#: After the last seal, and before anybody looks.
AT = NOW + 3 * DAY - timedelta(hours=6)
Deed = Callable[[Session, Product, Subscription], object]


def leave(session: Session, product: Product, place: Subscription) -> None:
    unsubscribe(session, public_id=place.public_id, method=ConsentMethod.ONE_CLICK, now=AT)


def leave_and_undo(session: Session, product: Product, place: Subscription) -> None:
    leave(session, product, place)
    undo_departure(session, public_id=place.public_id, suppression_key="k", now=AT + timedelta(minutes=5))


def object_to_all(session: Session, product: Product, place: Subscription) -> None:
    rights.accept_objection(
        session, subscriber_id=place.subscriber_id, method=ConsentMethod.ADMIN, suppression_key="k", now=AT, actor="ada"
    )


def lapse(session: Session, product: Product, place: Subscription) -> None:
    record_act(session, place, Act(ConsentKind.LAPSED, ConsentMethod.CLOCK, AT, "fr"))
    place.unsubscribe(AT)


def lapse_and_stay(session: Session, product: Product, place: Subscription) -> None:
    lapse(session, product, place)
    late = AT + timedelta(hours=1)
    record_act(session, place, Act(ConsentKind.STAYED, ConsentMethod.STAY_PAGE, late, "fr"))
    place.resume(late)


def stay(session: Session, product: Product, place: Subscription) -> None:
    record_act(session, place, Act(ConsentKind.RENEWED, ConsentMethod.RENEWAL_PAGE, AT, "fr"))


def ask_again(session: Session, product: Product, place: Subscription) -> None:
    ask(session, product, email="alice@reader.example", at=AT)
    ask(session, product, email="alice@reader.example", at=AT + timedelta(hours=2))


def restrict(session: Session, product: Product, place: Subscription) -> None:
    rights.restrict(session, subscriber_id=place.subscriber_id, method=ConsentMethod.DATA_PAGE, now=AT)


def restrict_and_lift(session: Session, product: Product, place: Subscription) -> None:
    restrict(session, product, place)
    method, late = ConsentMethod.ADMIN, AT + timedelta(hours=1)
    rights.lift_restriction(
        session, subscriber_id=place.subscriber_id, method=method, suppression_key="k", now=late, actor="ada"
    )


def be_counted(session: Session, product: Product, place: Subscription) -> None:
    purpose = WordingPurpose.MEASUREMENT
    wording = session.scalars(sa.select(ConsentWording).where(ConsentWording.purpose == purpose)).first()
    assert wording is not None
    allow_counting(session, public_id=place.public_id, wording_id=wording.id, policy_id=1, now=AT)


def be_counted_no_more(session: Session, product: Product, place: Subscription) -> None:
    be_counted(session, product, place)
    end_counting(session, public_id=place.public_id, now=AT + timedelta(hours=1))


def be_counted_leave_and_come_back(session: Session, product: Product, place: Subscription) -> None:
    be_counted(session, product, place)
    leave(session, product, place)
    ask(session, product, email="alice@reader.example", at=AT + timedelta(minutes=1))
    assert place.confirmation_id is not None
    late = AT + timedelta(minutes=2)
    confirm_subscription(session, confirmation_id=place.confirmation_id, suppression_key="k", now=late)


def spell_otherwise(session: Session, product: Product, place: Subscription) -> None:
    address = parse_address("Alice@Reader.EXAMPLE")
    request_address_change(
        session, subscriber_id=place.subscriber_id, address=address, method=ConsentMethod.DATA_PAGE, now=AT
    )


def move_to_an_accented_domain(session: Session, product: Product, place: Subscription) -> None:
    address = parse_address("Zoé.Alice@exämple.example")
    request_address_change(
        session, subscriber_id=place.subscriber_id, address=address, method=ConsentMethod.DATA_PAGE, now=AT
    )
    change = session.scalars(sa.select(AddressChange)).one()
    confirm_address_change(session, public_id=change.public_id, suppression_key="k", now=AT + timedelta(hours=1))


def archive(session: Session, product: Product, place: Subscription) -> None:
    leave(session, product, place)
    session.flush()
    assert archive_left(session, before=AT + timedelta(hours=1), suppression_key="k", now=AT + timedelta(hours=2)) == 1


def prune(session: Session, product: Product, place: Subscription) -> None:
    archive(session, product, place)
    assert prune_archived(session, before=AT + timedelta(hours=1), now=AT + timedelta(hours=2)) == 1


DEEDS: list[Deed] = [
    leave, leave_and_undo, object_to_all, lapse, lapse_and_stay, stay, ask_again, restrict, restrict_and_lift,
    be_counted, be_counted_no_more, be_counted_leave_and_come_back, spell_otherwise, move_to_an_accented_domain,
    archive, prune,
]  # fmt: skip


@pytest.mark.parametrize("deed", DEEDS)
def test_what_is_done_by_the_rules_verifies(product: Product, deed: Deed) -> None:
    build(product)
    with product.database.transaction() as session:
        deed(session, product, place_of(session, "alice"))
    kept_since = AT if deed is prune else NOW - DAY
    assert [str(problem) for problem in verify(product, kept_since=kept_since).problems] == []


def test_an_archive_whose_proof_is_gone_shows(product: Product) -> None:
    build(product)
    with product.database.transaction() as session:
        chain = place_of(session, "alice").subscriber.chain_id
        archive(session, product, place_of(session, "alice"))
    events = raw(ConsentEvent)
    tamper(product, sa.delete(events).where(events.c.chain_id == chain))
    assert f"chain {chain}: it is archived, and its events are gone" in found(product)


def test_a_chain_pruned_before_its_time_shows(product: Product) -> None:
    build(product)
    with product.database.transaction() as session:
        reader = place_of(session, "alice").subscriber
        prune_chain(session, reader.chain_id, now=AT)
        delete_reader(session, reader)
    assert found(product) == ["seal 2026-03-17: the chains of its time are not what was sealed"]


def test_an_archive_entry_that_is_gone_shows(product: Product) -> None:
    build(product)
    with product.database.transaction() as session:
        archive(session, product, place_of(session, "alice"))
    tamper(product, sa.delete(raw(ConsentArchive)))
    assert [line.partition(": ")[2] for line in found(product)] == ["its reader is gone, and no erasure is recorded"]


def test_seals_from_before_the_time_of_keeping_are_not_recomputed(product: Product) -> None:
    build(product)
    with product.database.transaction() as session:
        prune(session, product, place_of(session, "alice"))
        assert drop_stubs(session, before=AT + 2 * DAY) > 0
    assert [line.partition(":")[0] for line in found(product)] == ["seal 2026-03-17", "seal 2026-03-18"]
    keys, after = product.proof_keys, NOW + 4 * DAY
    report = verify_ledger(product.database, keys=keys, now=NOW + 3 * DAY, kept_since=after, log_months=6)
    assert (report.problems, report.past_seals) == ([], 3)
