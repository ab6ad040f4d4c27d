"""Taking back what an editor did with a story, a moment ago most often. What takes back is an act too, and recorded."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.errors import NotFound, TransitionRefused
from app.stories.editing import merge_into, mute_story, part, pin_story, story_of, unmute_story, unpin_story
from app.stories.index import take_turn
from app.stories.models import Story, StoryAct, StoryEvent

_BACK = {
    StoryAct.PINNED: unpin_story,
    StoryAct.UNPINNED: pin_story,
    StoryAct.MUTED: unmute_story,
    StoryAct.UNMUTED: mute_story,
}


def undo_act(session: Session, *, event_id: int, actor: str, now: datetime) -> StoryEvent:
    """Take back one act on a story; return its event.

    What has joined since stays where it joined. Raises NotFound, and TransitionRefused where the stories are no longer
    as the act left them.
    """
    take_turn(session)
    event = session.get(StoryEvent, event_id)
    if event is None:
        raise NotFound(f"no event {event_id} of a story")
    match event.act:
        case StoryAct.MERGED:
            _part_again(session, event, actor, now)
        case StoryAct.SPLIT:
            _join_again(session, event, actor, now)
        case act:
            _BACK[act](session, story_id=event.story_id, actor=actor, now=now)
    return event


def _part_again(session: Session, event: StoryEvent, actor: str, now: datetime) -> None:
    """Give a merged story its articles and its pin back; grouping will not make them one again."""
    target = story_of(session, event.story_id)
    merged = session.get_one(Story, event.other_id, populate_existing=True)
    members = session.scalars(select(Article).where(Article.story_id == target.id)).all()
    back = [article for article in members if article.id in set(event.articles or ())]
    staying = [article for article in members if article not in back]
    if merged.merged_into_id != target.id or not back or not staying:
        raise TransitionRefused("these stories have changed since they were made one")
    merged.merged_into_id = None
    if pinned_at := _pin_of(session, merged.id):
        merged.pinned_at = pinned_at
        target.pinned_at = None if target.pinned_at == pinned_at else target.pinned_at
    part(session, story_id=target.id, into_id=merged.id, groups=(staying, back), actor=actor, now=now)


def _join_again(session: Session, event: StoryEvent, actor: str, now: datetime) -> None:
    assert event.other_id is not None
    story_of(session, event.other_id)
    story_of(session, event.story_id)
    merge_into(session, story_id=event.other_id, into_id=event.story_id, actor=actor, now=now)


def _pin_of(session: Session, story_id: int, before_id: int | None = None) -> datetime | None:
    """Return since when a story is pinned by all that was done with it, or was before a later event.

    What was merged into it brought its pin along, and took it away where that was taken back.
    """
    acts = (StoryAct.PINNED, StoryAct.UNPINNED, StoryAct.MERGED, StoryAct.SPLIT)
    query = select(StoryEvent).where(StoryEvent.story_id == story_id, StoryEvent.act.in_(acts))
    if before_id is not None:
        query = query.where(StoryEvent.id < before_id)
    pinned_at: datetime | None = None
    for event in session.scalars(query.order_by(StoryEvent.id)).all():
        match event.act:
            case StoryAct.PINNED:
                pinned_at = event.at
            case StoryAct.UNPINNED:
                pinned_at = None
            case StoryAct.MERGED if pinned_at is None and event.other_id is not None:
                pinned_at = _pin_of(session, event.other_id, event.id)
            case StoryAct.SPLIT if pinned_at is not None and event.other_id is not None:
                pinned_at = None if _pin_of(session, event.other_id, event.id) == pinned_at else pinned_at
    return pinned_at
