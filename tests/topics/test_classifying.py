"""Articles get their topics in batches; what an editor said stays, whatever happens to taxonomy and text."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.articles.arrival import store_entries
from app.articles.entries import Entry
from app.articles.full_text import PageReading, record_page
from app.articles.models import Article, Source
from app.articles.web_page import WebPage
from app.errors import InputRefused, NotFound
from app.product import Product
from app.topics import classifying
from app.topics.classifying import Classified, classify_articles
from app.topics.corrections import correct_topic, topics_of
from app.topics.models import ArticleTopic, Correction, TaxonomyUse, TopicCorrection
from app.topics.taxonomy import Taxonomy, load
from tests import make
from tests.conftest import NOW, ON_POSTGRESQL
from tests.editions.press import make_feed
from tests.refusing import refusing

LATER = NOW + timedelta(hours=1)
EDITOR = "ada@desk.example"


@pytest.fixture
def other(tmp_path: Path) -> Taxonomy:
    """A taxonomy that knows one theme, and countries."""
    file = tmp_path / "other.toml"
    file.write_text('[themes.trips]\nlabel = { fr = "Voyages", en = "Trips" }\nfr = ["voyage:3"]\n', encoding="utf-8")
    return load(file)


def add(product: Product, number: int, title: str = "Mali : une cyberattaque, et un voyage") -> int:
    with product.database.transaction() as session:
        return make.make_article(session, title=title, link=f"https://wire.example/{number}", language="fr").id


def carried(product: Product, article_id: int) -> dict[str, str]:
    with product.database.reading() as session:
        return {each.topic: each.rank.value for each in session.scalars(topics_of([article_id]))}


def correct(
    product: Product, article_id: int, topic: str, correction: Correction, taxonomy: Taxonomy | None = None
) -> None:
    with product.database.transaction() as session:
        correct_topic(
            session, taxonomy or load(), article_id=article_id, topic=topic, correction=correction, by=EDITOR, now=NOW
        )


def article(session: Session, article_id: int) -> Article:
    return session.get_one(Article, article_id)


def test_new_articles_are_classified_once_with_the_words_that_said_so(product: Product) -> None:
    article_id = add(product, 1)
    assert classify_articles(product.database, load(), now=NOW) == Classified(1, 0)
    assert carried(product, article_id) == {
        "place:ML": "primary",
        "theme:cybercrime": "primary",
    }
    with product.database.reading() as session:
        place = session.get_one(ArticleTopic, (article_id, "place:ML"))
        assert place.words == [{"word": "Mali", "where": "title", "times": 1}]
        assert article(session, article_id).classified_at == NOW
    assert classify_articles(product.database, load(), now=LATER) == Classified(0, 0)


def test_a_changed_taxonomy_goes_over_all_articles_a_batch_at_a_time(
    product: Product, other: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifying, "BATCH", 2)
    ids = [add(product, number) for number in range(5)]
    assert classify_articles(product.database, load(), now=NOW) == Classified(5, 0)
    first = classify_articles(product.database, other, now=LATER, batches=1)
    assert first == Classified(0, 2)
    assert "theme:trips" in carried(product, ids[-1]), "the newest come first"
    assert "theme:trips" not in carried(product, ids[0])
    newest = add(product, 9)
    assert classify_articles(product.database, other, now=LATER) == Classified(1, 3)
    assert all("theme:cybercrime" not in carried(product, each) for each in [*ids, newest])
    assert classify_articles(product.database, other, now=LATER) == Classified(0, 0)
    with product.database.reading() as session:
        assert [use.ended_at for use in session.scalars(select(TaxonomyUse).order_by(TaxonomyUse.id))] == [NOW, LATER]


def test_a_taxonomy_that_comes_back_is_used_anew(product: Product, other: Taxonomy) -> None:
    add(product, 1)
    for taxonomy, hours in ((load(), 0), (other, 1), (load(), 2)):
        classify_articles(product.database, taxonomy, now=NOW + timedelta(hours=hours))
    assert "theme:cybercrime" in carried(product, 1)


def test_a_text_that_changed_is_classified_again(product: Product) -> None:
    article_id = add(product, 1)
    classify_articles(product.database, load(), now=NOW)
    with product.database.transaction() as session:
        changed = article(session, article_id)
        changed.title, changed.classified_at = "Niger : une cyberattaque", None
    assert classify_articles(product.database, load(), now=LATER) == Classified(1, 0)
    assert "place:NE" in carried(product, article_id)
    assert "place:ML" not in carried(product, article_id)


def test_a_text_that_changes_while_it_is_read_stays_to_be_done(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    article_id = add(product, 1)
    real = classifying.classify

    def slow(*given, **more):
        with product.database.transaction() as session:
            article(session, article_id).title = "Niger"
        return real(*given, **more)

    monkeypatch.setattr(classifying, "classify", slow)
    assert classify_articles(product.database, load(), now=NOW, batches=1) == Classified(0, 0)
    monkeypatch.undo()
    assert classify_articles(product.database, load(), now=LATER) == Classified(1, 0)
    assert list(carried(product, article_id)) == ["place:NE"]


def test_an_editors_word_outlasts_taxonomy_and_text(product: Product, other: Taxonomy) -> None:
    article_id = add(product, 1)
    classify_articles(product.database, load(), now=NOW)
    correct(product, article_id, "place:ML", Correction.REMOVED)
    correct(product, article_id, "theme:skills", Correction.ADDED)
    correct(product, article_id, "place:FR", Correction.ADDED)
    expected = {"place:FR", "theme:skills"}
    assert set(carried(product, article_id)) == expected | {"theme:cybercrime"}
    classify_articles(product.database, other, now=LATER)
    assert set(carried(product, article_id)) == expected | {"theme:trips"}
    with product.database.transaction() as session:
        article(session, article_id).classified_at = None
    classify_articles(product.database, other, now=LATER)
    assert set(carried(product, article_id)) == expected | {"theme:trips"}
    with product.database.reading() as session:
        kept = session.get_one(TopicCorrection, (article_id, "place:ML"))
        assert (kept.correction, kept.by, kept.at) == (Correction.REMOVED, EDITOR, NOW)


def test_the_latest_word_counts(product: Product) -> None:
    article_id = add(product, 1)
    classify_articles(product.database, load(), now=NOW)
    for correction in (Correction.REMOVED, Correction.ADDED, Correction.ADDED):
        correct(product, article_id, "place:ML", correction)
    assert carried(product, article_id)["place:ML"] == "primary"
    correct(product, article_id, "place:ML", Correction.REMOVED)
    assert "place:ML" not in carried(product, article_id)


def test_what_rules_found_and_an_editor_confirms_keeps_its_words(product: Product) -> None:
    article_id = add(product, 1)
    classify_articles(product.database, load(), now=NOW)
    correct(product, article_id, "place:ML", Correction.ADDED)
    with product.database.reading() as session:
        place = session.get_one(ArticleTopic, (article_id, "place:ML"))
        assert (place.is_by_editor, place.weight, [word["word"] for word in place.words]) == (True, 1.0, ["Mali"])


def test_an_editor_may_correct_before_the_rules_have_spoken(product: Product) -> None:
    article_id = add(product, 1)
    correct(product, article_id, "place:ML", Correction.REMOVED)
    classify_articles(product.database, load(), now=NOW)
    assert "place:ML" not in carried(product, article_id)


def test_what_is_not_there_cannot_be_corrected(product: Product) -> None:
    article_id = add(product, 1)
    with pytest.raises(InputRefused):
        correct(product, article_id, "theme:none", Correction.ADDED)
    with pytest.raises(NotFound):
        correct(product, 999, "place:ML", Correction.REMOVED)


def test_an_article_that_cannot_be_classified_keeps_no_other_waiting(product: Product) -> None:
    older, poison, newer = (add(product, number) for number in range(3))
    with refusing(product, "article_topics", f"NEW.article_id = {poison}"):
        assert classify_articles(product.database, load(), now=NOW) == Classified(3, 0)
        assert classify_articles(product.database, load(), now=NOW) == Classified(0, 0)
    assert [bool(carried(product, each)) for each in (older, poison, newer)] == [True, False, True]


NEW_TEXT = "Le port a rouvert lundi, après onze jours de silence."


def read_page(session: Session) -> None:
    page = WebPage(title="Le port rouvre", text=NEW_TEXT, link="https://detroit.example/a")
    record_page(session, article_id=1, reading=PageReading(page=page), now=LATER)


def say_anew(session: Session) -> None:
    source = article(session, 1).source
    assert source is not None
    say(session, source, NEW_TEXT)


def say(session: Session, source: Source, text: str) -> None:
    entry = Entry("a", "https://detroit.example/a", "Le port rouvre", text, text)
    store_entries(session, source=source, entries=[entry], now=NOW)


@ON_POSTGRESQL
@pytest.mark.parametrize("give_text", [read_page, say_anew])
def test_a_text_that_comes_while_the_one_before_is_being_classified_waits_to_be_classified(
    give_text: Callable[[Session], None], product: Product
) -> None:
    with product.database.transaction() as session:
        say(session, make_feed(session), "Le port.")

    def come() -> None:
        with product.database.transaction() as session:
            give_text(session)

    with ThreadPoolExecutor(1) as pool:
        with product.database.transaction() as classification:
            classification.execute(update(Article).values(classified_at=NOW))
            coming = pool.submit(come)
            time.sleep(0.5)
        coming.result()
    with product.database.reading() as session:
        found = article(session, 1)
        assert (found.body, found.classified_at) == (NEW_TEXT, None)
