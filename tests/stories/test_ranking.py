"""Which story comes first."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.stories.ranking import HALF_LIFE, Standing, rank
from tests.conftest import NOW

TOPICS = st.frozensets(st.sampled_from(["theme:espionage", "place:IL", "place:AZ"]))
STANDINGS = st.builds(
    Standing,
    story_id=st.integers(1, 10_000),
    sources=st.integers(1, 50),
    last_at=st.integers(0, 500).map(lambda hours: NOW - timedelta(hours=hours)),
    topics=TOPICS,
    is_pinned=st.booleans(),
)
NEWSROOMS = st.lists(STANDINGS, min_size=1, max_size=8, unique_by=lambda standing: standing.story_id)


def place(standings: list[Standing], story_id: int, **options: frozenset[str]) -> int:
    return [ranked.story_id for ranked in rank(standings, NOW, **options)].index(story_id)


def changed(standings: list[Standing], **change: object) -> list[Standing]:
    return [replace(standings[0], **change), *standings[1:]]


@given(NEWSROOMS, st.integers(1, 40))
def test_more_sources_never_lower_a_story(standings: list[Standing], more: int) -> None:
    first = standings[0]

    assert place(changed(standings, sources=first.sources + more), first.story_id) <= place(standings, first.story_id)


@given(NEWSROOMS, st.integers(1, 400))
def test_newer_articles_never_lower_a_story(standings: list[Standing], hours: int) -> None:
    first = standings[0]
    newer = min(first.last_at + timedelta(hours=hours), NOW)

    assert place(changed(standings, last_at=newer), first.story_id) <= place(standings, first.story_id)


@given(NEWSROOMS, TOPICS)
def test_a_followed_topic_never_lowers_a_story(standings: list[Standing], followed: frozenset[str]) -> None:
    first = standings[0]
    wanted = changed(standings, topics=first.topics | {"place:IL"})
    following = followed | {"place:IL"}

    assert place(wanted, first.story_id, followed=following) <= place(standings, first.story_id, followed=following)


@given(NEWSROOMS)
def test_a_pin_stands_before_all_that_have_none(standings: list[Standing]) -> None:
    ranked = rank(changed(standings, is_pinned=True), NOW)
    pinned = {standing.story_id for standing in changed(standings, is_pinned=True) if standing.is_pinned}

    assert {each.story_id for each in ranked[: len(pinned)]} == pinned


@given(NEWSROOMS)
def test_the_order_of_what_is_handed_in_does_not_matter(standings: list[Standing]) -> None:
    assert rank(standings, NOW) == rank(standings[::-1], NOW)


def test_the_score_is_told_in_its_parts() -> None:
    story = Standing(7, 4, NOW - HALF_LIFE, frozenset({"place:IL", "theme:espionage"}))

    (ranked,) = rank([story], NOW, followed={"place:IL"})

    assert (ranked.weight, ranked.interest, ranked.freshness, ranked.followed) == (3.0, 3.0, 0.5, ("place:IL",))
    assert ranked.score == 3.0
