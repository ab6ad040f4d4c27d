"""The taxonomy's file: ours is whole, and what an editor gets wrong is said with its place."""

import re
from pathlib import Path

import pytest

from app.topics.mentions import mentions
from app.topics.taxonomy import OURS, TaxonomyInvalid, load
from app.topics.topic import TopicKind

THEMES = [
    "cyberdefence", "espionage", "cybercrime", "vulnerabilities", "disinformation", "infrastructure", "regulation",
    "privacy", "diplomacy", "conflict", "industry", "skills", "ai",
]  # fmt: skip
SMALL = """
[themes.war]
label = { fr = "Guerre", en = "War" }
en = ["war", "battle*:2"]
[regions.south]
label = { fr = "Sud", en = "South" }
countries = ["FR"]
"""


def test_ours_has_all_countries_and_both_languages() -> None:
    taxonomy = load()
    assert {f"theme:{name}" for name in THEMES} == {key for key in taxonomy.topics if key.startswith("theme:")}
    countries = taxonomy.of_kind(TopicKind.PLACE, "fr")
    assert len(countries) == 250, "249 of ISO 3166-1, and Kosovo"
    assert 15 <= len(taxonomy.of_kind(TopicKind.REGION, "en")) <= 20
    assert all(set(topic.labels) == {"fr", "en"} and all(topic.labels.values()) for topic in taxonomy.topics.values())
    assert all(re.fullmatch("(theme|place|region):[A-Za-z0-9-]{2,30}", key) for key in taxonomy.topics)


def test_countries_are_ordered_by_name_without_accents() -> None:
    names = [topic.labels["fr"] for topic in load().of_kind(TopicKind.PLACE, "fr")]
    assert names.index("Égypte") < names.index("Émirats arabes unis") < names.index("Espagne")


def test_regions_of_a_country() -> None:
    assert "region:caucasus" in load().regions_of("place:AZ")
    assert set(load().regions_of("place:ML")) == {"region:africa", "region:sahel"}
    assert load().regions_of("place:XX") == ()
    assert load().label("place:IL", "fr") == "Israël"
    assert load().label("theme:gone", "fr") == "theme:gone"


def test_a_newsroom_may_bring_its_own(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(SMALL, encoding="utf-8")
    taxonomy = load(file)
    assert taxonomy.label("theme:war", "fr") == "Guerre"
    assert taxonomy.regions_of("place:FR") == ("region:south",)
    assert [each.key for each in mentions(taxonomy.place_matcher("en"), title="", text="Germany")] == ["place:DE"]
    assert taxonomy.digest != load().digest


def test_the_digest_follows_the_file(tmp_path: Path) -> None:
    same, other = tmp_path / "same.toml", tmp_path / "other.toml"
    same.write_bytes(OURS.read_bytes())
    other.write_bytes(OURS.read_bytes() + b"\n# a word\n")
    assert load(same).digest == load().digest != load(other).digest


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ('[themes.War]\nlabel = { fr = "a", en = "b" }', "small letters"),
        ('[themes.war]\nlabel = { fr = "a" }', "label"),
        ('[themes.war]\nlabel = { fr = "a", en = "b" }\nen = "war"', "list of texts"),
        ('[themes.war]\nlabel = { fr = "a", en = "b" }\nen = ["war:9"]', "weight is from 0"),
        ('[themes.war]\nlabel = { fr = "a", en = "b" }\nen = ["wa*"]', "match too much"),
        ('[themes.war]\nlabel = { fr = "a", en = "b" }\nen = ["belge~"]', "only French"),
        ('[themes.war]\nlabel = { fr = "a", en = "b" }\nen = ["war", "war"]', "stands twice"),
        ('[themes.war]\nlabel = { fr = "a", en = "b" }\nen = ["?!"]', "not of the form"),
        ('[themes.war]\nlabel = { fr = "a", en = "b" }\nen = ["..."]', "no word"),
        ('[themes.war]\nlabel = { fr = "a", en = "b" }\nwords = ["war"]', "means nothing"),
        ('[places]\nZZ = { fr = ["nulle part"] }', "no country"),
        ('[regions.south]\nlabel = { fr = "a", en = "b" }\ncountries = ["ZZ"]', "place:ZZ"),
        ('[regions.south]\nlabel = { fr = "a", en = "b" }', "no countries"),
        ('[actors.ZZ]\nsome = ["Some"]', "no country"),
        ("[topics]", "no section"),
        ("themes = 3", "must be a table"),
        ("[themes", "no TOML"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(wrong: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(wrong, encoding="utf-8")
    with pytest.raises(TaxonomyInvalid, match=re.escape(words)) as refusal:
        load(file)
    assert len(refusal.value.problems) == 1


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyInvalid, match="cannot be read"):
        load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(TaxonomyInvalid, match="UTF-8"):
        load(tmp_path / "latin.toml")
