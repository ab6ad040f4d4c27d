"""What an article is recognised by."""

import pytest

from app.stories.keys import flaws_of, keys_of, serial_form


def test_words_of_both_languages_meet_at_their_beginnings() -> None:
    french = keys_of("Cyberattaque contre des infrastructures électriques", "")
    english = keys_of("Cyberattack on electrical infrastructure", "")

    assert {"cybera", "infras", "electr"} <= french.keys() & english.keys()


@pytest.mark.parametrize(
    ("french", "english", "code"),
    [("Allemagne", "Germany", "DE"), ("États-Unis", "United States", "US"), ("Arménie", "Armenia", "AM")],
)
def test_a_country_is_one_key_in_both_languages(french: str, english: str, code: str) -> None:
    assert f"place:{code}" in keys_of(f"{french} : un accord", "").keys() & keys_of(f"A deal in {english}", "").keys()


def test_a_number_is_one_key_however_it_is_grouped() -> None:
    assert "120000" in keys_of("120\u00a0000 foyers sans courant", "").keys() & keys_of("120,000 homes", "").keys()


def test_the_title_weighs_more_than_the_text() -> None:
    keys = keys_of("Fortress breached", "The fortress had a gateway.")

    assert keys["fortre"] > keys["gatewa"] > 0


def test_flaws_are_found_in_the_body_too() -> None:
    assert flaws_of(keys_of("Patch now", "A flaw.", "It is tracked as CVE-2031-40011.")) == {"CVE-2031-40011"}


def test_days_and_small_words_are_no_keys() -> None:
    assert not keys_of("On Monday, le lundi, what will be with them in May", "")


@pytest.mark.parametrize(
    "title",
    ["Thursday, July 30th, 2026", "du jeudi 30 juillet 2026", "1er août 2026", "Aug. 3, 2026", "3rd August 2026"],
)
def test_a_date_in_full_is_no_key(title: str) -> None:
    assert keys_of(f"Open Mike, {title}", "").keys() == {"open", "mike"}


def test_the_figures_of_a_day_stay() -> None:
    assert {"30", "2026"} <= keys_of("30 sites hit on July 26, says a 2026 report", "").keys()


@pytest.mark.parametrize(
    ("one", "other", "is_series"),
    [
        ("Podcast for Monday, May 18th, 2031", "Podcast for Tuesday, May 19th, 2031", True),
        ("La matinale du lundi 3 mai", "La matinale du mardi 4 mai", True),
        ("Adobe patches 52 flaws", "Oracle patches 52 flaws", False),
    ],
)
def test_titles_that_differ_in_dates_and_numbers_alone_are_of_a_series(one: str, other: str, is_series: bool) -> None:
    assert (serial_form(one) == serial_form(other)) is is_series
