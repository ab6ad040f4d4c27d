"""Digests that the schedule sends pass the gate as well: what fails is kept back, told, and goes once it is mended."""

import logging
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.articles.models import Article
from app.delivery.models import Delivery
from app.digests.schedule import install_schedules, run_due_schedules
from app.editions.events import events_of
from app.editions.models import Edition, EditionStatus
from app.editions.records import EditionAct
from app.gate.findings import What
from app.gate.holding import with_held
from app.gate.models import Baseline
from app.gate.passing import open_gate
from app.product import Product
from tests.conftest import NOW
from tests.editions.press import fill_newsroom, make_feed
from tests.gate.house import ADA, held_editions, look
from tests.make import make_article, make_subscription

DUE = NOW + timedelta(days=6, hours=22)


def run(product: Product, *, minutes: int = 0) -> None:
    at = DUE + timedelta(minutes=minutes)
    run_due_schedules(product.database, now=at, config=product.config, links=product.links)


def prepare(product: Product, *, link: str | None = None) -> None:
    """A newsroom with news, a reader, and a schedule that is due."""
    with product.database.transaction() as session:
        install_schedules(session, product.config, NOW)
        make_subscription(session)
        fill_newsroom(session, at=DUE - timedelta(hours=1))
        session.flush()
    if link:
        with product.database.transaction() as session:
            session.scalars(select(Article).where(Article.link.is_not(None)).limit(1)).one().link = link


def only_edition(product: Product) -> Edition:
    with product.database.reading() as session:
        return session.scalars(select(Edition)).one()


def copies(product: Product) -> int:
    with product.database.reading() as session:
        return len(session.scalars(select(Delivery)).all())


def held(product: Product) -> list[str]:
    with product.database.reading() as session:
        return [hold.failures for hold in held_editions(session)]


def test_a_digest_in_order_leaves_and_is_what_the_next_one_is_compared_with(product: Product) -> None:
    prepare(product)
    run(product)
    assert (only_edition(product).status, copies(product), held(product)) == (EditionStatus.SENDING, 1, [])
    with product.database.reading() as session:
        assert session.scalars(select(Baseline)).one().readers == 1


def test_a_digest_that_fails_is_held_and_says_so_once(product: Product, caplog: pytest.LogCaptureFixture) -> None:
    prepare(product, link="https://10.0.0.1/x")
    with caplog.at_level(logging.ERROR):
        for minutes in range(4):
            run(product, minutes=minutes)
    found = only_edition(product)
    assert (found.status, copies(product), held(product)) == (EditionStatus.DRAFT, 0, ["link-inward"])
    assert len([record for record in caplog.records if "held back" in record.message]) == 1
    with product.database.reading() as session:
        assert [event.act for event in events_of(session, found.id)] == [EditionAct.HELD]


def test_a_digest_that_was_mended_leaves_by_itself(product: Product) -> None:
    prepare(product, link="https://10.0.0.1/x")
    run(product)
    with product.database.transaction() as session:
        article = session.scalars(select(Article).where(Article.link == "https://10.0.0.1/x")).one()
        article.link, article.revision = "https://strait.example/mended", 2
    run(product)
    assert (only_edition(product).status, copies(product), held(product)) == (EditionStatus.SENDING, 1, [])


def test_a_digest_that_somebody_lets_pass_leaves_within_a_minute(product: Product) -> None:
    prepare(product, link="https://10.0.0.1/x")
    run(product)
    seen = look(product, only_edition(product).id, now=DUE)
    with product.database.transaction() as session:
        reason = "The page is on our own network"
        open_gate(session, seen, actor=ADA, reason=reason, shown=seen.blocking, now=DUE)
    run(product, minutes=1)
    assert (only_edition(product).status, copies(product)) == (EditionStatus.SENDING, 1)


def test_a_digest_that_cannot_be_set_is_held_as_well(product: Product) -> None:
    prepare(product)
    with product.database.transaction() as session:
        for number in range(30):
            source = make_feed(session, f"Feed {number}")
            link = f"https://strait.example/{number}?{'&' * 950}"
            make_article(session, title=f"Titre {number}", link=link, source=source, added_at=DUE - timedelta(hours=1))
    run(product)
    assert held(product) == ["unsettable"]


def test_what_fails_of_a_variant_is_shown_with_the_edition(product: Product) -> None:
    prepare(product, link="https://10.0.0.1/x")
    run(product)
    with product.database.transaction() as session:
        hold = held_editions(session)[0]
        hold.failures = "html-too-large link-inward"
    shown = with_held(look(product, only_edition(product).id, now=DUE), hold)
    assert shown.blocking == {What.LINK_INWARD, What.HTML_TOO_LARGE}
