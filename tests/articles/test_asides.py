"""What pages put between an article's paragraphs is left out, and nothing else."""

import pytest

from app.articles.asides import without_asides

PROSE = "Le port a rouvert lundi. Les navires attendent encore au large."


@pytest.mark.parametrize(
    "aside",
    [
        "À lire aussi : Les câbles de la Baltique",
        "» Lire aussi – Qui coupe les câbles ?",
        "Read more: Looted colonial art",
        "Also read: Who cuts cables?",
        "Lire aussi",
        "Inscrivez-vous à notre newsletter.",
        "Sign up for our newsletter to get the latest news. Your email",
    ],
)
def test_a_pointer_or_an_invitation_is_no_part_of_the_text(aside) -> None:
    assert without_asides(f"{PROSE}\n\n{aside}\n\n{PROSE}") == f"{PROSE}\n\n{PROSE}"


@pytest.mark.parametrize(
    "paragraph",
    [
        "Lire aussi les câbles comme des frontières, voilà ce que propose l’ouvrage.",
        "Read more slowly, the report says.",
        "Il publie une newsletter que lisent les diplomates.",
        "Read more: " + "a long paragraph " * 20,
    ],
)
def test_prose_that_begins_alike_stays(paragraph) -> None:
    assert paragraph in without_asides(f"{PROSE}\n\n{paragraph}")


def test_a_text_of_asides_alone_stays() -> None:
    assert without_asides("Read more: One") == "Read more: One"
