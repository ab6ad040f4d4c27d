"""Which story comes first, and why. Pure: everything that counts is handed in."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: A day later a story counts half, where neither the settings nor a longer look back say otherwise.
HALF_LIFE = timedelta(hours=24)
#: A followed topic counts as much as three more doublings of the sources.
FOLLOWED = 3.0


@dataclass(frozen=True)
class Standing:
    """What ranks a story: independent `sources`, the time of its newest article, its topics, and an editor's pin."""

    story_id: int
    sources: int
    last_at: datetime
    topics: frozenset[str] = frozenset()
    is_pinned: bool = False


@dataclass(frozen=True)
class Ranked:
    """A story's place and what it rests on: `score` is (`weight` + `interest`) × `freshness`; pinned ones stand first.

    `weight` is of the sources: 1 for one, and 1 more for each doubling. `freshness` is 1 now and halves with the
    half-life. `followed` names the reader's topics that the story has.
    """

    story_id: int
    is_pinned: bool
    weight: float
    interest: float
    freshness: float
    followed: tuple[str, ...]

    @property
    def score(self) -> float:
        """What ranks the story among those that are pinned as it is."""
        return (self.weight + self.interest) * self.freshness


def half_life_over(since: datetime, until: datetime, *, least: timedelta = HALF_LIFE) -> timedelta:
    """Return the half-life for what came between two moments: in a digest of a week its first day counts as well."""
    return max(least, until - since)


def rank_time(*, sources: int, last_at: datetime, half_life: timedelta = HALF_LIFE) -> datetime:
    """Return when a story of one source would have its newest article, to rank as one of so many does.

    Where no reader's interest counts, the later comes first, at whatever time one looks: weight × 0.5 ^ (age /
    half-life) falls for all stories alike, so that their order rests on last_at + half-life × log2(weight).
    """
    return last_at + half_life * math.log2(_weight(sources))


def rank(
    stories: Iterable[Standing],
    now: datetime,
    *,
    followed: Collection[str] = frozenset(),
    half_life: timedelta = HALF_LIFE,
) -> list[Ranked]:
    """Return the stories, the first to be shown first; of equal ones the newer id."""
    ranked = [_ranked(story, now, frozenset(followed), half_life) for story in stories]
    return sorted(ranked, key=lambda each: (not each.is_pinned, -each.score, -each.story_id))


def on_themes_first(ranked: Iterable[Ranked], is_on_theme: Callable[[int], bool]) -> list[Ranked]:
    """Return ranked stories with those on none of the newsletter's themes behind the others; pinned ones stay.

    Feeds of the press bring sport and music too: no letter begins with them while there is something on its subject.
    """
    return sorted(ranked, key=lambda story: not (story.is_pinned or is_on_theme(story.story_id)))


def by_shares(ranked: Iterable[Ranked], source_of: Callable[[int], int | None], *, per_source: int) -> list[Ranked]:
    """Return ranked stories with those behind all others of whose source `per_source` stand before them already.

    `source_of` tells the source of a story's article. Pinned stories, and those of no source, stay where they are.
    """
    of_source: Counter[int | None] = Counter()
    within: list[Ranked] = []
    beyond: list[Ranked] = []
    for story in ranked:
        source = source_of(story.story_id)
        of_source[source] += 1
        stays = source is None or story.is_pinned or of_source[source] <= per_source
        (within if stays else beyond).append(story)
    return [*within, *beyond]


def with_lead(
    ranked: Sequence[Ranked], says_more: Callable[[int], bool], is_on_theme: Callable[[int], bool]
) -> list[Ranked]:
    """Return ranked stories, the first one that is pinned or says more than its title before all others.

    `says_more` tells whether a story's article has a text. Where none has, the order stays; so it does where only
    stories on no theme say more than those on one.
    """
    has_themes = any(is_on_theme(story.story_id) for story in ranked)
    able = (story for story in ranked if is_on_theme(story.story_id) or not has_themes or story.is_pinned)
    lead = next((story for story in able if story.is_pinned or says_more(story.story_id)), None)
    return list(ranked) if lead is None else [lead, *(story for story in ranked if story is not lead)]


def _ranked(story: Standing, now: datetime, followed: frozenset[str], half_life: timedelta) -> Ranked:
    age = max(now - story.last_at, timedelta())
    wanted = tuple(sorted(story.topics & followed))
    return Ranked(
        story_id=story.story_id,
        is_pinned=story.is_pinned,
        weight=_weight(story.sources),
        interest=FOLLOWED if wanted else 0.0,
        freshness=0.5 ** (age / half_life),
        followed=wanted,
    )


def _weight(sources: int) -> float:
    return 1 + math.log2(max(sources, 1))
