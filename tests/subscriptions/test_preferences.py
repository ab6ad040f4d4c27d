"""Choosing the language of one's letters."""

import pytest
from sqlalchemy import select

from app.errors import InputRefused, NotFound, TransitionRefused
from app.product import Product
from app.subscriptions.models import ConsentEvent, ConsentKind, SubscriptionStatus
from app.subscriptions.preferences import change_language
from tests import make
from tests.conftest import NOW


def test_the_language_changes_once_and_is_recorded(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, language="fr")
        for _ in range(2):
            change_language(session, public_id=subscription.public_id, language="en", now=NOW)
        assert subscription.language == "en"
        assert session.scalars(select(ConsentEvent.kind)).all() == [ConsentKind.LANGUAGE_CHANGED]


def test_what_cannot_be_chosen_is_refused(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        gone = make.make_subscription(session, email="bob@reader.example", status=SubscriptionStatus.UNSUBSCRIBED)
        with pytest.raises(InputRefused):
            change_language(session, public_id=subscription.public_id, language="tlh", now=NOW)
        with pytest.raises(TransitionRefused):
            change_language(session, public_id=gone.public_id, language="en", now=NOW)
        with pytest.raises(NotFound):
            change_language(session, public_id="a" * 22, language="en", now=NOW)
        assert subscription.language == "fr"
