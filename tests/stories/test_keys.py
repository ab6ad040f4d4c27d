"""What an article is recognised by."""

from collections.abc import Mapping

import pytest

from app.stories.keys import flaws_of, is_meaning, keys_of, serial_form
from app.topics.taxonomy import load


def keys(title: str, summary: str = "", body: str = "", language: str = "en") -> Mapping[str, float]:
    return keys_of(load(), title=title, summary=summary, body=body, language=language)


def test_words_of_both_languages_meet_at_their_beginnings() -> None:
    french = keys("Cyberattaque contre des infrastructures électriques", language="fr")
    english = keys("Cyberattack on electrical infrastructure")

    assert {"cybera", "infras", "electr"} <= french.keys() & english.keys()


@pytest.mark.parametrize(
    ("french", "english", "key"),
    [
        ("Allemagne : un accord", "A deal in Germany", "place:DE"),
        ("Le ministre estonien", "The minister in Tallinn", "place:EE"),
        ("Le groupe Lazarus", "Hackers of Lazarus", "actor:lazarus"),
        ("Un port paralysé par un rançongiciel", "Ransomware halts a port", "word:ransomware"),
        ("Des logiciels espions", "Spyware was found", "word:spyware"),
        ("L’OTAN au sommet", "The NATO summit", "word:nato"),
    ],
)
def test_what_the_languages_call_otherwise_meets_by_its_meaning(french: str, english: str, key: str) -> None:
    assert key in keys(french, language="fr").keys() & keys(english).keys()


def test_a_phrase_means_what_it_means_as_a_whole() -> None:
    assert {key for key in keys("Un projet de loi", language="fr") if is_meaning(key)} == {"word:bill"}
    assert "word:north" not in keys("North Korea denies it")


def test_words_of_a_third_language_have_no_meaning_in_ours() -> None:
    assert not any(key.startswith("word:") for key in keys("Die Partei mit dem Chip", language="de"))


def test_a_number_is_one_key_however_it_is_grouped() -> None:
    assert "120000" in keys("120\u00a0000 foyers sans courant", language="fr").keys() & keys("120,000 homes").keys()


def test_the_title_weighs_more_than_the_text() -> None:
    found = keys("Estonian fortress breached", "The fortress had a gateway in Mali.")

    assert found["fortre"] > found["gatewa"] > 0
    assert found["place:EE"] > found["place:ML"] > 0


def test_flaws_are_found_in_the_body_too() -> None:
    assert flaws_of(keys("Patch now", "A flaw.", "It is tracked as CVE-2031-40011.")) == {"CVE-2031-40011"}


def test_days_and_small_words_are_no_keys() -> None:
    assert not keys("On Monday, le lundi, what will be with them in May")


@pytest.mark.parametrize(
    "title",
    ["Thursday, July 30th, 2026", "du jeudi 30 juillet 2026", "1er août 2026", "Aug. 3, 2026", "3rd August 2026"],
)
def test_a_date_in_full_is_no_key(title: str) -> None:
    assert keys(f"Open Mike, {title}").keys() == {"open", "mike"}


def test_the_figures_of_a_day_stay() -> None:
    assert {"30", "2026"} <= keys("30 sites hit on July 26, says a 2026 report").keys()


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
