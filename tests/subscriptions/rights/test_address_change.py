"""Another address for the same reader: confirmed by the new one, taken back by the former, told to nobody else."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import NotFound, TransitionRefused
from app.mail.address import parse_address
from app.product import Product
from app.subscriptions.kinds import ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.ledger import address_hash
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import ConsentEvent
from app.subscriptions.rights.acts import lift_restriction, restrict
from app.subscriptions.rights.address_change import (
    ADDRESS_CHANGE,
    ADDRESS_NOTICE,
    BOUNCED,
    AddressChange,
    Correction,
    confirm_address_change,
    drop_changes,
    request_address_change,
    undo_address_change,
)
from app.subscriptions.suppression import find_suppression, lift_suppression, suppress, suppression_reason
from tests import make
from tests.conftest import NOW

OLD, NEW = "alice@reader.example", "alice@elsewhere.example"


def begin(session: Session, subscriber: Subscriber, email: str = NEW, *, after: timedelta = timedelta()) -> str:
    """Ask for the change and return its id."""
    address = parse_address(email)
    correction = request_address_change(
        session, subscriber_id=subscriber.id, address=address, method=ConsentMethod.DATA_PAGE, now=NOW + after
    )
    assert correction is Correction.MOVE
    return session.scalars(select(AddressChange.public_id).order_by(AddressChange.id.desc()).limit(1)).one()


def confirm(session: Session, product: Product, public_id: str) -> None:
    key = product.config.suppression_key
    confirm_address_change(session, public_id=public_id, suppression_key=key, now=NOW + timedelta(minutes=5))


def undo(session: Session, product: Product, public_id: str, *, now: datetime = NOW) -> None:
    undo_address_change(session, public_id=public_id, suppression_key=product.config.suppression_key, now=now)


def block(session: Session, product: Product, email: str, reason: SuppressionReason) -> None:
    key = product.config.suppression_key
    suppress(session, email_key=email, suppression_key=key, reason=reason, source="test", now=NOW)


def test_nothing_changes_before_the_new_address_confirms_and_then_the_chain_goes_on(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, email=OLD)
        make.make_request(session, subscription)
        reader = subscription.subscriber
        before = (reader.id, reader.chain_id, reader.chain_salt, subscription.public_id)
        public_id = begin(session, reader)
        assert reader.email == OLD
        assert make.letters(session) == [ADDRESS_CHANGE, ADDRESS_NOTICE]
        confirm(session, product, public_id)
        confirm(session, product, public_id)
        assert (reader.email, reader.email_ascii, reader.email_key) == (NEW, NEW, NEW)
        assert (reader.id, reader.chain_id, reader.chain_salt, subscription.public_id) == before
    with product.database.reading() as session:
        first, second = session.scalars(select(ConsentEvent).order_by(ConsentEvent.seq))
        assert (second.kind.value, second.previous_hash) == ("address-changed", first.hash)
        assert second.hash == make.event_hash(second)
        assert (first.address_hash, second.address_hash) == (
            address_hash(before[2], OLD), address_hash(before[2], NEW),
        )  # fmt: skip


def test_the_spelling_of_the_same_mailbox_is_corrected_at_once(product: Product) -> None:
    with product.database.transaction() as session:
        reader = make.make_subscription(session, email=OLD).subscriber
        for correction in (Correction.SPELLING, Correction.NONE):
            assert correction is request_address_change(
                session, subscriber_id=reader.id, address=parse_address("Alice@reader.example"),
                method=ConsentMethod.DATA_PAGE, now=NOW,
            )  # fmt: skip
        assert (reader.email, reader.email_key) == ("Alice@reader.example", OLD)
        assert session.scalars(select(ConsentEvent.detail)).all() == ["spelling"]
        assert make.letters(session) == []


def test_a_newer_request_ends_the_older_and_there_are_three_a_day(product: Product) -> None:
    with product.database.transaction() as session:
        reader = make.make_subscription(session).subscriber
        first = begin(session, reader)
        second = begin(session, reader, "bob@elsewhere.example")
        with pytest.raises(NotFound):
            confirm(session, product, first)
        begin(session, reader)
        with pytest.raises(TransitionRefused):
            begin(session, reader)
        with pytest.raises(NotFound):
            confirm(session, product, second)
        assert begin(session, reader, after=timedelta(days=1))


@pytest.mark.parametrize("reason", [None, *SuppressionReason])
def test_an_address_that_is_taken_or_closed_is_not_confirmed(
    product: Product, reason: SuppressionReason | None
) -> None:
    with product.database.transaction() as session:
        reader = make.make_subscription(session, email=OLD).subscriber
        public_id = begin(session, reader)
        if reason:
            block(session, product, NEW, reason)
        else:
            make.make_subscription(session, email=NEW)
    with product.database.transaction() as session, pytest.raises(TransitionRefused):
        confirm(session, product, public_id)
    with product.database.reading() as session:
        assert session.get_one(Subscriber, reader.id).email == OLD


def test_the_former_address_takes_it_back_before_and_after_and_data_links_die(product: Product) -> None:
    with product.database.transaction() as session:
        reader = make.make_subscription(session, email=OLD).subscriber
        reader.data_id = "d" * 22
        unconfirmed = begin(session, reader)
        undo(session, product, unconfirmed)
        assert reader.data_id is None
        with pytest.raises(NotFound):
            confirm(session, product, unconfirmed)
        confirmed = begin(session, reader)
        confirm(session, product, confirmed)
        for _ in range(2):
            undo(session, product, confirmed)
        assert reader.email == OLD
        with pytest.raises(NotFound):
            confirm(session, product, confirmed)
        assert session.scalars(select(ConsentEvent.detail)).all() == [None, "undone"]


def test_what_cannot_be_taken_back_is_refused(product: Product) -> None:
    with product.database.transaction() as session:
        reader = make.make_subscription(session, email=OLD).subscriber
        public_id = begin(session, reader)
        confirm(session, product, public_id)
        make.make_subscription(session, email=OLD)
    with product.database.transaction() as session, pytest.raises(TransitionRefused):
        undo(session, product, public_id)
    with product.database.reading() as session:
        assert session.get_one(Subscriber, reader.id).email == NEW


def test_taking_it_back_ends_what_was_asked_for_since(product: Product) -> None:
    """Else two changes in a row, each told to the address before it, would shut the reader out."""
    with product.database.transaction() as session:
        reader = make.make_subscription(session, email=OLD).subscriber
        first = begin(session, reader)
        confirm(session, product, first)
        second = begin(session, reader, "b@elsewhere.example", after=timedelta(minutes=6))
        confirm(session, product, second)
        third = begin(session, reader, "c@elsewhere.example", after=timedelta(minutes=7))
        undo(session, product, first, now=NOW + timedelta(minutes=8))
    with product.database.transaction() as session:
        assert session.get_one(Subscriber, reader.id).email == OLD
        for later in (second, third):
            with pytest.raises(NotFound):
                confirm(session, product, later)


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_the_first_of_two_letters_takes_back_the_request_to_which_its_own_gave_way(
    product: Product, is_confirmed: bool
) -> None:
    """Whoever asks in the reader's name may ask twice, and the page says that all is as before."""
    with product.database.transaction() as session:
        reader = make.make_subscription(session, email=OLD).subscriber
        first = begin(session, reader)
        second = begin(session, reader, "b@elsewhere.example", after=timedelta(minutes=1))
        if is_confirmed:
            confirm(session, product, second)
        undo(session, product, first, now=NOW + timedelta(minutes=7))
        assert reader.email == OLD
        with pytest.raises(NotFound):
            confirm(session, product, second)


