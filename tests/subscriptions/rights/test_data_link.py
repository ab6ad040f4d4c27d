"""Asking for a data link: who gets a letter, how often, and what an older link is worth."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.models import DeliveryState
from app.mail.address import parse_address
from app.product import Product
from app.subscriptions.kinds import ConsentMethod, SubscriptionStatus
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.models import Subscriber
from app.subscriptions.rights.data_link import DATA_LINK, reader_of_link, request_data_link, request_own_data_link
from tests import make
from tests.conftest import NOW
from tests.web.visitor import counts


def ask(session: Session, email: str = "Alice@Reader.example", *, after: timedelta = timedelta()) -> None:
    request_data_link(session, address=parse_address(email), language="fr", now=NOW + after)


def data_id(session: Session) -> str:
    found = session.scalars(select(Subscriber.data_id)).one()
    assert found is not None
    return found


@pytest.mark.parametrize("status", SubscriptionStatus)
def test_whoever_has_a_record_gets_one_letter_whatever_their_status(
    product: Product, status: SubscriptionStatus
) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session, status=status)
        ask(session)
    with product.database.reading() as session:
        assert make.letters(session) == [DATA_LINK]


def test_for_an_unknown_address_nothing_is_kept(product: Product) -> None:
    before = counts(product)
    with product.database.transaction() as session:
        ask(session)
    assert counts(product) == before


def test_one_address_gets_a_link_every_quarter_of_an_hour_and_three_a_day(product: Product) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session)
        for minutes, letters in [(0, 1), (14, 1), (15, 2), (30, 3), (45, 3), (23 * 60, 3), (24 * 60 + 1, 4)]:
            ask(session, after=timedelta(minutes=minutes))
            assert len(make.letters(session)) == letters, minutes


def test_a_newer_link_voids_the_older_and_one_refused_for_its_haste_does_not(product: Product) -> None:
    with product.database.transaction() as session:
        reader = make.make_subscription(session).subscriber
        ask(session)
        first = data_id(session)
        ask(session, after=timedelta(minutes=1))
        assert reader_of_link(session, first) is reader
        ask(session, after=timedelta(minutes=16))
        session.expire_all()
        assert reader_of_link(session, first) is None
        assert reader_of_link(session, data_id(session)) is reader


def test_by_the_link_of_a_letter_it_goes_to_the_same_reader_and_a_departure_does_not_call_it_off(
    product: Product,
) -> None:
    with product.database.transaction() as session:
        public_id = make.make_subscription(session).public_id
        for own in (public_id, "x" * 22):
            request_own_data_link(session, subscription_public_id=own, language="fr", now=NOW)
        unsubscribe(session, public_id=public_id, method=ConsentMethod.ONE_CLICK, now=NOW)
    with product.database.reading() as session:
        assert make.letters(session, DeliveryState.QUEUED) == [DATA_LINK]
