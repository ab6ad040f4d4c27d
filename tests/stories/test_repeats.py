"""Copies and twins of a text."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.stories.repeats import Wording, is_copy, is_twin
from bench.story_labels import Item, read_pairs
from tests.conftest import NOW

AGENCY = Wording(
    "wire.example", "en", NOW, "Cable cut in the Baltic Sea",
    "The operator noticed the break on Sunday at 4:20, it said. Finnish police boarded the cargo ship Lady Irena.",
)  # fmt: skip


def test_an_agency_s_text_under_another_title_is_a_copy() -> None:
    paper = replace(AGENCY, source="paper.example", title="Baltic Sea cable is cut")

    assert is_copy(AGENCY, paper)


def test_another_report_on_the_event_is_no_copy() -> None:
    report = replace(AGENCY, source="b.example", text="A cargo ship is suspected of having severed a cable near Hanko.")

    assert not is_copy(AGENCY, report)


def test_two_short_lines_are_no_copies() -> None:
    one = replace(AGENCY, title="Press review", text="Today.")

    assert not is_copy(one, replace(one, source="b.example"))


def as_wording(item: Item) -> Wording:
    """Both languages of the agency of the set are one house."""
    return Wording(
        item.source.removesuffix(" FR").removesuffix(" EN"), item.language, item.published_at, item.title, item.body
    )


PAIRS = read_pairs()
TWINS = sorted({item.story for item in PAIRS if item.is_twin})


@pytest.mark.parametrize("story", TWINS)
def test_translations_are_twins(story: str) -> None:
    one, other = (as_wording(item) for item in PAIRS if item.story == story)

    assert is_twin(one, other)
    assert not is_twin(one, replace(other, at=other.at + timedelta(days=4)))


def test_most_reports_of_two_newsrooms_are_no_twins() -> None:
    french = {item.story: as_wording(item) for item in PAIRS if item.language == "fr" and not item.is_twin}
    english = {item.story: as_wording(item) for item in PAIRS if item.language == "en" and not item.is_twin}

    taken = [story for story in french.keys() & english.keys() if is_twin(french[story], english[story])]

    assert len(taken) <= 2


def test_articles_on_two_events_are_no_twins() -> None:
    wordings = [(item.story, as_wording(item)) for item in PAIRS]

    assert not [
        (one, other) for one, first in wordings for other, second in wordings if one != other and is_twin(first, second)
    ]
