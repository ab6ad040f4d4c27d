"""Compiling: the articles of a window become a draft edition, or the record that there was nothing new.

An edition has one item for each story; other articles on it are named beside the item.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.articles.models import Article, arrived, may_leave
from app.db import is_among
from app.editions.headlines import preheader_for, subject_for
from app.editions.lines import Compilation, CompileOutcome, Line, are_given_up, carried_by, closes_line, window_of
from app.editions.models import AlsoIn, Edition, EditionItem
from app.i18n import LANGUAGES
from app.newsletters.models import Newsletter
from app.stories.choosing import also_in, best_first
from app.stories.models import Story
from app.stories.ranking import HALF_LIFE, Standing, by_shares, half_life_over, on_themes_first, rank, with_lead
from app.topics.models import ArticleTopic
from app.topics.topic import TopicKind

#: Articles that one edition carries, and of these of one feed before all others had theirs.
ITEMS_MAX, PER_SOURCE_MAX = 30, 5
_IS_ON_THEME = (
    select(ArticleTopic.article_id)
    .where(ArticleTopic.article_id == Article.id, ArticleTopic.topic.startswith(TopicKind.THEME.prefix))
    .exists()
)
#: More than so many names beside an item are a list that nobody reads.
ALSO_IN_MAX = 6


def compile_edition(
    session: Session,
    *,
    newsletter: Newsletter,
    language: str,
    until: datetime,
    now: datetime,
    since: datetime | None = None,
    is_automatic: bool = False,
    limit: int = ITEMS_MAX,
    per_source: int = PER_SOURCE_MAX,
    schedule_id: int | None = None,
    period_at: datetime | None = None,
    keeps_empty: bool = False,
    half_life: timedelta = HALF_LIFE,
) -> Compilation:
    """Make a draft of the articles that arrived from `since` to `until` and whose story no edition carries yet.

    Without `since` the window begins where the last one ended, or seven days back. At most `limit` articles are taken,
    in the order of their stories (see `in_order`); what a feed has beyond `per_source` comes last. Returns the record,
    whose outcome may be "nothing new"; where a digest `keeps_empty`, since its variants may carry what it does not, it
    is drafted all the same. Raises InputRefused when the window ends before it begins, and for a language that the
    newsletter does not have.
    """
    newsletter.check_language(language)
    # Of two at once the second must see what the first has taken.
    session.execute(select(Newsletter.id).where(Newsletter.id == newsletter.id).with_for_update(key_share=True))
    line = Line.under(session, schedule_id, newsletter_id=newsletter.id, language=language)
    start, articles = look_through(
        session, line, since=since, until=until, now=now, limit=limit, per_source=per_source, half_life=half_life
    )
    compilation = Compilation(
        schedule_id=schedule_id,
        period_at=period_at,
        newsletter_id=newsletter.id,
        language=language,
        since=start,
        until=until,
        at=now,
        outcome=CompileOutcome.COMPILED if articles or keeps_empty else CompileOutcome.NOTHING_NEW,
    )
    if articles or keeps_empty:
        compilation.closes = closes_line(session, line, since=since)
        compilation.edition_id = _store_draft(session, articles, compilation, is_automatic=is_automatic)
    session.add(compilation)
    session.flush()
    return compilation


def look_through(
    session: Session,
    line: Line,
    *,
    until: datetime,
    now: datetime,
    half_life: timedelta,
    since: datetime | None = None,
    limit: int = ITEMS_MAX,
    per_source: int = PER_SOURCE_MAX,
) -> tuple[datetime, list[Article]]:
    """Return where the window of a line begins that ends at `until`, and the articles an edition would have, in order.

    Arguments and errors are those of `compile_edition`; nothing is stored.
    """
    start, reach = window_of(session, line, since=since, until=until)
    found = session.scalars(new_articles(line, since=reach, until=until, now=now, limit=limit)).all()
    return start, in_order(session, found, since=start, until=until, per_source=per_source, half_life=half_life)


def new_articles(
    line: Line,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    limit: int,
) -> Select[Article]:
    """Select the articles for an edition, fairly: every feed's first before any feed's second.

    A feed's first is on a theme, if one is, and of the story that most sources tell, then the newest. Of a story only
    its best article counts, and none of a muted one. Articles of pinned stories, and those of no feed, which were put
    in by hand, count as firsts. An article whose embargo ended in the window is new to it, and so is one whose edition
    was given up in it: the windows since have left it behind.
    """
    fresh = _best_of_stories(line, since=since, until=until, now=now).subquery()
    best = select(fresh).where(fresh.c.place == 1).subquery()
    of_feed = (best.c.is_on_theme.desc(), best.c.sources.desc(), best.c.published_at.desc(), best.c.id.desc())
    turn = sa.case(
        (sa.or_(best.c.source_id.is_(None), best.c.is_pinned), 1),
        else_=sa.func.row_number().over(partition_by=best.c.source_id, order_by=of_feed),
    )
    in_turn = select(best.c.id, best.c.is_pinned, best.c.sources, turn.label("turn")).subquery()
    return (
        select(Article)
        .join(in_turn, in_turn.c.id == Article.id)
        .order_by(
            in_turn.c.is_pinned.desc(), in_turn.c.turn, in_turn.c.sources.desc(), Article.published_at.desc(),
            Article.id.desc(),
        )
        .limit(limit)
    )  # fmt: skip


def in_order(
    session: Session,
    articles: Sequence[Article],
    *,
    since: datetime,
    until: datetime,
    per_source: int,
    half_life: timedelta,
) -> list[Article]:
    """Return the articles as their stories rank: pinned first, then those on a theme, by sources and freshness.

    What a feed has beyond `per_source`, of stories that are not pinned, stands behind all others. An article of which
    only the title is known is not the first where another one is to be had.
    """
    ids = {article.story_id for article in articles if article.story_id is not None}
    stories = {story.id: story for story in session.scalars(select(Story).where(Story.id.in_(ids)))}
    by_id = {article.id: article for article in articles}
    counts_half = half_life_over(since, until, least=half_life)
    ranked = rank((_standing(each, stories) for each in articles), until, half_life=counts_half)
    on_themes = set(session.scalars(select(Article.id).where(Article.id.in_(by_id), _IS_ON_THEME)))
    first = on_themes_first(ranked, on_themes.__contains__)
    in_turn = by_shares(first, lambda article_id: by_id[article_id].source_id, per_source=per_source)
    opened = with_lead(in_turn, lambda article_id: by_id[article_id].body != "", on_themes.__contains__)
    return [by_id[story.story_id] for story in opened]


def _standing(article: Article, stories: Mapping[int, Story]) -> Standing:
    """Return what ranks an article in an edition, under its own id: it may have no story yet."""
    story = stories.get(article.story_id or 0)
    return Standing(
        story_id=article.id,
        sources=story.sources if story else 1,
        last_at=article.published_at,
        is_pinned=story is not None and story.pinned_at is not None,
    )


def _best_of_stories(line: Line, *, since: datetime, until: datetime, now: datetime) -> Select[Any]:
    """Select the new articles with their `place` in their story, 1 for the best."""
    place = sa.func.row_number().over(
        partition_by=sa.func.coalesce(Article.story_id, -Article.id), order_by=best_first()
    )
    carried = carried_by(line)
    given_up = select(EditionItem.article_id).join(Edition, Edition.id == EditionItem.edition_id)
    given_up = given_up.where(are_given_up(line, since=since, until=until))
    return (
        select(
            Article.id,
            Article.source_id,
            Article.published_at,
            place.label("place"),
            sa.func.coalesce(Story.sources, 1).label("sources"),
            Story.pinned_at.is_not(None).label("is_pinned"),
            _IS_ON_THEME.label("is_on_theme"),
        )
        .outerjoin(Story, Story.id == Article.story_id)
        .where(
            Article.language == line.language,
            arrived(since=since, until=until) | Article.id.in_(given_up),
            may_leave(now),
            Article.id.not_in(carried.with_only_columns(Article.id)),
            sa.func.coalesce(Article.story_id, 0).not_in(
                carried.with_only_columns(Article.story_id).where(Article.story_id.is_not(None))
            ),
            Story.muted_at.is_(None),
        )
    )


def _store_draft(session: Session, articles: list[Article], compilation: Compilation, *, is_automatic: bool) -> int:
    zone = session.get_one(Newsletter, compilation.newsletter_id).timezone
    titles = [article.title for article in articles]
    edition = Edition(
        newsletter_id=compilation.newsletter_id,
        language=compilation.language,
        schedule_id=compilation.schedule_id,
        is_automatic=is_automatic,
        subject=subject_for(titles, compilation.language, at=compilation.until, zone=zone),
        preheader=preheader_for(
            titles, compilation.language, since=compilation.since, until=compilation.until, zone=zone
        ),
        since=compilation.since,
        until=compilation.until,
        created_at=compilation.at,
        items=items_of(articles, also_of(session, articles, language=compilation.language, until=compilation.until)),
    )
    session.add(edition)
    session.flush()
    return edition.id


def items_of(articles: Sequence[Article], also: Mapping[int, Sequence[Article]]) -> list[EditionItem]:
    """Return the items of an edition: the articles in order, each with the others on its story, by its id."""
    return [
        EditionItem(
            article=article,
            position=position,
            also=[AlsoIn(article=other, position=place) for place, other in enumerate(also[article.id], start=1)],
        )
        for position, article in enumerate(articles, start=1)
    ]


def lend_words(edition: Edition, items: Sequence[EditionItem]) -> None:
    """Give new `items` the titles and teasers of the editors' own that the same articles have in `edition`."""
    words = own_words(edition)
    for item in items:
        if item.article.id in words:
            item.title, item.teaser = words[item.article.id]


def own_words(edition: Edition) -> dict[int, tuple[str | None, str | None]]:
    """Return the titles and teasers of the editors' own that articles of `edition` have, by the id of each."""
    return {item.article_id: (item.title, item.teaser) for item in edition.items}


def also_of(
    session: Session, articles: Iterable[Article], *, language: str, until: datetime
) -> dict[int, list[Article]]:
    """Return, by the id of each article, the others on its story that had arrived when the window closed, at `until`.

    They are named in editions in `language`.
    """
    carried = list(articles)
    stories = {article.story_id for article in carried if article.story_id is not None}
    is_of_one = is_among(Article.__table__.c.story_id, "stories")
    query = select(Article).where(is_of_one, Article.added_at <= until, may_leave(until))
    of_story = defaultdict[int | None, list[Article]](list)
    for other in session.scalars(query, {"stories": json.dumps(list(stories))}):
        of_story[other.story_id].append(other)
    languages = (language, *(code for code in LANGUAGES if code != language))
    return {article.id: also_in(of_story[article.story_id], article, languages)[:ALSO_IN_MAX] for article in carried}
