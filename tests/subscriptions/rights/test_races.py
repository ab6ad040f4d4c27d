"""Rights used by several at once on one reader: whatever the order, the end is one that makes sense."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.models import Delivery, DeliveryState
from app.errors import NotFound, TransitionRefused
from app.mail.address import parse_address
from app.product import Product
from app.subscriptions.confirming import confirm_subscription
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import ConsentEvent
from app.subscriptions.rights.acts import accept_objection, restrict
from app.subscriptions.rights.address_change import (
    AddressChange,
    confirm_address_change,
    request_address_change,
    undo_address_change,
)
from app.subscriptions.rights.data_link import DATA_LINK, request_data_link
from app.subscriptions.rights.erasure import erase_reader
from tests import make
from tests.conftest import NOW
from tests.subscriptions.rights.test_acts import queue
from tests.subscriptions.test_races import _together
from tests.subscriptions.test_signup import ask

ROUNDS = 4
NEW = "new@elsewhere.example"


def in_transaction(product: Product, step: Callable[[Session], object]) -> Callable[[], None]:
    def run() -> None:
        with product.database.transaction() as session:
            step(session)

    return run


def confirming(product: Product, change: str) -> Callable[[], None]:
    key = product.config.suppression_key
    return in_transaction(
        product, lambda session: confirm_address_change(session, public_id=change, suppression_key=key, now=NOW)
    )


def undoing(product: Product, change: str) -> Callable[[], None]:
    key = product.config.suppression_key
    return in_transaction(
        product, lambda session: undo_address_change(session, public_id=change, suppression_key=key, now=NOW)
    )


def check_chains(session: Session) -> None:
    """Each chain holds together, and the newest event is the only one that an erasure may be."""
    events = session.scalars(select(ConsentEvent).order_by(ConsentEvent.chain_id, ConsentEvent.seq)).all()
    before: dict[str, ConsentEvent] = {}
    for event in events:
        previous = before.get(event.chain_id)
        assert event.hash == make.event_hash(event)
        assert event.previous_hash == (previous.hash if previous else "")
        assert previous is None or previous.kind.value != "erased"
        before[event.chain_id] = event


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_an_erasure_wins_over_all_that_happens_meanwhile(product: Product, round_number: int) -> None:
    key, method = product.config.suppression_key, ConsentMethod.DATA_PAGE
    with product.database.transaction() as session:
        ask(session, product)
        subscription = session.scalars(select(Subscription)).one()
        reader_id, public_id, request = subscription.subscriber_id, subscription.public_id, subscription.confirmation_id
        queue(session, subscription)
        address = parse_address(NEW)
        request_address_change(session, subscriber_id=reader_id, address=address, method=method, now=NOW)
        change = session.scalars(select(AddressChange.public_id)).one()
        claimed = make.copies(session)
    settlements = [make.Settlement(copy, make.ENDINGS[DeliveryState.REJECTED]) for copy in claimed]
    steps: list[Callable[[Session], object]] = [
        lambda session: erase_reader(session, subscriber_id=reader_id, method=method, suppression_key=key, now=NOW),
        lambda session: confirm_subscription(
            session, confirmation_id=request or "", suppression_key=product.config.suppression_key, now=NOW
        ),
        lambda session: unsubscribe(session, public_id=public_id, method=ConsentMethod.ONE_CLICK, now=NOW),
        lambda session: restrict(session, subscriber_id=reader_id, method=method, now=NOW),
        lambda session: confirm_address_change(session, public_id=change, suppression_key=key, now=NOW),
        lambda session: make.settling.settle(session, owner=make.SENDER, settlements=settlements, now=NOW),
    ]
    raised = _together(*[in_transaction(product, step) for step in steps[round_number:] + steps[:round_number]])
    assert all(isinstance(error, (NotFound, TransitionRefused)) for error in raised), raised
    with product.database.reading() as session:
        assert session.scalars(select(Subscriber)).all() == session.scalars(select(Subscription)).all() == []
        assert set(session.scalars(select(Delivery.reply_text))) <= {None}
        assert set(session.scalars(select(Delivery.subscriber_id))) == {None}
        check_chains(session)


def test_of_two_readers_who_move_to_one_address_one_arrives(product: Product) -> None:
    with product.database.transaction() as session:
        for name in ("alice", "bob"):
            reader = make.make_subscription(session, email=f"{name}@reader.example").subscriber
            request_address_change(
                session, subscriber_id=reader.id, address=parse_address(NEW), method=ConsentMethod.DATA_PAGE, now=NOW
            )
        changes = list(session.scalars(select(AddressChange.public_id)))
    steps = [confirming(product, change) for change in changes]
    raised = _together(*steps, in_transaction(product, lambda session: ask(session, product, email=NEW)))
    assert all(isinstance(error, TransitionRefused) for error in raised), raised
    assert raised
    with product.database.reading() as session:
        assert session.scalars(select(Subscriber.email_key)).all().count(NEW) == 1
        check_chains(session)


def test_a_confirmation_and_its_undoing_at_once_end_at_the_former_address(product: Product) -> None:
    for _ in range(ROUNDS):
        with product.database.transaction() as session:
            reader = make.make_subscription(session, email="carol@reader.example").subscriber
            address = parse_address(NEW)
            request_address_change(
                session, subscriber_id=reader.id, address=address, method=ConsentMethod.DATA_PAGE, now=NOW
            )
            change = session.scalars(select(AddressChange.public_id)).one()
        raised = _together(confirming(product, change), undoing(product, change))
        assert all(isinstance(error, NotFound) for error in raised), raised
        with product.database.transaction() as session:
            found = session.get_one(Subscriber, reader.id)
            assert found.email == "carol@reader.example"
            session.delete(found)


def test_links_asked_for_at_once_are_one(product: Product) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session)
    asking = in_transaction(
        product,
        lambda session: request_data_link(
            session, address=parse_address("alice@reader.example"), language="fr", now=NOW + timedelta(seconds=1)
        ),
    )
    assert _together(*[asking] * 5) == []
    with product.database.reading() as session:
        assert make.letters(session) == [DATA_LINK]


def test_an_objection_and_a_confirmation_at_once_end_in_nothing_sent(product: Product) -> None:
    key = product.config.suppression_key
    with product.database.transaction() as session:
        ask(session, product)
        subscription = session.scalars(select(Subscription)).one()
        reader_id, request = subscription.subscriber_id, subscription.confirmation_id
    confirm = in_transaction(
        product,
        lambda session: confirm_subscription(
            session, confirmation_id=request or "", suppression_key=product.config.suppression_key, now=NOW
        ),
    )
    objection = in_transaction(
        product,
        lambda session: accept_objection(
            session, subscriber_id=reader_id, method=ConsentMethod.DATA_PAGE, suppression_key=key, now=NOW
        ),
    )
    raised = _together(confirm, objection)
    assert all(isinstance(error, NotFound) for error in raised), raised
    with product.database.reading() as session:
        found = session.scalars(select(Subscription)).one()
        assert (found.status.value, found.is_withheld) == ("unsubscribed", True)
        check_chains(session)
