"""Who gets an edition and who does not, where there are too many to count them for a page."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.editions.models import Edition
from app.gate import audience
from app.gate.audience import Place, keep_places, read_places
from app.gate.models import PlaceCount
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from tests import make
from tests.conftest import NOW
from tests.editions.press import compile_now
from tests.statements import statements

LATER = NOW + timedelta(minutes=5)


def test_many_are_counted_beforehand_and_few_as_they_are_asked_for(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "COUNTED_AT_ONCE", 2)
    edition = french_edition(product, readers=3)
    keep_places(product.database, now=NOW)
    with product.database.transaction() as session:
        make.make_subscription(session, email="late@reader.example")
        with statements(product.database) as asked:
            places, counted_at = read_places(session, edition=edition, now=LATER)
    assert (places, counted_at, len(asked)) == ({Place.GETS: 2, Place.PENDING: 1}, NOW, 1)
    keep_places(product.database, now=LATER)
    with product.database.reading() as session:
        assert read_places(session, edition=edition, now=LATER)[0] == {Place.GETS: 3, Place.PENDING: 1}


def test_what_has_become_small_is_counted_at_once_again(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    edition = french_edition(product, readers=3)
    monkeypatch.setattr(audience, "COUNTED_AT_ONCE", 2)
    keep_places(product.database, now=NOW)
    monkeypatch.setattr(audience, "COUNTED_AT_ONCE", 3)
    keep_places(product.database, now=LATER)
    with product.database.reading() as session:
        assert session.scalars(select(PlaceCount)).all() == []
        assert read_places(session, edition=edition, now=LATER) == ({Place.GETS: 2, Place.PENDING: 1}, None)


def french_edition(product: Product, *, readers: int) -> Edition:
    """A draft in French; all its readers but the last one have confirmed, and there is one of English."""
    with product.database.transaction() as session:
        made = [make.make_subscription(session, email=f"r{number}@reader.example") for number in range(readers)]
        made[-1].status = SubscriptionStatus.PENDING
        make.make_subscription(session, email="english@reader.example", language="en")
        make.make_article(session)
        return session.get_one(Edition, compile_now(session).edition_id)
