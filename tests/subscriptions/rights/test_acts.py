"""Restriction and objection, and what an erasure leaves of all that hangs on a reader."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.models import Delivery, DeliveryState
from app.delivery.queue import enqueue
from app.errors import NotFound
from app.product import Product
from app.subscriptions.kinds import ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.models import Subscription, gets_letters
from app.subscriptions.records import ConsentEvent, Suppression
from app.subscriptions.rights.acts import accept_objection, lift_restriction, restrict
from app.subscriptions.rights.address_change import AddressChange
from app.subscriptions.rights.erasure import erase_reader
from app.subscriptions.suppression import is_suppressed, suppress
from tests import make
from tests.conftest import NOW
from tests.subscriptions.rights.test_address_change import begin

PAGE = ConsentMethod.DATA_PAGE


def queue(session: Session, subscription: Subscription) -> None:
    enqueue(
        session, kind="edition", language="fr", newsletter_id=subscription.newsletter_id,
        subscriber_id=subscription.subscriber_id, now=NOW,
    )  # fmt: skip


def kinds(session: Session) -> list[str]:
    return [kind.value for kind in session.scalars(select(ConsentEvent.kind).order_by(ConsentEvent.seq))]


def wanted(session: Session) -> bool:
    return session.scalar(select(Subscription.id).where(gets_letters(NOW))) is not None


def test_a_restricted_reader_stays_and_gets_nothing_until_they_lift_it(product: Product) -> None:
    key = product.config.suppression_key
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        queue(session, subscription)
        for _ in range(2):
            restrict(session, subscriber_id=subscription.subscriber_id, method=PAGE, now=NOW)
        session.refresh(subscription)
        assert (subscription.status, subscription.is_withheld) == (SubscriptionStatus.CONFIRMED, True)
        assert not wanted(session)
        assert make.letters(session, DeliveryState.CANCELLED) == ["edition"]
        for _ in range(2):
            lift_restriction(
                session, subscriber_id=subscription.subscriber_id, method=PAGE, suppression_key=key, now=NOW
            )
        assert wanted(session)
        assert kinds(session) == ["restricted", "restriction-lifted"]


def test_lifting_a_restriction_frees_no_address_that_is_suppressed(product: Product) -> None:
    key = product.config.suppression_key
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        restrict(session, subscriber_id=subscription.subscriber_id, method=PAGE, now=NOW)
        suppress(
            session, email_key="alice@reader.example", suppression_key=key,
            reason=SuppressionReason.COMPLAINT, source="test", now=NOW,
        )  # fmt: skip
        lift_restriction(session, subscriber_id=subscription.subscriber_id, method=PAGE, suppression_key=key, now=NOW)
        assert not wanted(session)


def test_an_objection_ends_everything_at_once_and_keeps_only_a_keyed_hash(product: Product) -> None:
    key = product.config.suppression_key
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        queue(session, subscription)
        for _ in range(2):
            accept_objection(
                session, subscriber_id=subscription.subscriber_id, method=PAGE, suppression_key=key, now=NOW
            )
        assert subscription.status is SubscriptionStatus.UNSUBSCRIBED
        assert session.scalars(select(Suppression.reason)).one() is SuppressionReason.OBJECTION
        assert is_suppressed(session, email_key="alice@reader.example", suppression_key=key)
        assert make.letters(session, DeliveryState.CANCELLED) == ["edition"]
        assert kinds(session) == ["objected"]


def test_an_erasure_takes_addresses_on_their_way_along(product: Product) -> None:
    key = product.config.suppression_key
    with product.database.transaction() as session:
        reader = make.make_subscription(session).subscriber
        begin(session, reader)
        erase_reader(session, subscriber_id=reader.id, method=PAGE, suppression_key=key, now=NOW)
    with product.database.reading() as session:
        assert session.scalars(select(AddressChange)).all() == []
        assert session.scalars(select(Delivery.subscriber_id).distinct()).all() == [None]


def test_who_is_gone_has_no_rights_left(product: Product) -> None:
    with product.database.transaction() as session:
        for act in (restrict, lift_restriction, accept_objection):
            more = {} if act is restrict else {"suppression_key": "k"}
            with pytest.raises(NotFound):
                act(session, subscriber_id=7, method=PAGE, now=NOW, **more)
