"""Every word of the desk is in French too, written as French is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from app.mail.meanings import Meaning

ROOT = Path(__file__).resolve().parents[3]
FRENCH = ROOT / "translations" / "fr"


def messages_in_templates() -> Iterator[str]:
    # What is recorded of readers has the same words on the desk and on their own pages.
    for path in [*sorted((ROOT / "templates" / "admin").rglob("*.html")), ROOT / "templates/_partials/act_words.html"]:
        with path.open("rb") as file:
            for _line, _function, message, _comments in babel_extract(file, ("_", "ngettext"), (), {}):
                parts = message if isinstance(message, tuple) else (message,)
                yield from [part for part in parts if part][:1]  # a sentence that is looked up has none here


def translations(names: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in FRENCH.glob(names):
        with path.open("rb") as file:
            for message in read_po(file, locale="fr"):
                key = message.id if isinstance(message.id, str) else message.id[0]
                strings = [message.string] if isinstance(message.string, str) else list(message.string)
                if key:
                    found[key] = strings
    return found


def test_every_message_of_the_desk_is_translated() -> None:
    known = translations("*.po")
    wanted = set(messages_in_templates())
    assert len(wanted) > 150
    assert sorted(message for message in wanted if not all(known.get(message, [""]))) == []


def test_no_translation_of_the_desk_is_left_over() -> None:
    assert (
        sorted(set(translations("desk.po")) - set(messages_in_templates()) - {meaning.sentence for meaning in Meaning})
        == []
    )


@pytest.mark.parametrize(("thing", "word"), [("preheader", "pré-en-tête"), ("accepted", "accepté")])
def test_one_thing_has_one_word(thing: str, word: str) -> None:
    said = {key: strings for key, strings in translations("desk*.po").items() if thing in key.casefold()}
    assert len(said) > 2
    assert {key for key, strings in said.items() for each in strings if word not in each.casefold()} == set()


@pytest.mark.parametrize("sign", [":", ";", "!", "?"])
def test_a_no_break_space_stands_before_double_signs(sign: str) -> None:
    for strings in translations("desk*.po").values():
        for string in strings:
            plain = string.replace("https://", "")
            assert plain.count(sign) == plain.count(f"\N{NO-BREAK SPACE}{sign}"), string


def test_apostrophes_are_curly_and_no_narrow_spaces_are_used() -> None:
    for strings in translations("desk*.po").values():
        assert not any("'" in string or "\N{NARROW NO-BREAK SPACE}" in string for string in strings), strings
