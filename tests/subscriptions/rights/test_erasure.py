"""What an erasure leaves behind of letters that were on the wire."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.delivery.models import Delivery, DeliveryState
from app.delivery.queue import enqueue
from app.product import Product
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.rights.erasure import erase_reader
from tests import make
from tests.conftest import NOW


@pytest.mark.parametrize("state", [DeliveryState.ACCEPTED, DeliveryState.REJECTED, DeliveryState.DEFERRED])
def test_a_reply_that_comes_after_an_erasure_is_not_kept(product: Product, state: DeliveryState) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        enqueue(
            session, kind="edition", language="fr", newsletter_id=subscription.newsletter_id,
            subscriber_id=subscription.subscriber_id, now=NOW,
        )  # fmt: skip
        claimed = make.copies(session)
        erase_reader(
            session, subscriber_id=subscription.subscriber_id, method=ConsentMethod.ADMIN,
            suppression_key=product.config.suppression_key, now=NOW,
        )  # fmt: skip
    with product.database.transaction() as session:
        settlements = [make.Settlement(copy, make.ENDINGS[state]) for copy in claimed]
        make.settling.settle(session, owner=make.SENDER, settlements=settlements, now=NOW + timedelta(seconds=1))
    with product.database.reading() as session:
        delivery = session.scalars(select(Delivery)).one()
        assert (delivery.subscriber_id, delivery.reply_text) == (None, None)
        assert delivery.reply_code is not None
