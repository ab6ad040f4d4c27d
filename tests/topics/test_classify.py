"""What articles are about: ranks, reasons, and what must not be taken for a topic."""

from pathlib import Path

import pytest

from app.topics.classify import THEMES_MAX, Classification, Rank, classify
from app.topics.scoring import Zone
from app.topics.taxonomy import load
from app.topics.words import words_of

SEED = Path(__file__).resolve().parents[3] / "shared" / "seeds" / "000_066c727f836a5b3d.txt"
FILLER = "Le reste du texte parle d’autre chose et ne nomme rien. " * 40


def classified(text: str, *, title: str = "", language: str = "fr") -> Classification:
    return classify(load(), title=title, text=text, language=language)


def of_rank(found: Classification, rank: Rank) -> set[str]:
    return {topic.key for topic in found.topics if topic.rank is rank}


@pytest.mark.skipif(not SEED.exists(), reason="the seed article lies beside the repository")
def test_the_seed_article() -> None:
    found = classified(SEED.read_text(encoding="utf-8"))
    assert {topic.key for topic in found.places if topic.rank is Rank.PRIMARY} == {"place:IL", "place:AZ"}
    assert {topic.key for topic in found.places if topic.rank is Rank.SECONDARY} >= {"place:AM", "place:TR"}
    wanted = {"theme:cyberdefence", "theme:conflict", "theme:infrastructure", "theme:espionage"}
    assert {topic.key for topic in found.themes} >= wanted


def test_reasons_are_told_as_written_and_where() -> None:
    found = classified("Des cyberattaques. L’ANSSI alerte.", title="Cyberdéfense : Paris s’arme")
    [theme] = found.themes
    assert theme.key == "theme:cyberdefence"
    assert ("Cyberdéfense", Zone.TITLE, 1) in {(each.written, each.zone, each.times) for each in theme.evidence}
    assert {each.written for each in theme.evidence} == {"Cyberdéfense", "cyberattaques", "ANSSI"}


def test_a_title_counts_more_than_a_text_and_that_more_than_its_end() -> None:
    weights = [
        max(topic.weight for topic in classified(text, title=title).places if topic.key == "place:ML")
        for title, text in (("Au Mali", ""), ("", "Au Mali."), ("", f"{FILLER[:600]} Mali. Mali. {FILLER}"))
    ]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == 3


def test_the_same_again_counts_ever_less() -> None:
    once, twice, often = (classified("Mali. " * times).places[0].weight for times in (1, 2, 50))
    assert once < twice < often < 0.8


def test_what_is_named_once_far_down_is_no_place() -> None:
    assert not classified(FILLER + "Un témoin vit en Norvège. " + FILLER).places


def test_a_party_is_secondary() -> None:
    text = "Le Mali et encore le Mali, les Maliens, Bamako. Un émissaire suisse était là."
    found = classified(text, title="Mali : une trêve au Mali")
    assert of_rank(found, Rank.PRIMARY) == {"place:ML"}
    assert "place:CH" in of_rank(found, Rank.SECONDARY)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("CAIRO — Gunmen fled.", "en"),
        ("LONDON (AP) — It rained.", "en"),
        ("Moscou (AFP) - Il a plu.", "fr"),
        ("A guerre de gouvernance chez un brasseur", "fr"),
        ("Il part en guerre contre son parti", "fr"),
        ("Turkey recipes for Thanksgiving", "en"),
        ("", "fr"),
        ("Quiche aux poireaux", "fr"),
    ],
)
def test_no_topic_is_made_of_nothing(text: str, language: str) -> None:
    assert not [topic.key for topic in classified(text, language=language).topics if topic.key != "theme:conflict"]
    assert not [topic.key for topic in classified(text, language=language).themes if "guerre" in text]


def test_one_weak_word_makes_no_theme_however_often_it_is_said() -> None:
    assert not classified("Un otage. Cet otage.", title="L’otage et l’otage").themes
    [theme] = classified("Un otage des djihadistes.", title="L’otage").themes
    assert theme.key == "theme:conflict"
    assert not classified("The airport opens. The airport is new.", title="An airport", language="en").themes


@pytest.mark.parametrize(
    ("footer", "language"),
    [
        ("The post Troops fire missiles in Mali appeared first on Example War.", "en"),
        ("The post Troops fire missiles in Mali first appeared on example.com", "en"),
        ("L’article Des soldats tirent des missiles au Mali est apparu en premier sur Exemple.", "fr"),
    ],
)
def test_a_feeds_footer_says_nothing(footer: str, language: str) -> None:
    assert not classified(f"It rained. {footer}", language=language).topics
    assert not classified(f"It rained.\n\n{footer}\n\nIt is dry.", language=language).topics
    after = classified(f"It rained.\n\n{footer}\n\nHezbollah fired missiles.", language=language)
    assert [theme.key for theme in after.themes] == ["theme:conflict"]


@pytest.mark.parametrize(
    ("text", "is_country"),
    [
        ("Georgia and Armenia sign", True),
        ("Georgia, near Tbilisi", True),
        ("Georgia elects a senator in Atlanta", False),
        ("Jordan and Syria reopen a crossing", True),
        ("Jordan scores again", False),
        ("Chad and Niger close a border", True),
        ("Chad from accounting", False),
    ],
)
def test_an_unsure_name_needs_company(text: str, is_country: bool) -> None:
    found = {topic.key for topic in classified(text, language="en").places}
    assert bool(found & {"place:GE", "place:JO", "place:TD"}) is is_country


def test_a_text_full_of_everything_is_told_within_bounds() -> None:
    taxonomy = load()
    everything = ". ".join(topic.labels["fr"] for topic in taxonomy.topics.values()) + " vulnérabilité espionnage " * 9
    found = classified(everything * 3)
    assert len(found.topics) <= 2 * THEMES_MAX + 10
    assert all(0 < topic.weight < 1 and topic.evidence for topic in found.topics)
    assert [topic.rank for topic in found.topics] == sorted(topic.rank for topic in found.topics)


def test_reasons_keep_the_hyphens_and_apostrophes_of_the_text() -> None:
    found = classified("Le Haut-Karabakh attend la Corée\ndu Nord.", title="La Côte d’Ivoire s’inquiète")
    told = {each.written for topic in (*found.places, *found.themes) for each in topic.evidence}
    assert told == {"Côte d’Ivoire", "Haut-Karabakh", "Corée du Nord"}


def test_words_keep_their_accents_for_people_and_lose_them_for_the_rules() -> None:
    words = words_of("L’Œuvre d’É.U. en « Cyberdéfense »")
    assert words.cased == ["L", "OEuvre", "d", "É", "U", "en", "Cyberdéfense"]
    assert words.folded[-1] == "cyberdefense"
    assert len(words_of("½ ﬁn U.S. ŉ").cased) == len(words_of("½ ﬁn U.S. ŉ").folded)