def test_taking_it_back_twice_leaves_alone_what_was_asked_for_in_between(product: Product) -> None:
    with product.database.transaction() as session:
        reader = make.make_subscription(session, email=OLD).subscriber
        first = begin(session, reader)
        begin(session, reader, "b@elsewhere.example", after=timedelta(minutes=1))
        undo(session, product, first, now=NOW + timedelta(minutes=2))
        third = begin(session, reader, after=timedelta(minutes=3))
        undo(session, product, first, now=NOW + timedelta(minutes=4))
        confirm(session, product, third)
        assert reader.email == NEW


def test_a_dead_mailbox_left_behind_frees_the_letters_and_nothing_else_does(product: Product) -> None:
    for reason, is_withheld in [(reason, False) for reason in BOUNCED] + [(SuppressionReason.ADMIN, True)]:
        with product.database.transaction() as session:
            subscription = make.make_subscription(session, email=f"{reason}@reader.example")
            block(session, product, f"{reason}@reader.example", reason)
            confirm(session, product, begin(session, subscription.subscriber, f"{reason}@elsewhere.example"))
        with product.database.reading() as session:
            assert session.get_one(Subscription, subscription.id).is_withheld is is_withheld


@pytest.mark.parametrize(("email", "is_withheld"), [(OLD, True), (NEW, False)])
def test_back_at_the_former_address_letters_come_if_that_one_may_be_mailed(
    product: Product, email: str, is_withheld: bool
) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, email=OLD)
        if email == OLD:
            block(session, product, OLD, SuppressionReason.HARD_BOUNCE)
        public_id = begin(session, subscription.subscriber)
        confirm(session, product, public_id)
        if email == NEW:
            block(session, product, NEW, SuppressionReason.HARD_BOUNCE)
        undo(session, product, public_id)
    with product.database.reading() as session:
        assert session.get_one(Subscription, subscription.id).is_withheld is is_withheld


