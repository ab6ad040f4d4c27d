"""The scores of extraction, as their authors define them, and how feeds are read that nobody here wrote."""

import pytest

from bench.extraction import score_of_shingles, score_of_strings
from bench.feed_labels import CORPORA, measure

#: Expectations that we do not share: three titles that a sanitizer of others cuts otherwise, and a link on loopback.
UNSHARED = {"feeds-feedparser": 4, "feeds-real": 1}


@pytest.mark.slow
def test_feeds_are_read_as_those_say_who_made_them() -> None:
    if not (CORPORA / "feeds-feedparser").is_dir():
        pytest.skip("no feed corpora beside the repository, in ../shared/corpora")
    figures = measure()
    assert sum(sum(each.judged.values()) for each in figures.values()) > 400
    missed = {name: each.misses for name, each in figures.items() if len(each.misses) > UNSHARED.get(name, 0)}
    assert missed == {}


def test_shingles_are_counted_and_pages_weigh_the_same() -> None:
    assert score_of_shingles([("a b c d e", "a b c d e")]).f1 == 1
    half = score_of_shingles([("a b c d e", "a b c d x"), ("a b c d", "a b c d")])
    assert (half.precision, half.recall) == (0.75, 0.75)
    assert score_of_shingles([("a b c d", "a b c d e f g h"), ("a", "a")]).precision == 0.6


def test_strings_are_counted_over_all_pages_whatever_the_blanks() -> None:
    score = score_of_strings([("one two\nthree", ["two three", "four"], ["one"]), ("five", ["five"], ["six"])])
    assert (score.precision, score.recall) == (2 / 3, 2 / 3)
