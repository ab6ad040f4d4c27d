"""Articles that are written at the desk: previewed with their topics, put on the wire, edited again."""

import html
import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.admins.models import AuditEntry
from app.articles.models import Article, ArticleRevision
from app.product import Product
from app.topics.classifying import classify_articles
from app.topics.corrections import topics_of
from app.topics.taxonomy import load
from tests import make
from tests.conftest import NOW

SHEET = {
    "language": "fr", "title": "Une cyberattaque contre la poste du Mali", "summary": "", "link": "",
    "markdown": "## Les faits\n\nLa **poste** est à l'arrêt au Mali.",
}  # fmt: skip


def article(product: Product) -> Article | None:
    with product.database.reading() as session:
        return session.scalars(select(Article)).first()


def acts(product: Product) -> list[str]:
    with product.database.reading() as session:
        return [each.value for each in session.scalars(select(AuditEntry.act).order_by(AuditEntry.id))][1:]


def test_a_preview_shows_the_text_and_its_topics_and_stores_nothing(admin: FlaskClient, product: Product) -> None:
    for headers in ({}, {"HX-Request": "true"}):
        page = admin.post("/admin/articles/new", data={**SHEET, "preview": "yes"}, headers=headers).text
        assert "<h3>Les faits</h3>" in page
        assert "<strong>poste</strong>" in page
        assert '<input type="checkbox" name="topic" value="place:ML" checked>' in page
        assert ("<html" in page) == (not headers)
    kept = {**SHEET, "preview": "yes", "suggested": ["place:ML"], "topic": []}
    assert 'name="topic" value="place:ML">' in admin.post("/admin/articles/new", data=kept).text, "it stays unticked"
    assert "write a text or a summary" in admin.post("/admin/articles/new", data={"preview": "yes"}).text
    assert article(product) is None
    assert acts(product) == []


