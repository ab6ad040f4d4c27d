"""The wire as an editor reads it: in the order of ranks, filtered, searched, a page at a time."""

from datetime import timedelta

import pytest
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.digests.models import Flash
from app.product import Product
from app.stories import wire
from app.stories.editing import mute_story, pin_story
from app.stories.grouping import group_new
from app.stories.models import Story
from app.stories.ranking import Standing, rank
from app.stories.wire import StoryState, Wanted, articles_of, page_of_stories, pinned_stories, stories_with
from app.topics.classifying import classify_articles
from app.topics.corrections import correct_topic
from app.topics.models import Correction
from app.topics.taxonomy import load
from app.topics.word_index import asked_words
from tests.conftest import NOW
from tests.stories.wire import BREACH, BREACH_FR, BREACH_TOLD_ANEW, RESULTS, STORM, file_article

HOUR = timedelta(hours=1)
FLASHES: Select[int] = select(Flash.article_id)
BY = {"actor": "desk@example.org", "now": NOW}


@pytest.fixture
def database(product: Product) -> Product:
    """A breach that two newsrooms report in English and one in French, results and a storm."""
    with product.database.transaction() as session:
        file_article(session, RESULTS, "a", at=NOW)
        file_article(session, STORM, "b", at=NOW - 2 * HOUR)
        for number, text in enumerate((BREACH, BREACH_TOLD_ANEW)):
            file_article(session, text, f"c{number}", at=NOW - 3 * HOUR)
        file_article(session, BREACH_FR, "d", at=NOW - 3 * HOUR, language="fr")
    group_new(product.database, load(), now=NOW)
    classify_articles(product.database, load(), now=NOW)
    return product


def wanted(**asked: object) -> Wanted:
    return Wanted(now=NOW, flashes=FLASHES, **asked)  # type: ignore[arg-type]


def titles(session: Session, stories: list[Story]) -> list[str]:
    told = articles_of(session, [story.id for story in stories], "en")
    return [told[story.id][0].title for story in stories]


def page(session: Session, **asked: object) -> list[str]:
    return titles(session, page_of_stories(session, wanted(**asked), before=None, length=50).stories)


def found(session: Session, text: str, **asked: object) -> list[str]:
    words = asked_words(text)
    return titles(session, stories_with(session, wanted(**asked), words=words, before=None, length=50).stories)


def test_the_index_orders_stories_as_ranking_does(database: Product) -> None:
    with database.database.reading() as session:
        stories = session.scalars(select(Story)).all()
        standings = [Standing(story.id, story.sources, story.last_at) for story in stories]
        ranked = [each.story_id for each in rank(standings, NOW + 5 * HOUR)]
        shown = page_of_stories(session, wanted(), before=None, length=50)
        assert [story.id for story in shown.stories] == ranked
        assert titles(session, shown.stories) == [BREACH[0], RESULTS[0], STORM[0]]
        newest = page_of_stories(session, wanted(), by=Story.last_at, before=None, length=50)
        assert titles(session, newest.stories) == [RESULTS[0], STORM[0], BREACH[0]]


def test_pages_follow_one_another_without_a_gap_and_a_long_walk_is_cut(
    database: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.database.reading() as session:
        for walked in (3_000, 1):
            monkeypatch.setattr(wire, "WALKED_MAX", walked)
            seen, before = [], None
            for _ in range(4):
                shown = page_of_stories(session, wanted(), before=before, length=1)  # type: ignore[arg-type]
                seen += titles(session, shown.stories)
                before = shown.before
                if before is None:
                    break
            assert seen == [BREACH[0], RESULTS[0], STORM[0]]
        shown = page_of_stories(session, wanted(language="fr"), before=(NOW, 0), length=1)
        assert (shown.stories, shown.is_cut) == ([], True), "the storm was walked through"


def test_stories_are_found_by_what_one_article_of_them_is(database: Product) -> None:
    with database.database.transaction() as session:
        storm = session.scalars(select(Article).where(Article.title == STORM[0])).one()
        correct_topic(
            session, load(), article_id=storm.id, topic="place:PT", correction=Correction.ADDED, by="x", now=NOW
        )
        assert page(session, language="fr") == [BREACH[0]]
        assert page(session, source_id=storm.source_id) == [STORM[0]]
        assert page(session, source_id=storm.source_id, language="fr") == []
        assert page(session, source_id=0) == []
        assert page(session, topics=(frozenset({"place:EE", "place:PT"}),)) == [BREACH[0], STORM[0]]
        assert page(session, topics=(frozenset({"place:EE"}), frozenset({"place:PT"}))) == []
        assert page(session, since=NOW - HOUR) == [RESULTS[0]]
        assert page(session, state=StoryState.EMBARGO) == page(session, state=StoryState.FLASH) == []
        storm.embargo_until = NOW + HOUR
        session.scalars(select(Article).where(Article.title == RESULTS[0])).one().classified_at = None
        session.flush()
        assert page(session, state=StoryState.EMBARGO) == [STORM[0]]
        assert page(session, state=StoryState.UNCLASSIFIED) == [RESULTS[0]]


def test_pinned_stories_stand_apart_and_muted_ones_are_out_of_the_way(database: Product) -> None:
    with database.database.transaction() as session:
        breach, results, storm = page_of_stories(session, wanted(), before=None, length=9).stories
        pin_story(session, story_id=storm.id, **BY)
        mute_story(session, story_id=results.id, **BY)
        assert page(session) == [BREACH[0]]
        assert titles(session, list(pinned_stories(session, wanted()))) == [STORM[0]]
        assert list(pinned_stories(session, wanted(language="fr"))) == []
        assert page(session, state=StoryState.PINNED) == [STORM[0]]
        assert page(session, state=StoryState.MUTED) == [RESULTS[0]]
        assert found(session, "quarterly") == [RESULTS[0]], "a search looks everywhere"
        assert breach.ranks_at > storm.ranks_at


def test_words_find_the_stories_of_articles_in_both_languages(
    database: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.database.reading() as session:
        assert found(session, "Orvane") == [BREACH[0], RESULTS[0]], "the newest article first, each story once"
        assert found(session, "données ESTONIE") == [BREACH[0]]
        assert found(session, "orvane", language="fr") == [BREACH[0]]
        assert found(session, "orvane storm") == []
        first = stories_with(session, wanted(), words=("orvane",), before=None, length=3)
        assert first.before is not None
        rest = stories_with(session, wanted(), words=("orvane",), before=first.before, length=3)  # type: ignore[arg-type]
        assert (titles(session, rest.stories), rest.before) == ([RESULTS[0]], None)
        monkeypatch.setattr(wire, "FOUND_MAX", 2)
        cut = stories_with(session, wanted(state=StoryState.MUTED), words=("orvane",), before=None, length=3)
        assert (cut.stories, cut.is_cut, cut.before) == ([], True, 4)


def test_a_new_text_is_found_by_its_words_and_no_longer_by_the_old_ones(database: Product) -> None:
    with database.database.transaction() as session:
        storm = session.scalars(select(Article).where(Article.title == STORM[0])).one()
        storm.title, storm.summary, storm.classified_at = "Tempest over Porto", "", None
    classify_articles(database.database, load(), now=NOW + HOUR)
    with database.database.reading() as session:
        assert found(session, "tempest") == ["Tempest over Porto"]
        assert found(session, "storm") == []
