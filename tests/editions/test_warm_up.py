"""What a newsletter's warm-up is to its editions: whom they reach first, and what is told of those who wait."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.delivery.models import Chunk, Delivery, DeliveryState
from app.delivery.senders import WarmUpDay, WarmUpPlan
from app.delivery.warm_ups import letters_left, next_opening, opening, read_warm_up, stop_warm_up
from app.editions.models import Edition
from app.editions.progress import count_progress
from app.editions.warm_up import count_readers, keep_counts, plan_warm_up
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from tests.conftest import NOW
from tests.editions.press import make_draft, start
from tests.make import copies, make_subscription, newsletter, settle_copies
from tests.statements import statements

#: The newest confirmation is in the middle.
CONFIRMED = [timedelta(days=days) for days in (9, 3, 1, 5, 7)]


@pytest.fixture
def readers(product: Product) -> list[int]:
    with product.database.transaction() as session:
        return [
            make_subscription(session, email=f"r{number}@reader.example", at=NOW - ago).subscriber_id
            for number, ago in enumerate(CONFIRMED)
        ]


def begin(product: Product, *, on: timedelta = timedelta(0)) -> int:
    """Plan a warm-up."""
    with product.database.transaction() as session:
        newsletter_id = newsletter(session).id
        plan_warm_up(session, newsletter_id=newsletter_id, starts_on=(NOW + on).date(), now=NOW)
        return newsletter_id


def send(product: Product) -> int:
    with product.database.transaction() as session:
        edition = make_draft(session)
        start(session, product, edition)
        return edition.id


def order(product: Product) -> list[int | None]:
    with product.database.reading() as session:
        return list(session.scalars(select(Delivery.subscriber_id).order_by(Delivery.id)))


def test_the_readers_who_confirmed_last_come_first(product: Product, readers: list[int]) -> None:
    begin(product)
    send(product)
    assert order(product) == [readers[place] for place in (2, 1, 3, 4, 0)]


def test_without_a_warm_up_or_after_one_their_order_is_that_of_their_ids(product: Product, readers: list[int]) -> None:
    newsletter_id = begin(product)
    with product.database.transaction() as session:
        stop_warm_up(session, newsletter_id=newsletter_id, now=NOW)
    send(product)
    assert order(product) == readers


def test_readers_are_counted_by_provider_and_anew_with_each_edition(product: Product, readers: list[int]) -> None:
    newsletter_id = begin(product)
    with product.database.transaction() as session:
        assert count_readers(session, newsletter_id) == (5, 5)
        for number, domain in enumerate(["gmail.com", "googlemail.com"] * 4):
            make_subscription(session, email=f"g{number}@{domain}", language="en")
        make_subscription(session, email="gone@gmail.com", status=SubscriptionStatus.UNSUBSCRIBED)
        assert count_readers(session, newsletter_id) == (13, 8)
        assert count_readers(session, 77) == (0, 0)
    send(product)
    with product.database.reading() as session:
        plan = session.get_one(WarmUpPlan, newsletter_id)
    assert (plan.audience, plan.largest_provider) == (13, 8)


def test_progress_tells_what_waits_for_the_warm_up_and_no_end_that_it_cannot_know(
    product: Product, readers: list[int]
) -> None:
    begin(product)
    edition_id = send(product)
    with product.database.transaction() as session:
        settle_copies(session, DeliveryState.ACCEPTED, 1)
        waiting = session.scalars(select(Delivery).where(Delivery.state == DeliveryState.QUEUED)).all()
        waiting[0].next_attempt_at = NOW + timedelta(minutes=5)  # for its provider
        for copy in waiting[1:]:
            copy.next_attempt_at = next_opening(NOW)
    with product.database.reading() as session:
        progress = count_progress(session, edition=session.get_one(Edition, edition_id), now=NOW)
    assert (progress.warming, progress.warming_until, progress.ends_at) == (3, next_opening(NOW), None)


def test_just_after_midnight_what_had_no_turn_waits_for_the_day_after(product: Product, readers: list[int]) -> None:
    begin(product)
    edition_id = send(product)
    at = opening((NOW + timedelta(days=1)).date()) - timedelta(minutes=10)
    drawn_at = opening((NOW + timedelta(days=2)).date())
    with product.database.transaction() as session:
        for copy in session.scalars(select(Delivery)):
            copy.next_attempt_at = drawn_at + timedelta(minutes=copy.id % 2)
        session.scalars(select(Chunk)).one().next_attempt_at = at
    with product.database.reading() as session:
        progress = count_progress(session, edition=session.get_one(Edition, edition_id), now=at)
    assert (progress.warming, progress.warming_until) == (5, drawn_at)


def test_what_is_told_of_a_warm_up_counts_the_readers_who_have_come_since(product: Product) -> None:
    newsletter_id = begin(product)
    with product.database.transaction() as session:
        for number in range(210):
            make_subscription(session, email=f"r{number}@d{number % 10}.example")
    assert keep_counts(product.database) == 1
    with statements(product.database) as asked, product.database.reading() as session:
        report = read_warm_up(session, newsletter_id=newsletter_id, now=NOW)
        assert read_warm_up(session, newsletter_id=77, now=NOW) is None
    assert not [statement for statement in asked if "subscriptions" in statement], "nobody is counted meanwhile"
    assert report is not None
    assert (report.warm_up.audience, report.warm_up.largest_provider, report.left) == (210, 21, 200)
    assert report.ends_on == (NOW + timedelta(days=1)).date()


def test_what_is_left_today_is_told_by_one_statement(product: Product, readers: list[int]) -> None:
    newsletter_id, tomorrow = begin(product), NOW + timedelta(days=1)
    with product.database.transaction() as session:
        session.get_one(WarmUpPlan, newsletter_id).audience = 10_000
        session.add(WarmUpDay(newsletter_id=newsletter_id, day=NOW.date(), doublings=0, drawn=150))
    with statements(product.database) as asked, product.database.reading() as session:
        left = [letters_left(session, newsletter_id=newsletter_id, readers=0, now=at) for at in (NOW, tomorrow)]
        left.append(letters_left(session, newsletter_id=77, readers=0, now=NOW))
        report = read_warm_up(session, newsletter_id=newsletter_id, now=NOW)
    assert (left, report.left) == ([50, 400, None], 50)
    assert len(asked) == 3 + 4
    with product.database.transaction() as session:
        stop_warm_up(session, newsletter_id=newsletter_id, now=NOW)
        assert letters_left(session, newsletter_id=newsletter_id, readers=0, now=NOW) is None


def test_whole_chunks_that_wait_are_counted_and_copies_in_hand_are_not(product: Product, readers: list[int]) -> None:
    begin(product, on=timedelta(days=2))
    edition_id = send(product)
    with product.database.transaction() as session:
        session.scalars(select(Chunk)).one().next_attempt_at = opening((NOW + timedelta(days=2)).date())
    with product.database.reading() as session:
        progress = count_progress(session, edition=session.get_one(Edition, edition_id), now=NOW)
    assert (progress.warming, progress.warming_until) == (5, opening((NOW + timedelta(days=2)).date()))
    with product.database.transaction() as session:
        assert len(copies(session, now=NOW + timedelta(days=3))) == 5
    with product.database.reading() as session:
        assert count_progress(session, edition=session.get_one(Edition, edition_id), now=NOW).warming == 0
