"""What an editor does with stories on the wire: pin, mute, merge, split, and undo each of them."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from flask import request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.clock import now
from app.errors import InputRefused, TransitionRefused
from app.stories import editing
from app.stories.models import StoryAct, StoryEvent
from app.stories.undoing import undo_act
from app.web import product
from app.web.admin import STORY, bp
from app.web.admin.access import needs, require
from app.web.admin.acts import note_act
from app.web.admin.wire.articles import show_wire
from app.web.admin.wire.swaps import Changes, answer, asked_numbers

Answer = Response | str | tuple[str, int]


class OneStoryAct(Protocol):
    """An act on one story, as `app.stories.editing` has them."""

    def __call__(self, session: Session, *, story_id: int, actor: str, now: datetime) -> StoryEvent | None:
        """Do it; return its event, or None where nothing changed."""


@bp.post(f"{STORY}/pin")
@needs(Role.EDITOR)
def story_pin_submit(story_id: int) -> Answer:
    """Let a story stand before all others."""
    return _on_one(story_id, editing.pin_story, AuditAct.STORY_PINNED)


@bp.post(f"{STORY}/pin/end")
@needs(Role.EDITOR)
def story_pin_end_submit(story_id: int) -> Answer:
    """Let a story rank as others do."""
    return _on_one(story_id, editing.unpin_story, AuditAct.STORY_UNPINNED)


@bp.post(f"{STORY}/mute")
@needs(Role.EDITOR)
def story_mute_submit(story_id: int) -> Answer:
    """Keep a story out of digests."""
    return _on_one(story_id, editing.mute_story, AuditAct.STORY_MUTED)


@bp.post(f"{STORY}/mute/end")
@needs(Role.EDITOR)
def story_mute_end_submit(story_id: int) -> Answer:
    """Let digests have a story again."""
    return _on_one(story_id, editing.unmute_story, AuditAct.STORY_UNMUTED)


@bp.post("/stories/merge")
@needs(Role.EDITOR)
def stories_merge_submit() -> Answer:
    """Make the selected stories one."""

    def merge(session: Session) -> Changes:
        ids = asked_numbers(request.form.getlist("story"))
        events = editing.merge_stories(session, story_ids=ids, actor=require().email, now=now())
        target = events[0].story_id
        gone = [event.other_id for event in events if event.other_id is not None]
        note_act(session, AuditAct.STORIES_MERGED, f"story:{target}", " ".join(f"story:{each}" for each in gone))
        return Changes("stories-merged", shown=[target], gone=gone, events=[event.id for event in events])

    return _done(merge, "few")


@bp.post(f"{STORY}/split")
@needs(Role.EDITOR)
def story_split_submit(story_id: int) -> Answer:
    """Make the ticked articles of a story one of their own."""

    def split(session: Session) -> Changes:
        ids = asked_numbers(request.form.getlist("article"))
        event = editing.split_story(session, story_id=story_id, article_ids=ids, actor=require().email, now=now())
        parted = event.other_id or 0
        note_act(session, AuditAct.STORY_SPLIT, f"story:{story_id}", f"story:{parted}")
        return Changes("story-split", shown=[story_id], added={parted: story_id}, events=[event.id])

    return _done(split, "split")


@bp.post("/stories/undo")
@needs(Role.EDITOR)
def stories_undo_submit() -> Answer:
    """Take back what was done a moment ago, the last first."""

    def undo(session: Session) -> Changes:
        ids = sorted(asked_numbers(request.form.getlist("event")), reverse=True)
        if not ids:
            raise InputRefused("nothing is to be taken back")
        changes = Changes("story-undone")
        for event_id in ids:
            event = undo_act(session, event_id=event_id, actor=require().email, now=now())
            _tell_undone(changes, event)
            note_act(session, AuditAct.STORY_ACT_UNDONE, f"story:{event.story_id}", event.act.value)
        return changes

    return _done(undo, "changed")


def _on_one(story_id: int, act: OneStoryAct, noted: AuditAct) -> Answer:
    def do(session: Session) -> Changes:
        event = act(session, story_id=story_id, actor=require().email, now=now())
        if event is not None:
            note_act(session, noted, f"story:{story_id}")
        return Changes(noted.value, shown=[story_id], events=[event.id] if event else [])

    return _done(do, "changed")


def _done(act: Callable[[Session], Changes], problem: str) -> Answer:
    """Do an act in a transaction and answer; what cannot be done is said on the wire."""
    try:
        with product().database.transaction() as session:
            changes = act(session)
    except TransitionRefused:
        return show_wire(problem="changed"), 409
    except InputRefused:
        return show_wire(problem=problem), 422
    return answer(changes)


def _tell_undone(changes: Changes, event: StoryEvent) -> None:
    other = event.other_id or 0
    if event.story_id not in changes.shown:
        changes.shown.append(event.story_id)
    if event.act is StoryAct.MERGED:
        changes.added[other] = event.story_id
    if event.act is StoryAct.SPLIT:
        changes.gone.append(other)
