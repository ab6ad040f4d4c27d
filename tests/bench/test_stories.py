"""What the bench of stories makes of labels and groups."""

import csv

import pytest

from bench import stories
from bench.stories import b_cubed, empty_database, group_items, measure_cost, pairs_across_languages
from bench.story_labels import LABELS, Item, read_pairs
from tests.conftest import NOW


def make_items(**stories: str) -> list[Item]:
    """Items of one letter each; those in capitals are French."""
    return [
        Item(name, "wire", "fr" if name.isupper() else "en", NOW, name, name, name, story)
        for name, story in stories.items()
    ]


def test_b_cubed_is_the_mean_over_items() -> None:
    items = make_items(a="one", b="one", c="two")

    precision, recall, f1 = b_cubed(items, {"a": 1, "b": 2, "c": 2}, lambda _: True)

    assert precision == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)
    assert recall == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)
    assert f1 == pytest.approx(2 / 3)


def test_pairs_are_of_two_languages() -> None:
    items = make_items(a="one", b="one", A="one", B="two")

    assert pairs_across_languages(items, {"a": 1, "b": 2, "A": 1, "B": 2}) == (1, 1, 1)


def test_labels_hold_no_item_twice() -> None:
    with (LABELS / "stories.csv").open(encoding="utf-8", newline="") as lines:
        rows = [(row["file"], row["item"]) for row in csv.DictReader(lines)]

    assert len(rows) == len(set(rows)) >= 150


def test_the_bilingual_pairs_are_found_by_the_real_grouping() -> None:
    items = read_pairs()
    with empty_database() as database:
        right, wrong, missed = pairs_across_languages(items, group_items(database, items))

    assert right >= 23
    assert missed <= 2
    assert wrong <= 8


def test_cost_is_told_by_tenths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stories, "BATCH", 20)  # two hundred at a time take most of a minute
    with empty_database() as database:
        tenths = list(measure_cost(database, 200))
    assert len(tenths) == 10
    assert all(cost > 0 for cost in tenths)
