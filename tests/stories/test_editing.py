"""What an editor does with stories is kept."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import InputRefused, NotFound, TransitionRefused
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
from tests.conftest import NOW
from tests.stories.wire import BREACH, BREACH_TOLD_ANEW, STORM, STORM_TOLD_ANEW, file_article, group

BY = {"actor": "desk@example.org", "now": NOW + timedelta(hours=2)}


def two_stories(session: Session) -> tuple[int, int]:
    one, two = group(session, file_article(session, BREACH, "a"), file_article(session, STORM, "b"))
    assert one is not None
    assert two is not None
    return one, two


def acts(session: Session) -> list[tuple[StoryAct, int, int | None, str | None]]:
    return [(event.act, event.story_id, event.other_id, event.actor) for event in session.scalars(select(StoryEvent))]


def test_merged_stories_are_one_and_new_articles_follow(product: Product) -> None:
    with product.database.transaction() as session:
        breach, storm = two_stories(session)
        merge_stories(session, story_ids=[storm, breach], **BY)

        assert group(session, file_article(session, STORM_TOLD_ANEW, "c")) == [breach]
        merged, target = session.get_one(Story, storm), session.get_one(Story, breach)
        assert (merged.merged_into_id, merged.sources, merged.languages) == (breach, 0, {})
        assert (target.sources, target.languages) == (3, {"en": 3})
        assert acts(session) == [(StoryAct.MERGED, breach, storm, "desk@example.org")]


def test_a_merged_story_takes_its_pin_along_and_can_no_longer_be_changed(product: Product) -> None:
    with product.database.transaction() as session:
        breach, storm = two_stories(session)
        pin_story(session, story_id=storm, **BY)
        merge_stories(session, story_ids=[storm, breach], **BY)

        assert session.get_one(Story, breach).pinned_at == BY["now"]
        for act in (pin_story, mute_story):
            with pytest.raises(TransitionRefused, match=f"merged into story {breach}"):
                act(session, story_id=storm, **BY)


def test_a_split_counts_both_anew(product: Product) -> None:
    with product.database.transaction() as session:
        one, two = file_article(session, BREACH, "a"), file_article(session, BREACH_TOLD_ANEW, "b")
        (story, _) = group(session, one, two)
        assert story is not None
        parted = session.get_one(Story, split_story(session, story_id=story, article_ids=[two.id], **BY).other_id)

        assert (one.story_id, two.story_id) == (story, parted.id)
        assert (session.get_one(Story, story).sources, parted.sources) == (1, 1)
        assert acts(session) == [(StoryAct.SPLIT, story, parted.id, "desk@example.org")]


def test_a_split_leaves_and_takes_at_least_one(product: Product) -> None:
    with product.database.transaction() as session:
        breach, storm = two_stories(session)
        of_breach = [breach]
        for articles in ([], of_breach, [99]):
            with pytest.raises(InputRefused, match="leave it at least one"):
                split_story(session, story_id=storm, article_ids=articles, **BY)


def test_a_merge_takes_two_stories_that_are_there(product: Product) -> None:
    with product.database.transaction() as session:
        _, storm = two_stories(session)
        with pytest.raises(InputRefused, match="two stories"):
            merge_stories(session, story_ids=[storm, storm], **BY)
        with pytest.raises(NotFound):
            merge_stories(session, story_ids=[storm, 99], **BY)


def test_pins_and_mutes_are_recorded_once(product: Product) -> None:
    with product.database.transaction() as session:
        story, _ = two_stories(session)
        for act in (pin_story, pin_story, unpin_story, unpin_story, mute_story, mute_story, unmute_story):
            act(session, story_id=story, **BY)

        kept = session.get_one(Story, story)
        assert (kept.pinned_at, kept.muted_at) == (None, None)
        assert [act for act, *_ in acts(session)] == [
            StoryAct.PINNED, StoryAct.UNPINNED, StoryAct.MUTED, StoryAct.UNMUTED,
        ]  # fmt: skip
