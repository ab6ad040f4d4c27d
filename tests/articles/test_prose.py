"""Sentences, and summaries made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.articles.prose import SUMMARY_MAX_CHARS, sentences, summarise


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Un. Deux ! Trois ? Quatre…", ["Un.", "Deux !", "Trois ?", "Quatre…"]),
        ("M. Durand et Mme. Roy parlent. Fin.", ["M. Durand et Mme. Roy parlent.", "Fin."]),
        (
            "The U.S. Navy, with J. Doe, won. It was 3.5 km. away.",
            ["The U.S. Navy, with J. Doe, won.", "It was 3.5 km. away."],
        ),
        ("Il a dit : « Oui ! » Puis rien.", ["Il a dit : « Oui ! »", "Puis rien."]),
        ("« Non\u00a0!\u00a0» répond-elle. Bien.", ["« Non\u00a0!\u00a0» répond-elle.", "Bien."]),
        ("Un titre\nUne phrase.", ["Un titre", "Une phrase."]),
        ("", []),
    ],
)
def test_a_text_is_parted_into_sentences(text, parts) -> None:
    assert [text[start:end] for start, end in sentences(text)] == parts


def test_a_summary_holds_whole_sentences() -> None:
    text = "\n\n".join(f"Voici la phrase numéro {n}, qui est assez longue pour compter un peu." for n in range(9))
    summary = summarise(text)
    assert len(summary) <= SUMMARY_MAX_CHARS
    assert summary == " ".join(text.split("\n\n")[:4])


def test_headings_are_passed_over_where_there_is_prose() -> None:
    assert summarise("Chapeau\n\nUne phrase.\n\nIntertitre\n\nUne autre.") == "Une phrase. Une autre."
    assert summarise("Rien qu’un titre") == "Rien qu’un titre"


def test_a_first_sentence_that_is_too_long_is_cut_at_a_word() -> None:
    summary = summarise("mot " * 200 + "fin.")
    assert summary.endswith("mot…")
    assert len(summary) <= SUMMARY_MAX_CHARS


@given(st.text(alphabet="aB .!?…\n»\u00a0", max_size=500))
def test_a_summary_is_one_line_and_short(text) -> None:
    summary = summarise(text)
    assert "\n" not in summary
    assert len(summary) <= SUMMARY_MAX_CHARS
