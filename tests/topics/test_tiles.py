"""The map of places has each country at most once, and its shades fit whatever is counted."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.topics.taxonomy import load
from app.topics.tiles import continents, shade_of, shades


def test_every_tile_is_a_country_of_the_taxonomy_and_stands_once() -> None:
    keys = [tile.key for continent in continents() for tile in continent.tiles]
    assert [key for key, times in Counter(keys).items() if times > 1] == []
    assert set(keys) <= set(load().topics)
    assert len(keys) > 190


def test_the_rows_of_a_continent_are_equally_long() -> None:
    for continent in continents():
        places = {(tile.column, tile.row) for tile in continent.tiles}
        assert len(places) == len(continent.tiles)
        assert {column for column, _ in places} == set(range(continent.columns)), continent.name
        assert {row for _, row in places} == set(range(continent.rows)), continent.name


@pytest.mark.parametrize(
    ("counts", "ranges"),
    [
        ([], []),
        ([0], []),
        ([1], [(1, 1)]),
        ([3, 1], [(1, 1), (2, 2), (3, 3)]),
        ([5, 2], [(1, 1), (2, 2), (3, 3), (4, 5)]),
        ([25, 9], [(1, 4), (5, 7), (8, 13), (14, 25)]),
    ],
)
def test_shades_double(counts: list[int], ranges: list[tuple[int, int]]) -> None:
    made = shades(counts)
    assert [(each.least, each.most) for each in made] == ranges
    assert [each.number for each in made] == list(range(1, len(made) + 1))


@given(st.lists(st.integers(min_value=1, max_value=10_000), min_size=1))
def test_every_count_has_one_shade_and_more_is_never_lighter(counts: list[int]) -> None:
    made = shades(counts)
    numbers = [shade_of(count, made) for count in sorted(counts)]
    assert numbers == sorted(numbers)
    assert numbers[0] >= 1
    assert (numbers[-1] == 4) == (max(counts) > 4)
