"""What readers and admins do by the rules verifies: the ledger says the same as the rest of the database."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.product import Product
from app.seals.verifying import verify_ledger
from app.subscriptions import rights
from app.subscriptions.archive import archive_left, drop_stubs, prune_archived
from app.subscriptions.departure_models import ConsentArchive
from app.subscriptions.leaving import undo_departure, unsubscribe
from app.subscriptions.ledger import Act, record_act
from app.subscriptions.models import ConsentEvent, ConsentKind, ConsentMethod, Subscription
from tests.conftest import NOW
from tests.seals.ledger import DAY, build, found, place_of, raw, tamper
from tests.subscriptions.test_signup import ask

#: After the last seal, and before anybody looks.
AT = NOW + 3 * DAY - timedelta(hours=6)
Deed = Callable[[Session, Product, Subscription], object]


def leave(session: Session, product: Product, place: Subscription) -> None:
    unsubscribe(session, public_id=place.public_id, method=ConsentMethod.ONE_CLICK, now=AT)


def leave_and_undo(session: Session, product: Product, place: Subscription) -> None:
    leave(session, product, place)
    undo_departure(session, public_id=place.public_id, now=AT + timedelta(minutes=5))


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


def archive(session: Session, product: Product, place: Subscription) -> None:
    leave(session, product, place)
    session.flush()
    assert archive_left(session, before=AT + timedelta(hours=1), suppression_key="k", now=AT + timedelta(hours=2)) == 1


def prune(session: Session, product: Product, place: Subscription) -> None:
    archive(session, product, place)
    assert prune_archived(session, before=AT + timedelta(hours=1), now=AT + timedelta(hours=2)) == 1


@pytest.mark.parametrize(
    "deed", [leave, leave_and_undo, object_to_all, lapse, lapse_and_stay, stay, ask_again, archive, prune]
)
def test_what_is_done_by_the_rules_verifies(product: Product, deed: Deed) -> None:
    build(product)
    with product.database.transaction() as session:
        deed(session, product, place_of(session, "alice"))
    assert found(product) == []


def test_an_archive_whose_proof_is_gone_shows(product: Product) -> None:
    build(product)
    with product.database.transaction() as session:
        chain = place_of(session, "alice").subscriber.chain_id
        archive(session, product, place_of(session, "alice"))
    events = raw(ConsentEvent)
    tamper(product, sa.delete(events).where(events.c.chain_id == chain))
    assert f"chain {chain}: it is archived, and its events are gone" in found(product)


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
    report = verify_ledger(product.database, keys=keys, now=NOW + 3 * DAY, kept_since=after)
    assert (report.problems, report.past_seals) == ([], 3)
