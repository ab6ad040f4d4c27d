"""Unconfirmed sign-ups go by themselves; only their number stays."""

from datetime import timedelta

from sqlalchemy import func, select

from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import PurgeCount
from app.subscriptions.retention import purge_unconfirmed
from tests import make
from tests.conftest import NOW

DAYS = 14


def test_only_old_and_unconfirmed_requests_are_purged_and_counted(product: Product) -> None:
    old, young = NOW - timedelta(days=DAYS, seconds=1), NOW - timedelta(days=DAYS - 1)
    with product.database.transaction() as session:
        make.make_subscription(session, email="old@reader.example", status=SubscriptionStatus.PENDING, at=old)
        make.make_subscription(session, email="older@reader.example", status=SubscriptionStatus.PENDING, at=old)
        make.make_subscription(session, email="young@reader.example", status=SubscriptionStatus.PENDING, at=young)
        make.make_subscription(session, email="reader@reader.example", at=old)
        assert purge_unconfirmed(session, now=NOW, pending_days=DAYS) == 2
        assert purge_unconfirmed(session, now=NOW, pending_days=DAYS) == 0
        left = session.scalars(select(Subscriber.email).order_by(Subscriber.email)).all()
        assert left == ["reader@reader.example", "young@reader.example"]
        assert purge_unconfirmed(session, now=NOW + timedelta(hours=1), pending_days=1) == 1
        assert session.execute(select(PurgeCount.day, PurgeCount.purged)).all() == [("2026-03-17", 3)]


def test_one_who_had_confirmed_once_falls_back_to_having_left(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(
            session, status=SubscriptionStatus.UNSUBSCRIBED, at=NOW - timedelta(days=90)
        )
        subscription.request(NOW - timedelta(days=30), "fr")
        session.flush()
        assert [purge_unconfirmed(session, now=NOW, pending_days=DAYS) for _ in range(2)] == [1, 0]
        kept = session.scalars(select(Subscription)).one()
        assert (kept.status, kept.confirmation_id) == (SubscriptionStatus.UNSUBSCRIBED, None)
        assert kept.unsubscribed_at == NOW - timedelta(days=90)
        assert session.scalar(select(func.count()).select_from(PurgeCount)) == 0