def test_an_article_is_put_on_the_wire_with_its_topics_and_embargo(admin: FlaskClient, product: Product) -> None:
    data = {
        **SHEET,
        "until": "2099-01-01T06:00",
        "suggested": ["place:ML", "theme:cybercrime"],
        "named": load().label("theme:espionage", "fr").upper(),
    }
    answer = admin.post("/admin/articles/new", data={**data, "topic": ["theme:cybercrime"]}, follow_redirects=True)
    assert "The article is on the wire" in answer.text
    assert "<h3>Les faits</h3>" in answer.text
    written = article(product)
    assert written is not None
    assert written.embargo_until is not None
    assert acts(product) == ["article-added"]
    classify_articles(product.database, load(), now=NOW)
    with product.database.reading() as session:
        topics = {each.topic for each in session.scalars(topics_of([written.id]))}
    assert "theme:espionage" in topics
    assert "place:ML" not in topics, "what was unticked stays away"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"title": ""}, "Give it a title"), ({"markdown": "x" * 30_001}, "Write a text"),
        ({"link": "ftp://x.example/"}, "no address of"), ({"link": "https://wire.example/1"}, "Another article has"),
        ({"until": "2020-01-01T06:00"}, "to come"), ({"named": "Atlantis"}, "no topic of this name"),
        ({"language": "xx"}, "Choose one of the languages"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_with_its_field_and_nothing_is_lost(
    admin: FlaskClient, product: Product, change: dict[str, str], told: str
) -> None:
    admin.post("/admin/articles/new", data={**SHEET, "title": "Un autre", "link": "https://wire.example/1"})
    answer = admin.post("/admin/articles/new", data={**SHEET, "summary": "Ce <qui> reste", **change})
    assert answer.status_code == 422
    assert told in answer.text
    assert 'aria-invalid="true" autofocus' in answer.text
    assert "Ce &lt;qui&gt; reste</textarea>" in answer.text
    with product.database.reading() as session:
        assert len(session.scalars(select(Article)).all()) == 1


def test_what_was_unticked_stays_so_where_the_sheet_is_refused(admin: FlaskClient) -> None:
    refused = {**SHEET, "link": "ftp://x.example/", "suggested": ["place:ML", "theme:cybercrime"]}
    page = admin.post("/admin/articles/new", data={**refused, "topic": ["theme:cybercrime"]}).text
    assert "no address of" in page
    assert '<input type="hidden" name="suggested" value="place:ML">' in page
    assert 'name="topic" value="place:ML">' in page
    assert 'name="topic" value="theme:cybercrime" checked>' in page
    assert "no address of" in admin.post("/admin/articles/new", data={**refused, "markdown": ""}).text


def test_an_article_is_edited_again_and_its_earlier_text_noted(admin: FlaskClient, product: Product) -> None:
    admin.post("/admin/articles/new", data=SHEET)
    page = admin.get("/admin/articles/1/text").text
    assert "## Les faits" in page
    assert 'name="revision" value="1"' in page
    newer = {**SHEET, "title": "La poste rouvre", "revision": "1"}
    answer = admin.post("/admin/articles/1/text", data=newer, follow_redirects=True)
    assert "The new text is saved" in answer.text
    assert SHEET["title"] in answer.text, "among the earlier titles"
    assert acts(product) == ["article-added", "article-revised"]
    for revision in ("1", "", "x", "9" * 30):
        stale = admin.post("/admin/articles/1/text", data={**newer, "title": "Trop tard", "revision": revision})
        assert stale.status_code == 409
        assert "changed since you began" in stale.text
        assert 'value="Trop tard"' in stale.text
    with product.database.reading() as session:
        assert [each.title for each in session.scalars(select(ArticleRevision))] == [SHEET["title"]]


def test_earlier_titles_are_those_that_were_others(admin: FlaskClient) -> None:
    admin.post("/admin/articles/new", data=SHEET)
    admin.post("/admin/articles/1/text", data={**SHEET, "markdown": "La poste a rouvert.", "revision": "1"})
    assert "Earlier titles" not in admin.get("/admin/articles/1").text
    for revision, markdown in enumerate(("Elle rouvre.", "Elle a rouvert."), start=2):
        renamed = {**SHEET, "title": "La poste rouvre", "markdown": markdown, "revision": str(revision)}
        admin.post("/admin/articles/1/text", data=renamed)
    listed = admin.get("/admin/articles/1").text.partition("Earlier titles")[2].partition("</ul>")[0]
    assert listed.count("<li>") == 1
    assert SHEET["title"] in listed


@pytest.mark.parametrize("written", ["", "En bref."])
def test_a_summary_that_was_made_of_the_text_follows_it_and_a_written_one_stays(
    admin: FlaskClient, product: Product, written: str
) -> None:
    admin.post("/admin/articles/new", data={**SHEET, "summary": written})
    page = admin.get("/admin/articles/1/text").text
    [shown] = re.findall(r'<textarea id="summary"[^>]*>(.*?)</textarea>', page, flags=re.DOTALL)
    newer = {**SHEET, "summary": html.unescape(shown), "markdown": "La poste a rouvert au Mali.", "revision": "1"}
    admin.post("/admin/articles/1/text", data=newer)
    changed = article(product)
    assert changed is not None
    assert changed.summary == (written or "La poste a rouvert au Mali.")


def test_a_summary_alone_is_edited_as_a_summary(admin: FlaskClient) -> None:
    admin.post("/admin/articles/new", data={**SHEET, "summary": "En bref.", "markdown": ""})
    page = admin.get("/admin/articles/1/text").text
    assert page.count("En bref.</textarea>") == 1


def test_a_repeated_press_writes_one_article(admin: FlaskClient, product: Product) -> None:
    sheet = {**SHEET, "link": "https://wire.example/2"}
    answers = [admin.post("/admin/articles/new", data=sheet) for _ in range(2)]
    assert {answer.location for answer in answers} == {"/admin/articles/1?note=article-added"}
    assert acts(product) == ["article-added"]


def test_what_a_feed_brought_is_not_edited(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        make.make_article(session, source=make.make_source(session))
    assert admin.get("/admin/articles/1/text").status_code == 404
    assert admin.post("/admin/articles/1/text", data=SHEET).status_code == 404
    assert "Edit the article" not in admin.get("/admin/articles/1").text
