"""Whole texts from the articles' pages, over real HTTP: only where asked for, once, and with a bound on tries."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.articles import full_text
from app.articles.full_text import RETRIES, read_due_pages
from app.articles.intake import fetch_due
from app.articles.models import Article, Source
from app.articles.sources import add_source
from app.product import Product
from app.settings.fetching import FetchSettings
from tests.articles.web_server import WebServer, answer
from tests.conftest import NOW
from tests.refusing import refusing

HOUR = timedelta(hours=1)
PROSE = "Le port a rouvert lundi, après onze jours de silence radio. Les navires attendent encore au large."
TITLE = "Le port rouvre après onze jours de silence"


def page(server: WebServer, *, title: str = TITLE, paragraphs: int = 30) -> bytes:
    told = "".join(f"<p>{PROSE} Voici le paragraphe {n}.</p>" for n in range(paragraphs))
    head = (
        f"<title>{title}</title><meta name='author' content='Ada Lovelace'>"
        f"<link rel='canonical' href='https://detroit.example/port'>"
        "<meta property='og:image' content='https://detroit.example/port.jpg'>"
    )
    return f"<html lang='fr'><head>{head}</head><body><article><h1>{title}</h1>{told}</article></body></html>".encode()


def feed(server: WebServer, description: str = "Le port a rouvert.") -> bytes:
    item = f"<title>{TITLE}</title><link>{server.url('/port')}</link><guid>1</guid>"
    told = f"<item>{item}<description>{description}</description></item>"
    return f"<rss version='2.0'><channel><title>Fil</title>{told}</channel></rss>".encode()


@pytest.fixture
def settings(server: WebServer) -> FetchSettings:
    return FetchSettings(allowed_inward=frozenset({server.origin}))


def bring(
    product: Product,
    server: WebServer,
    settings: FetchSettings,
    *,
    takes_full_text: bool = True,
    now: datetime = NOW,
    **more: str,
) -> None:
    """Have the feed fetched."""
    server.answers["/feed"] = answer(feed(server, **more))
    with product.database.transaction() as session:
        add_source(session, location=server.url(), language="fr", name=None, now=now, takes_full_text=takes_full_text)
    fetch_due(product.database, settings=settings, now=lambda: now)


def article(product: Product) -> Article:
    with product.database.reading() as session:
        return session.scalars(select(Article)).one()


def test_a_teaser_becomes_the_whole_text_of_its_page(product, server, settings) -> None:
    bring(product, server, settings)
    assert (article(product).page_due_at, article(product).reading_minutes) == (NOW, None)
    server.answers["/port"] = answer(page(server), "Content-Type: text/html; charset=utf-8")
    read_due_pages(product.database, settings=settings, now=NOW)
    found = article(product)
    assert found.body.endswith("paragraphe 29.")
    assert found.summary == "Le port a rouvert."
    assert (found.authors, found.language, found.reading_minutes) == ("Ada Lovelace", "fr", 3)
    assert (found.canonical_link, found.image_url) == (
        "https://detroit.example/port",
        "https://detroit.example/port.jpg",
    )
    assert (found.page_due_at, found.page_failure, found.page_read_at) == (None, None, NOW)
    asked = len(server.requests)
    assert read_due_pages(product.database, settings=settings, now=NOW + HOUR) == {}
    assert len(server.requests) == asked


@pytest.mark.parametrize(
    "more", [{"takes_full_text": False}, {"description": PROSE * 10}], ids=["not asked for", "whole in the feed"]
)
def test_no_page_is_read_without_need(more, product, server, settings) -> None:
    bring(product, server, settings, **more)
    assert read_due_pages(product.database, settings=settings, now=NOW) == {}
    assert not any(" /port " in request for request in server.requests)


def test_a_stranger_s_feed_has_no_page_read_that_is_allowed_inward(product, server, settings) -> None:
    bring(product, server, settings)
    with product.database.transaction() as session:
        session.scalars(select(Source)).one().location = "https://stranger.example/feed"
    read_due_pages(product.database, settings=settings, now=NOW)
    assert not any(" /port " in request for request in server.requests)
    assert "standard ports" in (article(product).page_failure or "")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (answer(status="500 Oops"), "answers 500"),
        (answer(b"", "Retry-After: 60", status="503 Later"), "answers 503"),
        (b"", "no connection"),
        (
            answer(b"<html><title>Cookies</title><body><p>Please accept.</p></html>", "Content-Type: text/html"),
            "another",
        ),
    ],
    ids=["error", "later", "closed", "wall"],
)
def test_a_failure_is_noted_and_tried_again_with_a_bound(told, words, product, server, settings) -> None:
    bring(product, server, settings)
    server.answers["/port"] = told
    now, pauses = NOW, []
    while (due := article(product).page_due_at) is not None:
        now = due
        read_due_pages(product.database, settings=settings, now=now)
        assert words in (article(product).page_failure or "")
        pauses.append((article(product).page_due_at or now) - now)
    assert pauses == [*RETRIES, timedelta()]
    assert article(product).body == "Le port a rouvert."


@pytest.mark.parametrize("told", [answer(status="404 Gone"), answer(b"%PDF", "Content-Type: application/pdf")])
def test_what_will_never_be_there_is_not_tried_again(told, product, server, settings) -> None:
    bring(product, server, settings)
    server.answers["/port"] = told
    read_due_pages(product.database, settings=settings, now=NOW)
    assert article(product).page_due_at is None
    assert article(product).page_failure


def test_a_server_s_long_pause_is_kept(product, server, settings) -> None:
    bring(product, server, settings)
    server.answers["/port"] = answer(b"", "Retry-After: 86400", status="429 Too Many Requests")
    read_due_pages(product.database, settings=settings, now=NOW)
    assert article(product).page_due_at == NOW + timedelta(days=1)


def test_a_revised_teaser_has_its_page_read_again_and_keeps_the_text_until_then(product, server, settings) -> None:
    bring(product, server, settings)
    server.answers["/port"] = answer(page(server), "Content-Type: text/html")
    read_due_pages(product.database, settings=settings, now=NOW)
    server.answers["/feed"] = answer(feed(server, "Le port a rouvert mardi, et non lundi."))
    [report] = fetch_due(product.database, settings=settings, now=lambda: NOW + HOUR)
    found = article(product)
    assert (report.arrival.revised, found.revision, found.page_due_at) == (1, 2, NOW + HOUR)
    assert found.body.endswith("paragraphe 29.")
    server.answers["/port"] = answer(page(server, paragraphs=31), "Content-Type: text/html")
    read_due_pages(product.database, settings=settings, now=NOW + HOUR)
    assert article(product).body.endswith("paragraphe 30.")


def test_a_corrected_page_that_got_shorter_is_taken(product, server, settings) -> None:
    bring(product, server, settings)
    server.answers["/port"] = answer(page(server), "Content-Type: text/html")
    read_due_pages(product.database, settings=settings, now=NOW)
    bring(product, server, settings, description="Le port a rouvert mardi.", now=NOW + HOUR)
    server.answers["/port"] = answer(page(server, paragraphs=20), "Content-Type: text/html")
    read_due_pages(product.database, settings=settings, now=NOW + HOUR)
    assert article(product).body.endswith("paragraphe 19.")


@pytest.mark.parametrize(
    "later",
    [{"description": PROSE * 10}, {"description": "Le port a rouvert mardi.", "takes_full_text": False}],
    ids=["whole in the feed", "not asked for any more"],
)
def test_the_feed_s_own_text_comes_back_where_its_page_is_read_no_more(later, product, server, settings) -> None:
    bring(product, server, settings)
    server.answers["/port"] = answer(page(server), "Content-Type: text/html")
    read_due_pages(product.database, settings=settings, now=NOW)
    bring(product, server, settings, now=NOW + HOUR, **later)
    found = article(product)
    assert (found.body, found.page_read_at, found.page_due_at) == (later["description"], None, None)


def test_a_page_inside_the_network_is_not_read(product, server, settings) -> None:
    bring(product, server, settings)
    read_due_pages(product.database, settings=FetchSettings(), now=NOW)
    assert "standard ports" in (article(product).page_failure or "")


def test_a_defect_of_ours_stops_no_page(product, server, settings, monkeypatch, caplog) -> None:
    bring(product, server, settings)
    monkeypatch.setattr(full_text, "fetch", lambda *_, **__: 1 / 0)
    read_due_pages(product.database, settings=settings, now=NOW)
    assert "error of ours" in (article(product).page_failure or "")
    assert "ZeroDivisionError" in caplog.text


def test_a_page_that_cannot_be_stored_does_not_stay_first_in_the_queue(product, server, settings) -> None:
    bring(product, server, settings)
    server.answers["/port"] = answer(page(server), "Content-Type: text/html; charset=utf-8")
    with refusing(product, "articles", "NEW.authors = 'Ada Lovelace'"):
        read_due_pages(product.database, settings=settings, now=NOW)
    assert article(product).page_due_at == NOW + RETRIES[0]
    assert article(product).page_failure == "what the page says could not be stored"
