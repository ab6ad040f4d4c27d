"""Leaving: at once, every time, also for what already waits in the queue."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.delivery.models import Delivery, DeliveryState
from app.delivery.queue import enqueue
from app.product import Product
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import ConsentEvent
from tests import make
from tests.conftest import NOW


def leave(session: Session, public_id: str) -> None:
    unsubscribe(session, public_id=public_id, method=ConsentMethod.ONE_CLICK, now=NOW)


def test_leaving_ends_the_subscription_cancels_waiting_copies_and_is_recorded(product: Product) -> None:
    with product.database.transaction() as session:
        mine, other = make.make_subscription(session), make.make_subscription(session, email="bob@reader.example")
        for subscription in (mine, other):
            enqueue(
                session, kind="edition", language="fr", now=NOW,
                newsletter_id=subscription.newsletter_id, subscriber_id=subscription.subscriber_id,
            )  # fmt: skip
        leave(session, mine.public_id)
        states = {
            row.subscriber_id: row.state for row in session.execute(select(Delivery.subscriber_id, Delivery.state))
        }
        assert states == {mine.subscriber_id: DeliveryState.CANCELLED, other.subscriber_id: DeliveryState.QUEUED}
        event = session.scalars(select(ConsentEvent)).one()
        assert (event.kind, event.method, event.at) == (ConsentKind.UNSUBSCRIBED, ConsentMethod.ONE_CLICK, NOW)
        assert (mine.status, mine.unsubscribed_at, mine.confirmation_id) == (SubscriptionStatus.UNSUBSCRIBED, NOW, None)
        assert other.status is SubscriptionStatus.CONFIRMED


def test_leaving_twice_or_by_an_unknown_link_does_nothing_more(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        for _ in range(3):
            leave(session, subscription.public_id)
        leave(session, "a" * 22)
        assert session.scalar(select(func.count()).select_from(ConsentEvent)) == 1


def test_a_request_never_confirmed_is_forgotten_with_everything(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, status=SubscriptionStatus.PENDING)
        enqueue(
            session, kind="confirmation", language="fr", now=NOW, newsletter_id=subscription.newsletter_id,
            subscriber_id=subscription.subscriber_id, reference=subscription.confirmation_id,
        )  # fmt: skip
        leave(session, subscription.public_id)
        for table in (Subscriber, Subscription, ConsentEvent):
            assert session.scalar(select(func.count()).select_from(table)) == 0
        assert session.scalars(select(Delivery.state)).all() == [DeliveryState.CANCELLED]


def test_a_reader_who_was_confirmed_before_keeps_the_proof_when_the_new_request_is_cancelled(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, status=SubscriptionStatus.UNSUBSCRIBED)
        subscription.request(NOW, "fr")
        unsubscribe(
            session,
            public_id=subscription.public_id,
            method=ConsentMethod.UNSUBSCRIBE_PAGE,
            now=NOW + timedelta(hours=1),
        )
        assert session.scalars(select(Subscription)).one().status is SubscriptionStatus.UNSUBSCRIBED
