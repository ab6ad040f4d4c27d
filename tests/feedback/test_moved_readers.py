"""What comes back of letters about a reader's data, and of a mailbox that is not, or no longer, the reader's."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.models import Chunk, Delivery
from app.feedback.models import EventState, FeedbackEvent
from app.feedback.notices import NoticeKind
from app.mail.address import parse_address
from app.product import Product
from app.subscriptions.kinds import ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.models import Subscriber
from app.subscriptions.rights.address_change import (
    ADDRESS_CHANGE,
    ADDRESS_NOTICE,
    AddressChange,
    confirm_address_change,
    request_address_change,
)
from app.subscriptions.rights.data_link import DATA_LINK, request_own_data_link
from tests import make
from tests.conftest import NOW, SUPPRESSION_KEY
from tests.feedback.house import (
    make_copies,
    make_edition,
    notice,
    reader_with_copy,
    subscription_of,
    suppression_of,
    tell,
)

OLD, NEW = "alice@reader.example", "alice@elsewhere.example"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def ask(session: Session) -> AddressChange:
    reader = session.scalars(select(Subscriber)).one()
    request_address_change(
        session, subscriber_id=reader.id, address=parse_address(NEW), method=ConsentMethod.DATA_PAGE, now=NOW + HOUR
    )
    return session.scalars(select(AddressChange)).one()


def move(session: Session) -> None:
    public_id = ask(session).public_id
    confirm_address_change(session, public_id=public_id, suppression_key=SUPPRESSION_KEY, now=NOW + 2 * HOUR)


def letter(session: Session, kind: str) -> int:
    of_kind = select(Delivery.id).join(Chunk, Chunk.id == Delivery.chunk_id).where(Chunk.kind == kind)
    return session.scalars(of_kind).one()


def test_a_mistyped_new_address_does_not_end_the_letters_to_the_one_that_works(product: Product) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session, email=OLD, at=NOW - DAY)
        ask(session)
        copy = letter(session, ADDRESS_CHANGE)
    tell(product, notice(NoticeKind.HARD, copy, status="5.1.1", at=NOW + HOUR), now=NOW + HOUR)
    with product.database.reading() as session:
        assert suppression_of(session, OLD) is None
        assert not subscription_of(session, OLD).is_withheld
        assert session.scalars(select(FeedbackEvent.state)).one() is EventState.NOTED


@pytest.mark.parametrize("kind", [NoticeKind.COMPLAINT, NoticeKind.LEAVE])
def test_whoever_did_not_ask_to_be_the_new_address_ends_the_request_and_no_more(
    product: Product, kind: NoticeKind
) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session, email=OLD, at=NOW - DAY)
        ask(session)
        copy = letter(session, ADDRESS_CHANGE)
    tell(product, notice(kind, copy, at=NOW + HOUR), now=NOW + HOUR)
    with product.database.reading() as session:
        assert suppression_of(session, OLD) is None
        assert subscription_of(session, OLD).status is SubscriptionStatus.CONFIRMED
        assert not session.scalars(select(AddressChange)).one().is_open


@pytest.mark.parametrize("is_notice", [False, True])
def test_what_comes_back_of_the_mailbox_before_says_nothing_of_the_new_one(product: Product, is_notice: bool) -> None:
    copy = reader_with_copy(product)
    with product.database.transaction() as session:
        move(session)
        told_of = letter(session, ADDRESS_NOTICE) if is_notice else copy
    at = NOW + 3 * HOUR
    tell(product, notice(NoticeKind.HARD, told_of, status="5.1.1", at=at), now=at)
    with product.database.reading() as session:
        assert suppression_of(session, NEW) is None
        assert not subscription_of(session, NEW).is_withheld


def test_what_comes_back_of_the_new_mailbox_counts_as_ever(product: Product) -> None:
    reader_with_copy(product)
    at = NOW + DAY
    with product.database.transaction() as session:
        move(session)
        reader = session.scalars(select(Subscriber)).one()
        [copy] = make_copies(session, [reader], edition=make_edition(session), at=at)
    tell(product, notice(NoticeKind.HARD, copy, status="5.1.1", at=at), now=at)
    with product.database.reading() as session:
        found = suppression_of(session, NEW)
        assert found is not None
        assert found.reason is SuppressionReason.HARD_BOUNCE


def test_soft_bounces_of_the_mailbox_before_do_not_add_up_with_those_of_the_new_one(product: Product) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session, email=OLD, at=NOW - 60 * DAY)
        reader = session.scalars(select(Subscriber)).one()
        before = [NOW - days * DAY for days in (20, 15, 10, 5)]
        copies = [make_copies(session, [reader], edition=make_edition(session), at=at)[0] for at in before]
    tell(product, *(notice(NoticeKind.SOFT, copy, at=at) for copy, at in zip(copies, before, strict=True)))
    at = NOW + DAY
    with product.database.transaction() as session:
        move(session)
        reader = session.scalars(select(Subscriber)).one()
        [copy] = make_copies(session, [reader], edition=make_edition(session), at=at)
    tell(product, notice(NoticeKind.SOFT, copy, at=at), now=at)
    with product.database.reading() as session:
        assert suppression_of(session, NEW) is None


def test_a_complaint_about_a_copy_at_the_mailbox_before_is_the_readers_own(product: Product) -> None:
    copy = reader_with_copy(product)
    with product.database.transaction() as session:
        move(session)
    at = NOW + 3 * HOUR
    tell(product, notice(NoticeKind.COMPLAINT, copy, at=at), now=at)
    with product.database.reading() as session:
        assert subscription_of(session, NEW).status is SubscriptionStatus.UNSUBSCRIBED


def test_the_unsubscribe_button_at_a_data_link_ends_the_subscription(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, email=OLD, at=NOW - DAY)
        request_own_data_link(session, subscription_public_id=subscription.public_id, language="fr", now=NOW)
        copy = letter(session, DATA_LINK)
    tell(product, notice(NoticeKind.LEAVE, copy))
    with product.database.reading() as session:
        assert subscription_of(session, OLD).status is SubscriptionStatus.UNSUBSCRIBED
