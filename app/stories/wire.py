"""The wire as an editor reads it: stories in their order, those that are wanted, and the articles that tell them.

A page costs the same however many articles there are: it walks the stories from where the last page ended, a bounded
number of them, and says so where it found few.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session, defer

from app.articles.models import Article
from app.stories.choosing import best_first
from app.stories.models import Story
from app.topics.models import ARTICLE_INDEX, ArticleTopic, ArticleWords

#: Stories that one page goes through, and articles with the words that are looked for.
WALKED_MAX, FOUND_MAX = 3_000, 1_000
#: Pinned stories and new arrivals that stand above the others.
PINNED_MAX, ARRIVALS_MAX = 30, 8
#: Articles of a story that are shown in each language, the best first.
SHOWN_MAX = 6

#: Where a page begins: below the story of this time and id.
Place = tuple[datetime, int]


class StoryState(StrEnum):
    """What is special about a story, or about one of its articles."""

    PINNED = "pinned"
    MUTED = "muted"
    FLASH = "flash"
    EMBARGO = "embargo"
    UNCLASSIFIED = "unclassified"


@dataclass(frozen=True)
class Wanted:
    """Which stories an editor wants: those with an article for which all of this holds.

    Of each set of `topics` it carries one; `source_id` 0 stands for what was written by hand; `flashes` selects the
    ids of articles that went out of turn.
    """

    now: datetime
    flashes: Select[int]
    language: str | None = None
    source_id: int | None = None
    topics: tuple[frozenset[str], ...] = ()
    since: datetime | None = None
    state: StoryState | None = None


@dataclass(frozen=True)
class StoryPage:
    """Some stories in order; the next ones are below `before`. `is_cut`: the walk ended before the page was full."""

    stories: list[Story]
    before: Place | int | None
    is_cut: bool = False


def pinned_stories(session: Session, wanted: Wanted) -> Sequence[Story]:
    """Return the pinned stories that are wanted, the last pinned first."""
    query = select(Story).where(Story.pinned_at.is_not(None), *_about(wanted))
    return session.scalars(query.order_by(Story.pinned_at.desc(), Story.id.desc()).limit(PINNED_MAX)).all()


def page_of_stories(
    session: Session,
    wanted: Wanted,
    *,
    by: InstrumentedAttribute[datetime] = Story.ranks_at,
    before: Place | None,
    length: int,
) -> StoryPage:
    """Return a page of the wanted stories by `ranks_at` or `last_at`, without the pinned ones."""
    order = (by.desc(), Story.id.desc())
    query = select(Story).where(*_walked(wanted), *_about(wanted))
    end = None
    if before is not None:
        query = query.where(sa.or_(by < before[0], sa.and_(by == before[0], Story.id < before[1])))
    if wanted.state is None:  # those of a state are few, and found by their own index
        end = _end_of_walk(session, by, before)
        query = query.where(by >= end[0], sa.or_(by > end[0], Story.id >= end[1])) if end else query
    stories = list(session.scalars(query.order_by(*order).limit(length + 1)))
    if len(stories) > length:
        return StoryPage(stories[:length], (getattr(stories[length - 1], by.key), stories[length - 1].id))
    return StoryPage(stories, end, is_cut=end is not None)


def stories_with(
    session: Session, wanted: Wanted, *, words: tuple[str, ...], before: int | None, length: int
) -> StoryPage:
    """Return the wanted stories that have an article with all `words` in title and summary, newest articles first."""
    found = ARTICLE_INDEX.newest_with(session, select(ArticleWords.article_id), words=words, before=before)
    if session.get_bind().dialect.name == "postgresql":
        # A sum, not the column: else it goes through all articles for the few that have a rare word.
        found = found.order_by(None).order_by((ArticleWords.article_id + 0).desc())
    found_ids = session.scalars(found.limit(FOUND_MAX)).all()
    ids = select(Article.id, Article.story_id).join(Story, Story.id == Article.story_id)
    ids = ids.where(Article.id.in_(found_ids), *_of_article(wanted), *_of_story(wanted))
    rows = session.execute(ids.order_by(Article.id.desc()).limit(length + 1)).all()
    shown = dict.fromkeys(story_id for _, story_id in rows[:length])
    by_id = {story.id: story for story in session.scalars(select(Story).where(Story.id.in_(shown)))}
    stories = [by_id[story_id] for story_id in shown if story_id is not None]
    if len(rows) > length:
        return StoryPage(stories, rows[length - 1][0])
    is_cut = len(found_ids) == FOUND_MAX
    return StoryPage(stories, found_ids[-1] if is_cut else None, is_cut=is_cut)


def articles_of(session: Session, story_ids: Collection[int], language: str) -> dict[int, list[Article]]:
    """Return the articles of stories, without their texts: at most `SHOWN_MAX` in each language, the best first.

    Those of `language` come before those of others.
    """
    place = sa.func.row_number().over(partition_by=(Article.story_id, Article.language), order_by=best_first())
    ranked = select(Article.id, place.label("place")).where(Article.story_id.in_(story_ids)).subquery()
    is_other = sa.case({language: 0}, value=Article.language, else_=1)
    query = select(Article).join(ranked, ranked.c.id == Article.id).where(ranked.c.place <= SHOWN_MAX)
    query = query.order_by(is_other, ranked.c.place, Article.id)
    articles: dict[int, list[Article]] = {story_id: [] for story_id in story_ids}
    for article in session.scalars(query.options(*_without_texts())):
        assert article.story_id is not None
        articles[article.story_id].append(article)
    return articles


def arrivals(session: Session) -> Sequence[Article]:
    """Return the newest articles that are in no story yet: grouping looks for new ones every half minute."""
    query = select(Article).where(Article.grouped_at.is_(None), Article.story_id.is_(None))
    newest = query.order_by(Article.published_at.desc(), Article.id.desc()).limit(ARRIVALS_MAX)
    return session.scalars(newest.options(*_without_texts())).all()


def _end_of_walk(session: Session, by: InstrumentedAttribute[datetime], before: Place | None) -> Place | None:
    """Return the last place that a page looks at, if there are others below; read from the index alone."""
    query = select(by, Story.id)
    if before is not None:
        query = query.where(sa.or_(by < before[0], sa.and_(by == before[0], Story.id < before[1])))
    last = session.execute(query.order_by(by.desc(), Story.id.desc()).offset(WALKED_MAX - 1).limit(1)).first()
    return (last[0], last[1]) if last else None


def _walked(wanted: Wanted) -> list[ColumnElement[bool]]:
    """Return the conditions of the stories in the list: the pinned ones stand above it, muted ones nowhere."""
    match wanted.state:
        case StoryState.PINNED | StoryState.MUTED:
            return []
        case None:
            return [Story.pinned_at.is_(None), Story.muted_at.is_(None)]
    return [Story.id.in_(select(Article.story_id).where(Article.story_id.is_not(None), *_of_state(wanted)))]


def _about(wanted: Wanted) -> list[ColumnElement[bool]]:
    """Return the conditions of a story: its own, and that of one of its articles where anything is asked of them."""
    of_article = _of_article(wanted)
    own = _of_story(wanted)
    return [*own, select(Article.id).where(Article.story_id == Story.id, *of_article).exists()] if of_article else own


def _of_story(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Story.merged_into_id.is_(None)]
    if wanted.since is not None:
        conditions.append(Story.last_at >= wanted.since)
    if wanted.state is StoryState.PINNED:
        conditions.append(Story.pinned_at.is_not(None))
    if wanted.state is StoryState.MUTED:
        conditions.append(Story.muted_at.is_not(None))
    return conditions


def _of_article(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions = _of_state(wanted)
    # An expression, not the column: else SQLite goes through all articles of a language for each story.
    if wanted.language is not None:
        conditions.append(Article.language + "" == wanted.language)
    if wanted.source_id is not None:
        conditions.append(sa.func.coalesce(Article.source_id, 0) == wanted.source_id)
    for topics in wanted.topics:
        carried = select(ArticleTopic.topic).where(ArticleTopic.article_id == Article.id)
        conditions.append(carried.where(ArticleTopic.topic.in_(sorted(topics))).exists())
    return conditions


def _of_state(wanted: Wanted) -> list[ColumnElement[bool]]:
    match wanted.state:
        case StoryState.FLASH:
            return [Article.id.in_(wanted.flashes)]
        case StoryState.EMBARGO:
            return [Article.embargo_until > wanted.now]
        case StoryState.UNCLASSIFIED:
            return [Article.classified_at.is_(None)]
    return []


def _without_texts() -> Sequence[Any]:
    return defer(Article.body), defer(Article.markdown)
