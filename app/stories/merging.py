"""What grouping and editors both do with stories: begin one, move its articles, count what it has."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select, update
from sqlalchemy.orm import Session, defer

from app.articles.models import Article
from app.stories.families import family_of
from app.stories.models import Story, StoryAct, StoryEvent
from app.stories.ranking import rank_time


def begin_story(session: Session, at: datetime) -> Story:
    """Return a new story whose first article was published `at`."""
    story = Story(first_at=at, last_at=at, ranks_at=at, languages={})
    session.add(story)
    session.flush()
    return story


def move_articles(session: Session, *, story_id: int, into_id: int, actor: str | None, now: datetime) -> StoryEvent:
    """Move all articles of one story into another, and record the merge, which is returned; pins go along."""
    story, target = session.get_one(Story, story_id), session.get_one(Story, into_id)
    moved = session.scalars(select(Article.id).where(Article.story_id == story_id).order_by(Article.id)).all()
    session.execute(update(Article).where(Article.story_id == story_id).values(story_id=into_id))
    story.merged_into_id = into_id
    target.pinned_at = target.pinned_at or story.pinned_at
    story.pinned_at = None
    event = StoryEvent(
        story_id=into_id, other_id=story_id, at=now, act=StoryAct.MERGED, actor=actor, articles=list(moved)
    )
    session.add(event)
    session.flush()
    return event


def are_parted(session: Session, one_id: int, other_id: int) -> bool:
    """Tell whether an editor keeps two stories apart: split one from the other, or muted one of them alone."""
    ids = (one_id, other_id)
    split = select(StoryEvent.id).where(
        StoryEvent.act == StoryAct.SPLIT, StoryEvent.story_id.in_(ids), StoryEvent.other_id.in_(ids)
    )
    muted = select(sa.func.count()).where(Story.id.in_(ids), Story.muted_at.is_not(None))
    return session.scalar(split.limit(1)) is not None or session.scalar(muted) == 1


def recount(session: Session, story_ids: Iterable[int]) -> None:
    """Count anew what stories have: their times, languages and independent sources. Empty ones keep their times."""
    ids = sorted(set(story_ids))
    stories = {story.id: story for story in session.scalars(select(Story).where(Story.id.in_(ids)))}
    members: dict[int, list[Article]] = {story_id: [] for story_id in stories}
    texts = (defer(Article.summary), defer(Article.body))  # long, and nothing is counted in them
    for article in session.scalars(select(Article).where(Article.story_id.in_(ids)).options(*texts)):
        assert article.story_id is not None
        members[article.story_id].append(article)
    for story_id, articles in members.items():
        story = stories[story_id]
        story.languages = dict(sorted(Counter(article.language for article in articles).items()))
        story.sources = independent_sources(articles)
        if articles:
            story.first_at = min(article.published_at for article in articles)
            story.last_at = max(article.published_at for article in articles)
        story.ranks_at = rank_time(sources=story.sources, last_at=story.last_at)
    session.flush()


def independent_sources(articles: Iterable[Article]) -> int:
    """Return how many source families report by themselves: a copied or translated text adds none."""
    return len(
        {family_of(article) for article in articles if article.copy_of_id is None and article.twin_of_id is None}
    )
