"""Which article of a story a reader gets."""

import pytest
from sqlalchemy import select

from app.articles.models import Article
from app.product import Product
from app.stories.choosing import also_in, best_article, best_first
from tests.stories.wire import BREACH, BREACH_FR, BREACH_TOLD_ANEW, file_article


def test_the_reader_s_first_language_decides_and_then_the_fullest_text(product: Product) -> None:
    with product.database.transaction() as session:
        short = file_article(session, BREACH, "a")
        full = file_article(session, BREACH_TOLD_ANEW, "b", body="All that is known. " * 20)
        french = file_article(session, BREACH_FR, "c", language="fr")
        story = [short, full, french]

        assert best_article(story, ["fr", "en"]) is french
        assert best_article(story, ["en", "fr"]) is full
        assert best_article([short, full], ["fr"]) is full
        assert also_in(story, full, ["en", "fr"]) == [short, french]
        assert also_in(story, full, ["en"]) == [short]


def test_a_copy_yields_to_the_original_though_it_is_longer(product: Product) -> None:
    with product.database.transaction() as session:
        original = file_article(session, BREACH, "a")
        copied = file_article(session, BREACH, "b", body=BREACH[1] + " And more of it.")
        copied.copy_of_id = original.id

        assert best_article([copied, original], ["en"]) is original


def test_a_twin_is_never_named_beside_the_other(product: Product) -> None:
    with product.database.transaction() as session:
        french, english = file_article(session, BREACH_FR, "a", language="fr"), file_article(session, BREACH, "b")
        english.twin_of_id = french.id
        other = file_article(session, BREACH_TOLD_ANEW, "c")

        assert also_in([french, english, other], english, ["en", "fr"]) == [other]
        assert also_in([french, english, other], french, ["fr", "en"]) == [other]


def test_each_source_family_is_named_once_and_only_with_a_page(product: Product) -> None:
    with product.database.transaction() as session:
        best, again = file_article(session, BREACH, "a"), file_article(session, BREACH_TOLD_ANEW, "a")
        other, third = file_article(session, BREACH, "b"), file_article(session, BREACH, "b", body="Longer. " * 30)
        unlinked = file_article(session, BREACH, "c")
        unlinked.link = None

        assert also_in([best, again, other, third, unlinked], best, ["en"]) == [third]


def test_a_query_finds_the_same_best(product: Product) -> None:
    with product.database.transaction() as session:
        articles = [
            file_article(session, BREACH, name, body="word " * length)
            for name, length in zip("abcd", (9, 30, 30, 5), strict=True)
        ]
        articles[1].copy_of_id = articles[0].id
        session.flush()

        assert session.scalars(select(Article).order_by(*best_first())).first() is best_article(articles, ["en"])


def test_a_story_without_articles_has_no_best() -> None:
    with pytest.raises(ValueError, match="empty"):
        best_article([], ["fr"])
