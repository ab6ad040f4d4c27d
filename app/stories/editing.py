"""What an editor does with stories: merge, split, pin, mute. Each act is recorded, and grouping never undoes one."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.errors import InputRefused, NotFound, TransitionRefused
from app.stories.grouping import mark_repeats
from app.stories.index import take_turn
from app.stories.merging import begin_story, move_articles, recount
from app.stories.models import Story, StoryAct, StoryEvent


def merge_stories(session: Session, *, story_id: int, into_id: int, actor: str, now: datetime) -> Story:
    """Move all articles of a story into another; return the other. Raises NotFound, InputRefused, TransitionRefused."""
    if story_id == into_id:
        raise InputRefused("a story cannot be merged into itself")
    story_of(session, story_id)
    target = story_of(session, into_id)
    move_articles(session, story_id=story_id, into_id=into_id, actor=actor, now=now)
    recount(session, {story_id, into_id})
    return target


def split_story(session: Session, *, story_id: int, article_ids: Collection[int], actor: str, now: datetime) -> Story:
    """Make some articles of a story one of their own, and return it: grouping will never make them one again.

    Raises NotFound, TransitionRefused, and InputRefused unless at least one article of the story goes and one stays.
    """
    story_of(session, story_id)
    members = session.scalars(select(Article).where(Article.story_id == story_id)).all()
    leaving = [article for article in members if article.id in set(article_ids)]
    staying = [article for article in members if article not in leaving]
    if len(leaving) != len(set(article_ids)) or not leaving or not staying:
        raise InputRefused("choose articles of this story, and leave it at least one")
    parted = begin_story(session, leaving[0].published_at)
    for article in leaving:
        article.story_id = parted.id
    for group in (leaving, staying):
        for article in group:
            mark_repeats(article, [other for other in group if other.id < article.id])
    session.add(StoryEvent(story_id=story_id, other_id=parted.id, at=now, act=StoryAct.SPLIT, actor=actor))
    session.flush()
    recount(session, {story_id, parted.id})
    return parted


def pin_story(session: Session, *, story_id: int, actor: str, now: datetime) -> None:
    """Let a story stand before all others; pinning it twice is one pin. Raises NotFound, TransitionRefused."""
    _mark(session, story_id, "pinned_at", now, StoryEvent(act=StoryAct.PINNED, at=now, actor=actor))


def unpin_story(session: Session, *, story_id: int, actor: str, now: datetime) -> None:
    """Let a story rank as others do. Raises NotFound, TransitionRefused."""
    _mark(session, story_id, "pinned_at", None, StoryEvent(act=StoryAct.UNPINNED, at=now, actor=actor))


def mute_story(session: Session, *, story_id: int, actor: str, now: datetime) -> None:
    """Keep a story, and what will join it, out of digests. Raises NotFound, TransitionRefused."""
    _mark(session, story_id, "muted_at", now, StoryEvent(act=StoryAct.MUTED, at=now, actor=actor))


def unmute_story(session: Session, *, story_id: int, actor: str, now: datetime) -> None:
    """Let digests have a story again. Raises NotFound, TransitionRefused."""
    _mark(session, story_id, "muted_at", None, StoryEvent(act=StoryAct.UNMUTED, at=now, actor=actor))


def story_of(session: Session, story_id: int) -> Story:
    """Return a story to change, once nobody else changes any.

    Raises NotFound, and TransitionRefused for one that was merged.
    """
    take_turn(session)
    story = session.get(Story, story_id, populate_existing=True)
    if story is None:
        raise NotFound(f"no story {story_id}")
    if story.merged_into_id is not None:
        raise TransitionRefused(f"this story was merged into story {story.merged_into_id}")
    return story


def _mark(
    session: Session, story_id: int, name: Literal["pinned_at", "muted_at"], at: datetime | None, event: StoryEvent
) -> None:
    """Set a mark of a story, or take it away (None), and record that; one that is so already stays as it is."""
    story = story_of(session, story_id)
    if (getattr(story, name) is None) is (at is None):
        return
    setattr(story, name, at)
    event.story_id = story.id
    session.add(event)
    session.flush()
