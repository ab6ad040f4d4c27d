"""Who comes back, and how: a fresh confirmation alone revives, and after a complaint an admin has to allow it first."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.models import DeliveryState
from app.errors import NotFound, TransitionRefused
from app.mail.address import parse_address
from app.product import Product
from app.subscriptions.confirming import confirm_subscription
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.models import Subscription
from app.subscriptions.newcomers.imports import Arrival, Newcomer, Provenance, import_readers
from app.subscriptions.records import ConsentEvent
from app.subscriptions.suppression import find_suppression, lift_suppression, suppress, suppress_reader
from tests import make
from tests.conftest import NOW, SUPPRESSION_KEY
from tests.subscriptions.test_signup import add, ask

EMAIL = "alice@reader.example"
REASONS = list(SuppressionReason)
FREE = [reason for reason in REASONS if not reason.needs_admin]
CLOSED = [reason for reason in REASONS if reason.needs_admin]


def stop(session: Session, reason: SuppressionReason) -> Subscription:
    """A confirmed reader whose address is suppressed."""
    subscription = make.make_subscription(session, email=EMAIL)
    suppress_reader(
        session, subscription.subscriber, suppression_key=SUPPRESSION_KEY, reason=reason, method=ConsentMethod.ADMIN,
        source="test", now=NOW,
    )  # fmt: skip
    session.refresh(subscription)
    return subscription


def press(session: Session, subscription: Subscription) -> None:
    confirm_subscription(
        session, confirmation_id=str(subscription.confirmation_id), suppression_key=SUPPRESSION_KEY, now=NOW
    )


def is_suppressed(session: Session) -> bool:
    return find_suppression(session, email_key=EMAIL, suppression_key=SUPPRESSION_KEY) is not None


@pytest.mark.parametrize("reason", FREE)
def test_a_fresh_confirmation_revives(product: Product, reason: SuppressionReason) -> None:
    with product.database.transaction() as session:
        subscription = stop(session, reason)
        ask(session, product, email=EMAIL)
        assert make.letters(session, DeliveryState.QUEUED) == ["confirmation"]
        assert (subscription.status, subscription.is_withheld) == (SubscriptionStatus.PENDING, True)
        assert is_suppressed(session)
        press(session, subscription)
        session.refresh(subscription)
        assert (subscription.status, subscription.is_withheld) == (SubscriptionStatus.CONFIRMED, False)
        assert not is_suppressed(session)
        kinds = session.scalars(select(ConsentEvent.kind).order_by(ConsentEvent.id)).all()
        assert kinds[-3:] == [ConsentKind.REQUESTED, ConsentKind.REVIVED, ConsentKind.CONFIRMED]


@pytest.mark.parametrize("reason", CLOSED)
def test_after_a_complaint_an_admin_lifts_it_first(product: Product, reason: SuppressionReason) -> None:
    with product.database.transaction() as session:
        subscription = stop(session, reason)
        ask(session, product, email=EMAIL)
        assert make.letters(session) == []
        lift_suppression(
            session, email_key=EMAIL, suppression_key=SUPPRESSION_KEY, actor="ada@desk.example", note="asked", now=NOW
        )
        session.refresh(subscription)
        assert subscription.is_withheld
        assert is_suppressed(session)
        ask(session, product, email=EMAIL)
        press(session, subscription)
        assert not is_suppressed(session)


@pytest.mark.parametrize("reason", CLOSED)
def test_a_link_from_before_a_complaint_confirms_nothing(product: Product, reason: SuppressionReason) -> None:
    with product.database.transaction() as session:
        ask(session, product, email=EMAIL)
        subscription = session.scalars(select(Subscription)).one()
        suppress(session, email_key=EMAIL, suppression_key=SUPPRESSION_KEY, reason=reason, source="test", now=NOW)
        with pytest.raises(NotFound):
            press(session, subscription)
        assert subscription.status is SubscriptionStatus.PENDING


@pytest.mark.parametrize("reason", REASONS)
def test_an_admin_adding_an_address_revives_nothing(product: Product, reason: SuppressionReason) -> None:
    with product.database.transaction() as session:
        suppress(session, email_key=EMAIL, suppression_key=SUPPRESSION_KEY, reason=reason, source="test", now=NOW)
        with pytest.raises(TransitionRefused):
            add(session, product, EMAIL)
        assert make.letters(session) == []


@pytest.mark.parametrize("reason", REASONS)
def test_an_import_revives_nothing(product: Product, reason: SuppressionReason) -> None:
    proof = Provenance("paper form", NOW)
    with product.database.transaction() as session:
        subscription = stop(session, reason)
        suppress(
            session, email_key="new@reader.example", suppression_key=SUPPRESSION_KEY, reason=reason, source="test",
            now=NOW,
        )  # fmt: skip
        newcomers = [Newcomer(parse_address(email), "fr", proof) for email in (EMAIL, "new@reader.example")]
        arrivals = import_readers(
            session, newcomers, newsletter_id=subscription.newsletter_id, actor="ada", suppression_key=SUPPRESSION_KEY,
            now=NOW,
        )  # fmt: skip
        assert arrivals == [Arrival.SUPPRESSED] * 2
        session.refresh(subscription)
        assert subscription.is_withheld
        assert session.scalars(select(Subscription)).all() == [subscription]


@pytest.mark.parametrize("reason", FREE)
def test_there_is_nothing_to_lift_where_the_reader_may_come_back(product: Product, reason: SuppressionReason) -> None:
    with product.database.transaction() as session:
        stop(session, reason)
        with pytest.raises(TransitionRefused):
            lift_suppression(
                session, email_key=EMAIL, suppression_key=SUPPRESSION_KEY, actor="ada", note="why", now=NOW
            )


@pytest.mark.parametrize("first", REASONS)
@pytest.mark.parametrize("second", REASONS)
def test_the_stronger_reason_stands_whichever_came_first(
    product: Product, first: SuppressionReason, second: SuppressionReason
) -> None:
    with product.database.transaction() as session:
        for reason in (first, second):
            suppress(session, email_key=EMAIL, suppression_key=SUPPRESSION_KEY, reason=reason, source="test", now=NOW)
        found = find_suppression(session, email_key=EMAIL, suppression_key=SUPPRESSION_KEY)
        assert found is not None
        assert found.reason is max(first, second, key=REASONS.index)


def test_a_new_complaint_closes_again_what_was_lifted(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = stop(session, SuppressionReason.COMPLAINT)
        lift_suppression(session, email_key=EMAIL, suppression_key=SUPPRESSION_KEY, actor="ada", note="why", now=NOW)
        suppress(
            session, email_key=EMAIL, suppression_key=SUPPRESSION_KEY, reason=SuppressionReason.COMPLAINT,
            source="test", now=NOW,
        )  # fmt: skip
        ask(session, product, email=EMAIL)
        assert make.letters(session) == []
        assert subscription.status is SubscriptionStatus.CONFIRMED
