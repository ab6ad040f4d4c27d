"""Which articles a digest takes, and in which order."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.editions.audience import cancel_edition
from app.editions.draft import proposed_headlines, titles_of
from app.editions.lines import Compilation, CompileOutcome
from app.editions.models import Edition
from app.errors import InputRefused
from app.product import Product
from app.stories.models import Story
from app.topics.classify import Rank
from app.topics.models import ArticleTopic
from tests.conftest import NOW
from tests.editions.press import compile_now, make_feed
from tests.make import make_article

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def titles(session, compilation: Compilation) -> list[str]:
    return [item.article.title for item in session.get_one(Edition, compilation.edition_id).items]


def make_story(session, *, sources: int = 1, pinned_at: datetime | None = None) -> Story:
    story = Story(first_at=NOW, last_at=NOW, ranks_at=NOW, sources=sources, pinned_at=pinned_at, languages={"fr": 1})
    session.add(story)
    session.flush()
    return story


def test_the_newest_comes_first(product: Product) -> None:
    with product.database.transaction() as session:
        for age in (3, 1, 2):
            make_article(session, title=f"aged {age}", added_at=NOW - age * HOUR)
        assert titles(session, compile_now(session)) == ["aged 1", "aged 2", "aged 3"]


def test_only_articles_of_the_window_and_the_language_are_taken(product: Product) -> None:
    with product.database.transaction() as session:
        make_article(session, title="too old", added_at=NOW - timedelta(days=7))
        make_article(session, title="just in", added_at=NOW - timedelta(days=7) + HOUR)
        make_article(session, title="at the end", added_at=NOW)
        make_article(session, title="tomorrow", added_at=NOW + HOUR)
        make_article(session, title="English", language="en")
        assert set(titles(session, compile_now(session))) == {"just in", "at the end"}


def test_arrival_counts_and_not_the_date_of_publication(product: Product) -> None:
    with product.database.transaction() as session:
        make_article(session, title="late to us").published_at = NOW - timedelta(days=30)
        assert titles(session, compile_now(session)) == ["late to us"]


def test_a_window_begins_where_the_last_one_ended(product: Product) -> None:
    with product.database.transaction() as session:
        make_article(session, title="first")
        compile_now(session)
        make_article(session, title="second", added_at=NOW + HOUR)
        later = compile_now(session, now=NOW + 2 * HOUR)
        assert later.since == NOW
        assert titles(session, later) == ["second"]


def test_an_article_committed_while_the_last_digest_was_compiled_is_not_lost(product: Product) -> None:
    with product.database.transaction() as session:
        make_article(session, title="first")
        compile_now(session)
        make_article(session, title="slow to commit", added_at=NOW - timedelta(minutes=2))
        assert titles(session, compile_now(session, now=NOW + HOUR)) == ["slow to commit"]


def test_nothing_new_is_recorded_and_makes_no_edition(product: Product) -> None:
    with product.database.transaction() as session:
        compilation = compile_now(session)
        assert compilation.outcome is CompileOutcome.NOTHING_NEW
        assert compilation.edition_id is None
    with product.database.reading() as session:
        assert session.scalars(select(Edition)).all() == []
        assert session.scalars(select(Compilation.outcome)).all() == [CompileOutcome.NOTHING_NEW]


def test_no_article_is_carried_twice_in_a_language(product: Product) -> None:
    with product.database.transaction() as session:
        make_article(session)
        compile_now(session)
        again = compile_now(session, since=NOW - timedelta(days=30))
        assert again.outcome is CompileOutcome.NOTHING_NEW


def test_the_articles_of_a_cancelled_edition_are_free_again(product: Product) -> None:
    with product.database.transaction() as session:
        make_article(session, title="again")
        first = compile_now(session)
        cancel_edition(session, edition_id=first.edition_id, actor="ada", now=NOW)  # type: ignore[arg-type]
        assert titles(session, compile_now(session, now=NOW + HOUR)) == ["again"]


def test_a_busy_feed_does_not_crowd_out_the_others(product: Product) -> None:
    with product.database.transaction() as session:
        busy, quiet = make_feed(session, "busy"), make_feed(session, "quiet")
        for minutes in range(20):
            make_article(session, title=f"busy {minutes}", source=busy, added_at=NOW - timedelta(minutes=minutes))
        make_article(session, title="quiet 1", source=quiet, added_at=NOW - timedelta(days=2))
        make_article(session, title="quiet 2", source=quiet, added_at=NOW - timedelta(days=3))
        by_hand = [f"by hand {number}" for number in range(7)]
        for title in by_hand:
            make_article(session, title=title, added_at=NOW - timedelta(days=4))

        taken = titles(session, compile_now(session, limit=11, per_source=3))
        assert set(taken) == {"busy 0", "busy 1", "quiet 1", "quiet 2", *by_hand}
        assert taken[:4] == ["busy 0", "busy 1", "quiet 1", "quiet 2"]


def test_beyond_its_share_a_feed_fills_the_room_that_others_leave(product: Product) -> None:
    with product.database.transaction() as session:
        feed = make_feed(session)
        for number in range(9):
            make_article(session, title=f"n{number}", source=feed, added_at=NOW - number * HOUR)
        make_article(session, title="old", source=make_feed(session, "quiet"), added_at=NOW - 3 * DAY)
        taken = titles(session, compile_now(session, per_source=3, limit=7))
        assert taken == ["n0", "n1", "n2", "old", "n3", "n4", "n5"]


def test_in_a_full_digest_stands_what_most_sources_tell(product: Product) -> None:
    with product.database.transaction() as session:
        feed = make_feed(session)
        for number in range(4):
            make_article(session, title=f"n{number}", source=feed, added_at=NOW - number * HOUR)
        told, pinned = (make_article(session, title=title, source=feed, added_at=NOW - 2 * DAY) for title in "tp")
        told.story_id = make_story(session, sources=4).id
        pinned.story_id = make_story(session, pinned_at=NOW).id
        session.flush()
        assert titles(session, compile_now(session, limit=3)) == ["p", "t", "n0"]


def test_what_is_on_no_theme_comes_last_and_when_there_is_room(product: Product) -> None:
    with product.database.transaction() as session:
        feed = make_feed(session)
        for number in range(3):
            make_article(session, title=f"match {number}", source=feed, added_at=NOW - number * HOUR)
        strike = make_article(session, title="strike", source=feed, added_at=NOW - 9 * HOUR)
        strike.body = ""
        row = {"article_id": strike.id, "topic": "theme:conflict", "weight": 1.0, "rank": Rank.PRIMARY, "words": []}
        session.add(ArticleTopic(**row, is_by_editor=False))
        session.flush()
        assert titles(session, compile_now(session, limit=2)) == ["strike", "match 0"]


def test_the_first_article_says_more_than_its_title(product: Product) -> None:
    with product.database.transaction() as session:
        make_article(session, title="bare", added_at=NOW - HOUR).body = ""
        make_article(session, title="told", added_at=NOW - 2 * HOUR)
        session.flush()
        edition = session.get_one(Edition, compile_now(session).edition_id)
        assert [item.article.title for item in edition.items] == ["told", "bare"]
        assert edition.subject == "told"


def test_a_digest_of_a_week_ranks_its_first_days_as_well(product: Product) -> None:
    with product.database.transaction() as session:
        make_article(session, title="of today", added_at=NOW - HOUR)
        make_article(session, title="of last week", added_at=NOW - 5 * DAY).story_id = make_story(session, sources=2).id
        session.flush()
        assert titles(session, compile_now(session)) == ["of last week", "of today"]


@pytest.mark.parametrize("title", ["Re: your invoice", "Bell \x07", "\u202ereversed", ""])
def test_a_title_that_cannot_be_a_subject_leaves_it_to_the_next(product: Product, title: str) -> None:
    with product.database.transaction() as session:
        make_article(session, title=title, added_at=NOW - HOUR)
        make_article(session, title="Un câble coupé", added_at=NOW - 2 * HOUR)
        edition = session.get_one(Edition, compile_now(session).edition_id)
        assert edition.subject == "Un câble coupé"


@pytest.mark.parametrize("number", [1, 2, 12])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_proposed_preheader_fits_the_inbox(product: Product, number: int, language: str) -> None:
    with product.database.transaction() as session:
        for each in range(number):
            make_article(session, title=f"Titre {each} " + "long " * each, language=language)
        edition = session.get_one(Edition, compile_now(session, language=language).edition_id)
        assert 40 <= len(edition.preheader) <= 110
        assert edition.preheader != edition.subject


@pytest.mark.parametrize(
    ("since", "days"),
    [
        (timedelta(days=1), "1 article à lire, du 17 mars 2026 au 18 mars 2026"),
        (timedelta(minutes=30), "1 article à lire, parmi ce qui est arrivé le 18 mars 2026"),
    ],
)
def test_the_proposed_headlines_name_days_of_the_newsletter_s_calendar(
    product: Product, since: timedelta, days: str
) -> None:
    half_past_midnight = datetime(2026, 3, 17, 23, 30, tzinfo=UTC)  # of the 18th in Paris
    with product.database.transaction() as session:
        make_article(session, title="Re: what cannot be a subject", added_at=half_past_midnight)
        compilation = compile_now(session, now=half_past_midnight, since=half_past_midnight - since)
        edition = session.get_one(Edition, compilation.edition_id)
        assert (edition.subject, edition.preheader) == ("L’édition du 18 mars 2026", days)
        assert proposed_headlines(edition, titles_of(edition)) == (edition.subject, edition.preheader)


def test_a_window_that_ends_before_it_begins_is_refused(product: Product) -> None:
    with product.database.transaction() as session, pytest.raises(InputRefused):
        compile_now(session, since=NOW + HOUR)
