"""What an editor took back is as it was, and stays so."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import NotFound, TransitionRefused
from app.product import Product
from app.stories.editing import (
    merge_stories,
    mute_story,
    pin_story,
    split_story,
    unmute_story,
    unpin_story,
)
from app.stories.models import Story, StoryAct, StoryEvent
from app.stories.undoing import undo_act
from tests.conftest import NOW
from tests.stories.wire import BREACH, RESULTS, STORM, STORM_TOLD_ANEW, file_article, group

BY = {"actor": "desk@example.org", "now": NOW + timedelta(hours=2)}
LATER = {"actor": "eve@desk.example", "now": NOW + timedelta(hours=3)}
LONG = " ".join(f"word{number}" for number in range(40))


def stories(session: Session, *texts: tuple[str, str]) -> list[int]:
    articles = [file_article(session, text, f"s{number}") for number, text in enumerate(texts)]
    return [story for story in group(session, *articles) if story is not None]


def state(session: Session) -> list[tuple[object, ...]]:
    session.expire_all()
    return [
        (story.id, story.sources, story.languages, story.pinned_at, story.muted_at, story.merged_into_id)
        for story in session.scalars(select(Story).order_by(Story.id))
    ]


def test_a_merge_is_taken_back_with_its_pins_and_stays_so(product: Product) -> None:
    with product.database.transaction() as session:
        breach, storm = stories(session, BREACH, STORM)
        pin_story(session, story_id=storm, **BY)
        before = state(session)
        [event] = merge_stories(session, story_ids=[storm, breach], **BY)
        assert undo_act(session, event_id=event.id, **LATER).act is StoryAct.MERGED
        assert state(session) == before
        last = session.scalars(select(StoryEvent).order_by(StoryEvent.id.desc())).first()
        assert last is not None
        assert (last.act, last.story_id, last.other_id, last.actor) == (StoryAct.SPLIT, breach, storm, LATER["actor"])
        with pytest.raises(TransitionRefused, match="have changed"):
            undo_act(session, event_id=event.id, **LATER)
        assert group(session, file_article(session, STORM_TOLD_ANEW, "c")) == [storm]


def test_what_joined_after_a_merge_stays_where_it_joined(product: Product) -> None:
    with product.database.transaction() as session:
        breach, storm = stories(session, BREACH, STORM)
        [event] = merge_stories(session, story_ids=[storm, breach], **BY)
        assert group(session, file_article(session, STORM_TOLD_ANEW, "c")) == [breach]
        undo_act(session, event_id=event.id, **LATER)
        assert [story.sources for story in session.scalars(select(Story).order_by(Story.id))] == [2, 1]


def test_a_merge_of_several_goes_into_the_oldest_and_is_taken_back_one_by_one(product: Product) -> None:
    with product.database.transaction() as session:
        ids = stories(session, BREACH, STORM, ("A vote in Oslo", "Parliament met."))
        before = state(session)
        events = merge_stories(session, story_ids=reversed(ids), **BY)
        assert [(event.story_id, event.other_id) for event in events] == [(ids[0], ids[1]), (ids[0], ids[2])]
        for event in reversed(events):
            undo_act(session, event_id=event.id, **LATER)
        assert state(session) == before


def test_a_pin_that_went_along_twice_comes_back_the_same_way(product: Product) -> None:
    with product.database.transaction() as session:
        oldest, middle, newest = stories(session, BREACH, STORM, ("A vote in Oslo", "Parliament met."))
        pin_story(session, story_id=newest, **BY)
        before = state(session)
        [first] = merge_stories(session, story_ids=[middle, newest], **BY)
        between = state(session)
        [second] = merge_stories(session, story_ids=[oldest, middle], **BY)
        undo_act(session, event_id=second.id, **LATER)
        assert state(session) == between
        undo_act(session, event_id=first.id, **LATER)
        assert state(session) == before


def test_a_pin_that_was_taken_away_between_two_merges_comes_back_with_its_story_alone(product: Product) -> None:
    with product.database.transaction() as session:
        oldest, middle, newest = stories(session, BREACH, STORM, ("A vote in Oslo", "Parliament met."))
        pin_story(session, story_id=newest, **BY)
        before = state(session)
        [first] = merge_stories(session, story_ids=[middle, newest], **BY)
        unpin_story(session, story_id=middle, **BY)
        [second] = merge_stories(session, story_ids=[oldest, middle], **BY)
        undo_act(session, event_id=second.id, **LATER)
        assert {story.pinned_at for story in session.scalars(select(Story))} == {None}
        undo_act(session, event_id=first.id, **LATER)
        assert state(session) == before


def test_a_split_is_taken_back_with_its_copies(product: Product) -> None:
    with product.database.transaction() as session:
        one = file_article(session, (BREACH[0], f"{BREACH[1]} {LONG}"), "a")
        two = file_article(session, (BREACH[0], f"{BREACH[1]} {LONG}"), "b")
        (story, _) = group(session, one, two)
        assert two.copy_of_id == one.id
        before = state(session)
        event = split_story(session, story_id=story or 0, article_ids=[two.id], **BY)
        assert two.copy_of_id is None
        undo_act(session, event_id=event.id, **LATER)
        assert (two.copy_of_id, two.story_id) == (one.id, story)
        assert state(session)[0] == before[0]


def test_pins_and_mutes_are_taken_back(product: Product) -> None:
    with product.database.transaction() as session:
        (story,) = stories(session, RESULTS)
        for act, undone in ((pin_story, None), (mute_story, None)):
            event = act(session, story_id=story, **BY)
            assert event is not None
            undo_act(session, event_id=event.id, **LATER)
            kept = session.get_one(Story, story)
            assert (kept.pinned_at, kept.muted_at) == (undone, undone)
        for act, back in ((pin_story, unpin_story), (mute_story, unmute_story)):
            act(session, story_id=story, **BY)
            event = back(session, story_id=story, **BY)
            assert event is not None
            undo_act(session, event_id=event.id, **LATER)
        assert (kept.pinned_at, kept.muted_at) == (LATER["now"], LATER["now"])


def test_what_is_gone_cannot_be_taken_back(product: Product) -> None:
    with product.database.transaction() as session:
        breach, storm = stories(session, BREACH, STORM)
        event = pin_story(session, story_id=storm, **BY)
        merge_stories(session, story_ids=[storm, breach], **BY)
        with pytest.raises(TransitionRefused, match="merged into"):
            undo_act(session, event_id=event.id if event else 0, **LATER)
        with pytest.raises(NotFound):
            undo_act(session, event_id=999, **LATER)
