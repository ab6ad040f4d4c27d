"""What texts speak of: words that mean one thing, those that may mean another, and both languages alike."""

from pathlib import Path

import pytest

from app.topics.mentions import mentions
from app.topics.taxonomy import load

SEED = Path(__file__).resolve().parents[3] / "shared" / "seeds" / "000_066c727f836a5b3d.txt"


def named(text: str, language: str = "en", title: str = "") -> set[str]:
    return {mention.key for mention in mentions(load().place_matcher(language), title=title, text=text)}


@pytest.mark.parametrize(
    ("text", "language", "keys"),
    [
        ("L’Azerbaïdjan et l'Arménie", "fr", {"place:AZ", "place:AM"}),
        ("AU MALI, LES ÉLECTIONS SONT REPORTÉES", "fr", {"place:ML"}),
        ("des députées européennes et une enquête franco-iranienne", "fr", {"region:europe", "place:FR", "place:IR"}),
        ("les hackeurs nord-coréens à Tel-Aviv", "fr", {"place:KP", "place:IL"}),
        ("The U.S.-led coalition in North Korea's waters", "en", {"place:US", "place:KP"}),
        ("South Sudan, Papua New Guinea and DR Congo", "en", {"place:SS", "place:PG", "place:CD"}),
        ("NSO Group sold Pegasus to Baku", "en", {"place:IL", "actor:nso-group", "place:AZ"}),
        ("APT28, also known as Fancy Bear", "en", {"place:RU", "actor:apt28"}),
        ("Kaspersky found it", "en", {"actor:kaspersky"}),
    ],
)
def test_places_and_actors_are_found(text: str, language: str, keys: set[str]) -> None:
    assert named(text, language) == keys


@pytest.mark.parametrize(
    "text",
    [
        "We carved the turkey on fine china and told us a chilli recipe",
        "Michael Jordan and Jordan Peterson met Chad at Georgia Tech",
        "Jordan is a good player, and so is Chad",
        "A crash in New Mexico? No: in New England",
        "TELL US MORE ABOUT WHO IS IN IT",
        "The jersey, the guinea pig and the Panama Papers",
    ],
)
def test_words_that_mean_something_else_are_no_places(text: str) -> None:
    assert not named(text) - {"place:US"}
    assert named(text) == ({"place:US"} if "New Mexico" in text else set())


def test_french_and_english_name_the_same_entities() -> None:
    french = "Des pirates russes liés au GRU visent la Pologne, selon Varsovie et l’Union européenne."
    english = "Hackers of Russia's GRU target Poland, say Warsaw and the European Union."
    assert named(french, "fr") == named(english) == {"place:RU", "actor:gru", "place:PL", "region:eu"}


def test_a_language_that_is_neither_is_searched_for_both() -> None:
    assert named("Deutschland, Allemagne, Germany", "de") == {"place:DE"}


def test_the_most_named_come_first_and_titles_are_told() -> None:
    found = mentions(load().place_matcher("fr"), title="Mali", text="Niger. Le Niger, et le Niger.")
    assert [(each.key, each.times, each.is_in_title) for each in found] == [
        ("place:NE", 3, False),
        ("place:ML", 1, True),
    ]


@pytest.mark.parametrize("text", ["", " ", "\x00\ud83d", "’’’", "İstanbul ıǆﬁ", "á" * 10_000])
def test_no_text_is_too_odd(text: str) -> None:
    mentions(load().place_matcher("fr"), title=text, text=text)


@pytest.mark.skipif(not SEED.exists(), reason="the seed article lies beside the repository")
def test_the_seed_article_names_who_is_in_it() -> None:
    found = named(SEED.read_text(encoding="utf-8"), "fr")
    assert found >= {"place:IL", "place:AZ", "place:AM", "place:TR", "actor:nso-group", "actor:socar", "actor:elbit"}
    assert "place:GE" not in found


def test_a_country_is_surer_by_its_name_than_by_a_city_and_an_actor_by_any_name() -> None:
    weights = {
        text: {mention.key: mention.weight for mention in mentions(load().place_matcher("en"), title="", text=text)}
        for text in ("Kharkiv", "Kharkiv in Ukraine", "TikTok")
    }
    assert 0 < weights["Kharkiv"]["place:UA"] < weights["Kharkiv in Ukraine"]["place:UA"] == 1
    assert weights["TikTok"] == {"actor:tiktok": 1}
