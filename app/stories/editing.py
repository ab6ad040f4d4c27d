"""What an editor does with stories: merge, split, pin, mute. Each act is recorded, and grouping never undoes one.

Acts return their event, by which an editor may take them back (`undoing.py`), or None where they changed nothing.
"""

from collections.abc import Collection, Sequence
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


def merge_stories(session: Session, *, story_ids: Collection[int], actor: str, now: datetime) -> list[StoryEvent]:
    """Make several stories one, the oldest of them, as grouping does.

    Raises NotFound, TransitionRefused for one that was merged already, and InputRefused unless there are two.
    """
    oldest, *others = sorted(set(story_ids)) or [0]
    if not others:
        raise InputRefused("choose two stories at least")
    for story_id in (oldest, *others):
        story_of(session, story_id)
    return [merge_into(session, story_id=each, into_id=oldest, actor=actor, now=now) for each in others]


def split_story(
    session: Session, *, story_id: int, article_ids: Collection[int], actor: str, now: datetime
) -> StoryEvent:
    """Make some articles of a story one of their own, the event's other story: grouping never makes them one again.

    Raises NotFound, TransitionRefused, and InputRefused unless at least one article of the story goes and one stays.
    """
    story_of(session, story_id)
    members = session.scalars(select(Article).where(Article.story_id == story_id)).all()
    leaving = [article for article in members if article.id in set(article_ids)]
    staying = [article for article in members if article not in leaving]
    if len(leaving) != len(set(article_ids)) or not leaving or not staying:
        raise InputRefused("choose articles of this story, and leave it at least one")
    parted = begin_story(session, leaving[0].published_at)
    return part(session, story_id=story_id, into_id=parted.id, groups=(staying, leaving), actor=actor, now=now)


def pin_story(session: Session, *, story_id: int, actor: str, now: datetime) -> StoryEvent | None:
    """Let a story stand before all others; pinning it twice is one pin. Raises NotFound, TransitionRefused."""
    return _mark(session, story_id, "pinned_at", now, StoryEvent(act=StoryAct.PINNED, at=now, actor=actor))


def unpin_story(session: Session, *, story_id: int, actor: str, now: datetime) -> StoryEvent | None:
    """Let a story rank as others do. Raises NotFound, TransitionRefused."""
    return _mark(session, story_id, "pinned_at", None, StoryEvent(act=StoryAct.UNPINNED, at=now, actor=actor))


def mute_story(session: Session, *, story_id: int, actor: str, now: datetime) -> StoryEvent | None:
    """Keep a story, and what will join it, out of digests. Raises NotFound, TransitionRefused."""
    return _mark(session, story_id, "muted_at", now, StoryEvent(act=StoryAct.MUTED, at=now, actor=actor))


def unmute_story(session: Session, *, story_id: int, actor: str, now: datetime) -> StoryEvent | None:
    """Let digests have a story again. Raises NotFound, TransitionRefused."""
    return _mark(session, story_id, "muted_at", None, StoryEvent(act=StoryAct.UNMUTED, at=now, actor=actor))


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


def merge_into(session: Session, *, story_id: int, into_id: int, actor: str, now: datetime) -> StoryEvent:
    """Move the articles of a story that is held into another one that is, mark what repeats what, and count anew."""
    members = session.scalars(select(Article).where(Article.story_id.in_((story_id, into_id)))).all()
    moved = [article for article in members if article.story_id == story_id]
    there = [article for article in members if article.story_id == into_id]
    event = move_articles(session, story_id=story_id, into_id=into_id, actor=actor, now=now)
    for article, others in [*((each, there) for each in moved), *((each, moved) for each in there)]:
        if article.copy_of_id is None and article.twin_of_id is None:
            mark_repeats(article, [other for other in others if other.id < article.id])
    recount(session, {story_id, into_id})
    return event


def part(
    session: Session,
    *,
    story_id: int,
    into_id: int,
    groups: tuple[Sequence[Article], Sequence[Article]],
    actor: str,
    now: datetime,
) -> StoryEvent:
    """Give the second of the `groups` of a story's articles to another story; the first stays."""
    leaving = groups[1]
    for article in leaving:
        article.story_id = into_id
    for group in groups:
        for article in group:
            mark_repeats(article, [other for other in group if other.id < article.id])
    event = StoryEvent(
        story_id=story_id, other_id=into_id, at=now, act=StoryAct.SPLIT, actor=actor,
        articles=[article.id for article in leaving],
    )  # fmt: skip
    session.add(event)
    session.flush()
    recount(session, {story_id, into_id})
    return event


def _mark(
    session: Session, story_id: int, name: Literal["pinned_at", "muted_at"], at: datetime | None, event: StoryEvent
) -> StoryEvent | None:
    """Set a mark of a story, or take it away (None), and record that; one that is so already stays as it is."""
    story = story_of(session, story_id)
    if (getattr(story, name) is None) is (at is None):
        return None
    setattr(story, name, at)
    event.story_id = story.id
    session.add(event)
    session.flush()
    return event