def test_a_restriction_stays_when_the_address_goes_back(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, email=OLD)
        public_id = begin(session, subscription.subscriber)
        confirm(session, product, public_id)
        restrict(session, subscriber_id=subscription.subscriber_id, method=ConsentMethod.DATA_PAGE, now=NOW)
        undo(session, product, public_id)
    with product.database.reading() as session:
        assert session.get_one(Subscription, subscription.id).is_withheld


def test_what_the_person_asked_for_moves_along(product: Product) -> None:
    """Else a restriction that is lifted would free the letters, and no clock would find the reader."""
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, email=OLD)
        reader = subscription.subscriber_id
        block(session, product, OLD, SuppressionReason.COMPLAINT)
        confirm(session, product, begin(session, subscription.subscriber))
        key = product.config.suppression_key
        assert suppression_reason(session, email_key=NEW, suppression_key=key) is SuppressionReason.COMPLAINT
        restrict(session, subscriber_id=reader, method=ConsentMethod.DATA_PAGE, now=NOW)
        lift_restriction(session, subscriber_id=reader, method=ConsentMethod.DATA_PAGE, suppression_key=key, now=NOW)
        assert subscription.is_withheld


def test_what_an_admin_lifted_stays_lifted_at_the_new_address(product: Product) -> None:
    key = product.config.suppression_key
    with product.database.transaction() as session:
        reader = make.make_subscription(session, email=OLD).subscriber
        block(session, product, OLD, SuppressionReason.COMPLAINT)
        lift_suppression(session, email_key=OLD, suppression_key=key, actor="ada", note="she wrote", now=NOW)
        confirm(session, product, begin(session, reader))
        moved = find_suppression(session, email_key=NEW, suppression_key=key)
        assert moved is not None
        assert (moved.may_ask, moved.lifted_by, moved.note) == (True, "ada", "she wrote")


def test_a_restriction_moves_along(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, email=OLD)
        restrict(session, subscriber_id=subscription.subscriber_id, method=ConsentMethod.DATA_PAGE, now=NOW)
        block(session, product, OLD, SuppressionReason.HARD_BOUNCE)
        confirm(session, product, begin(session, subscription.subscriber))
    with product.database.reading() as session:
        assert session.get_one(Subscription, subscription.id).is_withheld


def test_the_leave_link_of_the_letter_to_the_new_address_ends_the_request_alone(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, email=OLD)
        public_id = begin(session, subscription.subscriber)
        unsubscribe(session, public_id=public_id, method=ConsentMethod.ONE_CLICK, now=NOW)
        assert subscription.status is SubscriptionStatus.CONFIRMED
        with pytest.raises(NotFound):
            confirm(session, product, public_id)


def test_former_addresses_are_kept_as_long_as_their_links_work(product: Product) -> None:
    with product.database.transaction() as session:
        begin(session, make.make_subscription(session).subscriber)
        assert drop_changes(session, before=NOW) == 0
        assert drop_changes(session, before=NOW + timedelta(seconds=1)) == 1
        assert session.scalars(select(AddressChange)).all() == []
