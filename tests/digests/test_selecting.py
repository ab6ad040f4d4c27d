"""What one reader's digest carries, out of the stories there are."""

from datetime import timedelta

from app.choices.choices import Interests
from app.digests.selecting import Bounds, Offer, Piece, select_articles
from app.stories.ranking import HALF_LIFE, Standing
from tests.conftest import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def offer(
    number: int, *, source: int = 1, age: timedelta = HOUR, sources: int = 1, is_pinned: bool = False,
    is_bare: bool = False, topic: str = "theme:ai",
) -> Offer:  # fmt: skip
    """A story of one article, which has its number."""
    standing = Standing(number, sources, NOW - age, frozenset({topic}), is_pinned)
    return Offer(standing, (Piece(number, "en", source, NOW - age, 1, is_bare),))


def select(
    *offers: Offer, items: int = 9, since: timedelta = DAY, followed: tuple[str, ...] = ("theme:ai",)
) -> tuple[int, ...]:
    interests = Interests(followed=frozenset(followed))
    return select_articles(
        offers, language="en", interests=interests, since=NOW - since, had=frozenset(), now=NOW,
        bounds=Bounds(items, 2), half_life=HALF_LIFE,
    )  # fmt: skip


def test_beyond_its_share_a_feed_stands_behind_all_others() -> None:
    busy = [offer(number, age=number * HOUR) for number in range(1, 6)]
    assert select(*busy, offer(9, source=2, age=20 * HOUR)) == (1, 2, 9, 3, 4, 5)
    assert select(*busy, offer(9, source=2, age=20 * HOUR), items=4) == (1, 2, 9, 3)


def test_a_pinned_story_has_no_share_to_keep_to() -> None:
    pinned = [offer(number, is_pinned=True, age=number * HOUR) for number in range(1, 4)]
    assert select(*pinned, offer(9, source=2)) == (1, 2, 3, 9)


def test_of_a_week_what_many_told_at_its_beginning_stands_before_one_report_of_its_end() -> None:
    assert select(offer(1), offer(2, source=2, sources=8, age=5 * DAY), since=7 * DAY) == (2, 1)
    assert select(offer(1, age=HOUR), offer(2, source=2, sources=8, age=23 * HOUR)) == (1, 2)


def test_no_letter_opens_with_a_bare_title_while_another_story_says_more() -> None:
    bare = offer(1, is_bare=True)
    assert select(bare, offer(2, source=2, age=2 * HOUR), offer(3, source=3, age=3 * HOUR)) == (2, 1, 3)
    assert select(bare, offer(2, is_bare=True, age=2 * HOUR)) == (1, 2)
    assert select(offer(1, is_bare=True, is_pinned=True), offer(2)) == (1, 2)


def test_what_is_on_no_theme_stands_behind_what_is_on_one_or_followed() -> None:
    match, strike = offer(1, topic="place:GB"), offer(2, source=2, age=9 * HOUR)
    assert select(match, strike, followed=()) == (2, 1)
    assert select(match, offer(2, source=2, age=9 * HOUR, is_bare=True), followed=()) == (2, 1)
    assert select(match, offer(3, source=3, age=5 * HOUR, topic="place:FR"), followed=()) == (1, 3)
    assert select(offer(1, topic="place:GB", is_pinned=True), strike, followed=()) == (1, 2)
    assert select(match, strike, followed=("theme:ai", "place:GB")) == (1, 2)
