"""Starting an edition, and every way on from there."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from app.delivery.models import Delivery, DeliveryHold, DeliveryState
from app.delivery.queue import hold_edition
from app.editions.audience import (
    cancel_edition,
    edition_counts,
    finish_editions,
    pause_edition,
    resume_edition,
)
from app.editions.draft import remove_item
from app.editions.models import Edition, EditionContent, EditionStatus
from app.errors import AppError, NotFound, TransitionRefused
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from tests.conftest import NOW
from tests.editions.press import compile_now, make_draft, start
from tests.make import copies, make_article, make_subscription, settle_copies


def status_of(product: Product, edition_id: int) -> EditionStatus:
    with product.database.reading() as session:
        return session.get_one(Edition, edition_id).status


def sending_edition(product: Product, *, readers: int = 3) -> int:
    with product.database.transaction() as session:
        for number in range(readers):
            make_subscription(session, email=f"r{number}@reader.example")
        edition = make_draft(session)
        start(session, product, edition)
        return edition.id


def test_confirmed_readers_of_the_language_get_one_copy_each(product: Product) -> None:
    with product.database.transaction() as session:
        wanted = [make_subscription(session, email=f"r{number}@reader.example").subscriber_id for number in range(3)]
        make_subscription(session, email="english@reader.example", language="en")
        for status in (SubscriptionStatus.PENDING, SubscriptionStatus.UNSUBSCRIBED):
            make_subscription(session, email=f"{status.value}@reader.example", status=status)
        edition = make_draft(session)
        assert start(session, product, edition) == 3
    with product.database.reading() as session:
        rows = select(Delivery).order_by(Delivery.id).options(joinedload(Delivery.chunk))
        queued = session.scalars(rows).all()
        assert [copy.subscriber_id for copy in queued] == wanted
        for copy in queued:
            chunk = copy.chunk
            assert (chunk.kind, chunk.edition_id, chunk.language) == ("edition", edition.id, "fr")
            assert (copy.edition_id, chunk.newsletter_id) == (edition.id, edition.newsletter_id)
            assert (copy.state, copy.attempt, copy.is_repeatable) == (DeliveryState.QUEUED, 0, True)
            assert chunk.next_attempt_at == chunk.created_at == NOW
            assert (copy.next_attempt_at, chunk.lease_until) == (None, None)
        started = session.get_one(Edition, edition.id)
        assert (started.status, started.started_at, started.started_by) == ("sending", NOW, "a@desk.example")
        assert session.get_one(EditionContent, edition.id).html.startswith("<!doctype html>")


def test_a_second_start_is_refused_and_adds_nothing(product: Product) -> None:
    edition_id = sending_edition(product)
    with product.database.transaction() as session, pytest.raises(TransitionRefused):
        start(session, product, session.get_one(Edition, edition_id))
    with product.database.reading() as session:
        assert len(session.scalars(select(Delivery)).all()) == 3


def test_of_many_starts_at_once_one_counts(product: Product) -> None:
    with product.database.transaction() as session:
        make_subscription(session)
        edition_id = make_draft(session).id
    barrier, results = threading.Barrier(4), []

    def press() -> None:
        barrier.wait()
        try:
            with product.database.transaction() as session:
                results.append(start(session, product, session.get_one(Edition, edition_id)))
        except AppError as error:
            results.append(type(error))

    presses = [threading.Thread(target=press) for _ in range(4)]
    for each in presses:
        each.start()
    for each in presses:
        each.join()
    assert sorted(results, key=str) == sorted([1, *[TransitionRefused] * 3], key=str)


def test_an_edition_without_articles_is_not_sent_and_stays_a_draft(product: Product) -> None:
    with product.database.transaction() as session:
        make_article(session)
        edition_id = compile_now(session).edition_id
        edition = session.get_one(Edition, edition_id)
        remove_item(session, edition_id=edition.id, article_id=edition.items[0].article_id)
    with pytest.raises(TransitionRefused), product.database.transaction() as session:
        start(session, product, session.get_one(Edition, edition_id))
    assert status_of(product, edition_id) is EditionStatus.DRAFT


def test_a_pause_holds_the_copies_and_a_resumption_frees_them(product: Product) -> None:
    edition_id = sending_edition(product)
    with product.database.transaction() as session:
        pause_edition(session, edition_id=edition_id, actor="ada", now=NOW)
        assert session.get(DeliveryHold, edition_id) is not None
    assert status_of(product, edition_id) is EditionStatus.PAUSED
    with product.database.transaction() as session:
        resume_edition(session, edition_id=edition_id, actor="ada", now=NOW)
        assert session.get(DeliveryHold, edition_id) is None
    assert status_of(product, edition_id) is EditionStatus.SENDING


def test_a_cancellation_ends_what_waits_and_leaves_what_went(product: Product) -> None:
    edition_id = sending_edition(product)
    with product.database.transaction() as session:
        settle_copies(session, DeliveryState.ACCEPTED, 1)
        hold_edition(session, edition_id=edition_id, now=NOW)
        assert cancel_edition(session, edition_id=edition_id, actor="ada", now=NOW) == 2
        assert session.get(DeliveryHold, edition_id) is None
    with product.database.reading() as session:
        assert edition_counts(session, edition_id) == {DeliveryState.ACCEPTED: 1, DeliveryState.CANCELLED: 2}
    assert status_of(product, edition_id) is EditionStatus.CANCELLED


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        (pause_edition, {EditionStatus.SENDING}),
        (resume_edition, {EditionStatus.PAUSED}),
        (cancel_edition, {EditionStatus.DRAFT, EditionStatus.SCHEDULED, EditionStatus.SENDING, EditionStatus.PAUSED}),
    ],
)
@pytest.mark.parametrize("status", EditionStatus)
def test_each_change_has_its_own_starting_points(product: Product, change, allowed, status: EditionStatus) -> None:
    with product.database.transaction() as session:
        edition = make_draft(session)
        session.execute(update(Edition).values(status=status))
    with product.database.transaction() as session:
        if status in allowed:
            change(session, edition_id=edition.id, actor="ada", now=NOW)
        else:
            with pytest.raises(TransitionRefused):
                change(session, edition_id=edition.id, actor="ada", now=NOW)


def test_what_does_not_exist_is_not_found(product: Product) -> None:
    with product.database.transaction() as session, pytest.raises(NotFound):
        pause_edition(session, edition_id=99, actor="ada", now=NOW)


@pytest.mark.parametrize(
    ("state", "is_repeatable", "is_over"),
    [
        (DeliveryState.QUEUED, True, False),
        (DeliveryState.SENDING, True, False),
        (DeliveryState.DEFERRED, True, False),
        (DeliveryState.UNCERTAIN, True, False),
        (DeliveryState.UNCERTAIN, False, True),
        (DeliveryState.ACCEPTED, True, True),
        (DeliveryState.REJECTED, True, True),
        (DeliveryState.EXPIRED, True, True),
        (DeliveryState.CANCELLED, True, True),
    ],
)
def test_an_edition_is_sent_when_its_last_copy_has_come_to_an_end(
    product: Product, state: DeliveryState, is_repeatable: bool, is_over: bool
) -> None:
    edition_id = sending_edition(product, readers=2)
    with product.database.transaction() as session:
        settle_copies(session, DeliveryState.ACCEPTED, 1)
        settle_copies(session, state, 1)
        if state is DeliveryState.UNCERTAIN and not is_repeatable:
            settle_copies(session, state, 1, now=NOW + timedelta(hours=1))
    with product.database.reading() as session:
        assert edition_counts(session, edition_id) == Counter([DeliveryState.ACCEPTED, state])
        last = session.scalars(select(Delivery).order_by(Delivery.id.desc())).first()
        assert last is not None
        assert state is not DeliveryState.UNCERTAIN or last.is_repeatable is is_repeatable
    with product.database.transaction() as session:
        assert finish_editions(session, now=NOW) == ([edition_id] if is_over else [])
    assert status_of(product, edition_id) is (EditionStatus.SENT if is_over else EditionStatus.SENDING)


def test_a_paused_edition_is_not_finished_and_one_without_readers_is(product: Product) -> None:
    with product.database.transaction() as session:
        make_subscription(session)
        paused, empty = make_draft(session), None
        start(session, product, paused)
        pause_edition(session, edition_id=paused.id, actor="ada", now=NOW)
        make_article(session, language="en")
        empty = session.get_one(Edition, compile_now(session, language="en").edition_id)
        assert start(session, product, empty) == 0
        assert copies(session) == []
        assert finish_editions(session, now=NOW) == [empty.id]
    assert status_of(product, paused.id) is EditionStatus.PAUSED
