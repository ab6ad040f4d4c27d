"""Articles that an editor writes by hand, and edits again."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.articles.models import Article, ArticleRevision
from app.articles.sheet import MARKDOWN_MAX, Sheet, rewrite_article, sheet_html, write_article
from app.articles.urls import link_key
from app.errors import EditionChanged, NotFound, SheetRefused, TransitionRefused
from app.product import Product
from tests import make
from tests.conftest import NOW

LATER = NOW + timedelta(hours=1)
CABLE = Sheet(
    language="fr", title="Un câble *coupé*", summary="", link="https://wire.example/cable?utm_source=x",
    markdown="## Les faits\n\nLe câble **C-Lion** est coupé.\n\n- une\n- deux",
)  # fmt: skip


def test_a_sheet_becomes_an_article_with_its_prose_and_keeps_its_markdown(product: Product) -> None:
    with product.database.transaction() as session:
        article = write_article(session, sheet=CABLE, now=NOW)
        assert article.title == "Un câble *coupé*", "a title is no Markdown"
        assert article.body == "Les faits\n\nLe câble C-Lion est coupé.\n\nune\n\ndeux"
        assert article.summary == "Le câble C-Lion est coupé."
        assert article.markdown == CABLE.markdown
        assert (article.source_id, article.published_at, article.revision) == (None, NOW, 1)
        assert article.classified_at is None, "it is classified as all others are"


def test_a_sheet_that_comes_again_adds_nothing_however_its_link_is_spelt(product: Product) -> None:
    again = replace(CABLE, link="http://wire.example/cable/?utm_source=y")
    with product.database.transaction() as session:
        first = write_article(session, sheet=CABLE, now=NOW)
        assert write_article(session, sheet=again, now=LATER) is first
        other = write_article(session, sheet=replace(CABLE, link=""), now=NOW)
        assert write_article(session, sheet=replace(CABLE, link=""), now=LATER) is other is not first


@pytest.mark.parametrize("link", ["", "https://wire.example/cable"])
def test_of_many_presses_at_once_one_adds(link: str, product: Product) -> None:
    barrier = threading.Barrier(4)

    def press(_: int) -> int:
        barrier.wait()
        with product.database.transaction() as session:
            return write_article(session, sheet=replace(CABLE, link=link), now=NOW).id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(press, range(4)))) == 1


def test_another_text_is_a_revision_and_the_earlier_one_is_noted(product: Product) -> None:
    with product.database.transaction() as session:
        article = write_article(session, sheet=CABLE, now=NOW)
        article.classified_at = NOW
        newer = replace(CABLE, title="Deux câbles", summary="En bref.", language="en", link="")
        rewrite_article(session, article_id=article.id, sheet=newer, revision=1, now=LATER)
        assert (article.title, article.summary, article.language, article.link) == (
            "Deux câbles", "En bref.", "en", None,
        )  # fmt: skip
        assert (article.revision, article.classified_at) == (2, None)
        noted = session.scalars(select(ArticleRevision)).one()
        assert (noted.title, noted.revision, noted.at) == (CABLE.title, 1, LATER)
        with pytest.raises(EditionChanged):
            rewrite_article(session, article_id=article.id, sheet=CABLE, revision=1, now=LATER)


def test_another_summary_alone_is_kept_and_no_revision(product: Product) -> None:
    with product.database.transaction() as session:
        article = write_article(session, sheet=CABLE, now=NOW)
        shorter = replace(CABLE, summary="En bref.")
        rewrite_article(session, article_id=article.id, sheet=shorter, revision=1, now=LATER)
        assert (article.summary, article.revision) == ("En bref.", 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": " \n"}, "title"),
        ({"title": "x" * 251}, "title"),
        ({"language": "de"}, "language"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"link": "https://wire.example/known"}, "known"),
        ({"markdown": "", "summary": " "}, "text"),
        ({"markdown": "x" * (MARKDOWN_MAX + 1)}, "text"),
        ({"markdown": "\x00\x01"}, "text"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_its_field(product: Product, change: dict[str, str], field: str) -> None:
    with product.database.transaction() as session:
        known = make.make_article(session, link="https://wire.example/known")
        known.link_key = link_key("https://wire.example/known")
        with pytest.raises(SheetRefused) as refusal:
            write_article(session, sheet=replace(CABLE, **change), now=NOW)  # type: ignore[arg-type]
        assert refusal.value.field == field
        assert session.scalars(select(Article.id)).all() == [known.id]


def test_a_feeds_article_is_not_rewritten(product: Product) -> None:
    with product.database.transaction() as session:
        article = make.make_article(session, source=make.make_source(session))
        with pytest.raises(TransitionRefused, match="feed"):
            rewrite_article(session, article_id=article.id, sheet=CABLE, revision=1, now=NOW)
        with pytest.raises(NotFound):
            rewrite_article(session, article_id=99, sheet=CABLE, revision=1, now=NOW)


def test_a_preview_is_clean_and_its_headings_stand_below_those_of_the_page() -> None:
    html = sheet_html(
        "# One\n\n<script>alert(1)</script> ![x](https://t.example/x.gif) [a](javascript:alert(1)) [b](https://b.example/)"
    )
    assert html.startswith("<h3>One</h3>")
    assert sheet_html("### a\n\n## b\n\n#### c\n\n## d") == "<h3>a</h3>\n<h3>b</h3>\n<h4>c</h4>\n<h3>d</h3>"
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert '<a href="https://b.example/" rel="noreferrer noopener">b</a>' in html
