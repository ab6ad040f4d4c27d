"""The letter in a browser, and the archive of what was sent."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from sqlalchemy import delete, select, update

from app.articles.models import Article
from app.clock import now
from app.delivery.models import DeliveryState
from app.editions.audience import finish_editions
from app.editions.models import AlsoIn, Edition, EditionContent, EditionStatus
from app.product import Product
from tests.conftest import NOW, ON_SQLITE
from tests.editions.press import compile_now, make_draft, make_feed, start
from tests.make import make_article, make_subscription, settle_copies
from tests.web.sent import edition_of, send
from tests.web.visitor import counts

INTRODUCTION = "Cette semaine, [la mer](https://news.example/mer). <script>alert(1)</script>"


def send_edition(product: Product, *, language: str = "fr", introduction: str = INTRODUCTION) -> str:
    """A sent edition's public id."""
    with product.database.transaction() as session:
        edition = make_draft(session, language=language)
        edition.introduction = introduction
        start(session, product, edition)
        settle_copies(session, DeliveryState.ACCEPTED)
        assert finish_editions(session, now=NOW) == [edition.id]
        return edition.public_id


def path_of(url: str, product: Product) -> str:
    return url.removeprefix(product.config.public_url)


def test_the_letter_opens_in_a_browser_without_anything_personal(client: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        reader = make_subscription(session)
    public_id = send_edition(product)
    before = counts(product)
    answer = client.get(path_of(product.links.view("fr", public_id), product))
    assert answer.status_code == 200
    assert "Câbles sous-marins" in answer.text
    for personal in (reader.public_id, "reader.example", "/unsubscribe/", "/preferences/", "mark-"):
        assert personal not in answer.text
    assert product.links.home("fr") in answer.text
    assert counts(product) == before


def test_the_page_of_a_letter_that_is_no_longer_kept_names_its_articles_and_says_so(
    client: FlaskClient, product: Product
) -> None:
    public_id = send_edition(product)
    with product.database.transaction() as session:
        session.execute(delete(EditionContent))
        edition = session.scalars(select(Edition)).one()
        edition.cleared_at = NOW
        titles = [item.article.title for item in edition.items]
    answer = client.get(path_of(product.links.view("fr", public_id), product))
    assert answer.status_code == 200
    assert "Cette lettre n’est plus conservée" in answer.text
    assert all(title in answer.text for title in titles)
    assert "canonical" not in answer.text
    assert "noindex" in answer.headers["X-Robots-Tag"]
    with product.database.transaction() as session:
        session.scalars(select(Article)).first().embargo_until = now() + timedelta(days=1)
    assert client.get(path_of(product.links.view("fr", public_id), product)).status_code == 422


def test_the_letters_page_runs_nothing_and_is_kept_by_nobody(client: FlaskClient, product: Product) -> None:
    headers = client.get(path_of(product.links.view("fr", send_edition(product)), product)).headers
    policy = {part.split()[0]: part.split()[1:] for part in headers["Content-Security-Policy"].split(";")}
    assert policy["default-src"] == policy["form-action"] == policy["frame-ancestors"] == ["'none'"]
    assert policy["style-src"] == ["'unsafe-inline'"]
    assert policy["sandbox"] == ["allow-popups", "allow-top-navigation-by-user-activation"]
    assert "script-src" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert "noindex" in headers["X-Robots-Tag"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_other_page_allows_inline_styles(client: FlaskClient, product: Product) -> None:
    public_id = send_edition(product)
    for path in ("/fr/archive", f"/fr/archive/{public_id}"):
        answer = client.get(path)
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
        assert "style=" not in answer.text
        assert "<style" not in answer.text


@pytest.mark.parametrize("purpose", ["unsubscribe", "preferences", "confirm"])
def test_a_view_token_opens_no_other_page(client: FlaskClient, product: Product, purpose: str) -> None:
    with product.database.transaction() as session:
        reader = make_subscription(session)
    for public_id in (send_edition(product), reader.public_id):
        token = product.link_tokens.sign("view", public_id)
        for ask in (client.get, client.post):
            assert ask(f"/fr/{purpose}/{token}").status_code == 400
    with product.database.reading() as session:
        session.add(reader)
        session.refresh(reader)
        assert reader.status == "confirmed"


@pytest.mark.parametrize("purpose", ["unsubscribe", "preferences", "message-id"])
def test_no_other_token_opens_the_letter(client: FlaskClient, product: Product, purpose: str) -> None:
    token = product.link_tokens.sign(purpose, send_edition(product))
    assert client.get(f"/fr/view/{token}").status_code == 400
    assert client.get(f"/fr/view/{token[:-2]}").status_code == 400


def test_a_genuine_token_of_no_edition_is_not_found(client: FlaskClient, product: Product) -> None:
    assert client.get(path_of(product.links.view("fr", "x" * 22), product)).status_code == 404


def test_the_archive_lists_what_was_sent_newest_first_in_its_language(client: FlaskClient, product: Product) -> None:
    french, english = send_edition(product), send_edition(product, language="en")
    with product.database.transaction() as session:
        make_article(session, title="Un deuxième numéro", added_at=NOW + timedelta(days=1))
        later = session.get_one(Edition, compile_now(session, now=NOW + timedelta(days=2)).edition_id)
        start(session, product, later, now=NOW + timedelta(days=2))
        settle_copies(session, DeliveryState.ACCEPTED, now=NOW + timedelta(days=2))
        finish_editions(session, now=NOW + timedelta(days=2))
    page = client.get("/fr/archive").text
    assert re.findall(r'href="/fr/archive/([^"]+)"', page) == [later.public_id, french]
    assert "19 mars 2026" in page
    assert "1 article<" in page
    assert "3 articles" in page
    assert re.findall(r'href="/en/archive/([^"]+)"', client.get("/en/archive").text) == [english]


@pytest.mark.parametrize("status", [each for each in EditionStatus if each is not EditionStatus.SENT])
def test_what_was_not_sent_to_the_end_is_not_in_the_archive(
    client: FlaskClient, product: Product, status: EditionStatus
) -> None:
    public_id = send_edition(product)
    with product.database.transaction() as session:
        session.execute(update(Edition).values(status=status, finished_at=None))
    page = client.get("/fr/archive")
    assert page.status_code == 200
    assert public_id not in page.text
    assert "La première édition" in page.text
    assert client.get(f"/fr/archive/{public_id}").status_code == 404


def test_the_archive_goes_on_page_by_page(
    client: FlaskClient, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.public.archive.PAGE_LENGTH", 2)
    sent = []
    with product.database.transaction() as session:
        for number in range(3):
            make_article(session, title=f"Numéro {number}", added_at=NOW + timedelta(hours=number))
            edition = session.get_one(Edition, compile_now(session, now=NOW + timedelta(hours=number)).edition_id)
            edition.status = EditionStatus.SENT
            sent.append(edition.public_id)
    first = client.get("/fr/archive").text
    assert re.findall(r'href="/fr/archive/([^"]+)"', first) == [sent[2], sent[1]]
    older = re.search(r'href="(/fr/archive\?before=[^"]+)"', first)
    assert older
    second = client.get(older[1]).text
    assert re.findall(r'href="/fr/archive/([^"]+)"', second) == [sent[0]]
    assert 'href="/fr/archive?before=' not in second
    assert client.get("/fr/archive?before=unknown").status_code == 200


def test_an_edition_is_a_page_of_its_own(client: FlaskClient, product: Product) -> None:
    public_id = send_edition(product)
    page = client.get(f"/fr/archive/{public_id}").text
    assert re.findall(r"<h1>(.*?)</h1>", page) == ["L’édition du 17\u00a0mars\u00a02026"]
    assert len(re.findall(r"<h2>", page)) == 3
    assert 'href="https://strait.example/fr/0?a=1&amp;b=2"' in page
    assert '<a href="https://news.example/mer">la mer</a>' in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_editors_headings_stand_over_their_articles(client: FlaskClient, product: Product) -> None:
    public_id = send_edition(product)
    with product.database.transaction() as session:
        first, second, third = edition_of(session, public_id).items
        second.section = third.section = "Au fond : la mer"
        titles = [item.shown_title for item in (first, second, third)]
    page = client.get(f"/fr/archive/{public_id}").text
    feed = client.get("/fr/feed.json").json["items"][0]["content_html"]  # type: ignore[index]
    for shown in (page, feed):
        heads = [re.sub(r"<[^>]+>", "", head) for head in re.findall(r"<h[23].*?</h[23]>", shown)]
        assert heads == [titles[0], "Au fond\u00a0: la mer", titles[1], titles[2]]
        assert re.findall(r"<(h[23])", shown) == ["h2", "h2", "h3", "h3"]


def test_an_edition_names_the_others_on_a_story_and_its_topics(client: FlaskClient, product: Product) -> None:
    public_id = send(product, ("Tallinn", ["place:EE"]))
    with product.database.transaction() as session:
        feed = make_feed(session, "Baltic & Sea", language="en")
        other = make_article(session, link="https://baltic.example/1", source=feed, language="en")
        edition_of(session, public_id).items[0].also = [AlsoIn(article=other, position=1)]
    page = client.get(f"/fr/archive/{public_id}").text
    assert '<a href="https://baltic.example/1" rel="noopener" hreflang="en">Baltic &amp; Sea</a>' in page
    assert re.search(r'href="/fr/topics/place/EE">Estonie</a>', page)


def test_an_edition_has_one_language(client: FlaskClient, product: Product) -> None:
    answer = client.get(f"/en/archive/{send_edition(product)}")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/en/archive")


@pytest.mark.slow
@pytest.mark.browser
@ON_SQLITE
def test_a_real_browser_shows_the_letter_and_follows_its_links(browser: Browser, site: str, product: Product) -> None:
    page = browser.new_page()
    page.goto(site + path_of(product.links.view("fr", send_edition(product)), product))
    heading = page.get_by_role("heading", name="Câbles sous-marins")
    assert heading.evaluate("element => getComputedStyle(element).fontSize") == "32px"
    page.route(
        "https://strait.example/**", lambda route: route.fulfill(body="<h1>arrived</h1>", content_type="text/html")
    )
    heading.get_by_role("link").click()
    page.get_by_role("heading", name="arrived").wait_for()
