"""The scores of extraction, as their authors define them."""

from bench.extraction import score_of_shingles, score_of_strings


def test_shingles_are_counted_and_pages_weigh_the_same() -> None:
    assert score_of_shingles([("a b c d e", "a b c d e")]).f1 == 1
    half = score_of_shingles([("a b c d e", "a b c d x"), ("a b c d", "a b c d")])
    assert (half.precision, half.recall) == (0.75, 0.75)
    assert score_of_shingles([("a b c d", "a b c d e f g h"), ("a", "a")]).precision == 0.6


def test_strings_are_counted_over_all_pages_whatever_the_blanks() -> None:
    score = score_of_strings([("one two\nthree", ["two three", "four"], ["one"]), ("five", ["five"], ["six"])])
    assert (score.precision, score.recall) == (2 / 3, 2 / 3)
