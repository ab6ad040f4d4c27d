"""Terms: how an editor writes a word to look for, and the forms in which it is found in a text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import product

from app.topics.words import words_of

WEIGHT_MAX = 5.0
#: Of the word before a `*`: alone, and behind another word.
PREFIX_MIN_CHARS, PREFIX_IN_PHRASE_MIN_CHARS = 4, 3
_TERM = re.compile(r"(?P<text>[^*~?:]+?)(?P<prefix>\*)?(?P<adjective>~)?(?P<unsure>\?)?(?::(?P<weight>[0-9.]+))?")
#: Endings of French masculines and what their feminine adds or puts in their place.
_FEMININES = (
    ("ien", "ienne"), ("een", "eenne"), ("on", "onne"), ("el", "elle"), ("if", "ive"), ("eux", "euse"), ("er", "ere"),
)  # fmt: skip


class Capitals(IntEnum):
    """What a word of a term asks of the word in the text."""

    ANY = 0
    FIRST = 1
    ALL = 2


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a topic. `forms` holds for each of its words the folded forms that fit; one with `*` is a prefix."""

    text: str
    weight: float
    is_unsure: bool
    forms: tuple[frozenset[str], ...]
    capitals: tuple[Capitals, ...]

    def spellings(self) -> Iterator[tuple[str, ...]]:
        """Return every sequence of folded words that the term stands for."""
        return product(*(sorted(forms) for forms in self.forms))


class BadTerm(ValueError):
    """What an editor wrote is no term; the message says why."""


def parse_term(written: str, *, language: str | None, weight: float) -> Term:
    """Return the term that `written` means in texts of `language`, or in all; `weight` is taken where it names none.

    In French every word may stand in the plural, in English the last; a term for all languages is taken as it stands.
    Raises BadTerm.
    """
    found = _TERM.fullmatch(written.strip())
    if found is None:
        raise BadTerm(f"{written!r} is not of the form WORDS, WORDS~, WORD* or WORDS?, with a weight behind a colon")
    words = words_of(found["text"])
    if not words.cased:
        raise BadTerm(f"{written!r} holds no word")
    prefix, adjective = bool(found["prefix"]), bool(found["adjective"])
    shortest = PREFIX_MIN_CHARS if len(words.cased) == 1 else PREFIX_IN_PHRASE_MIN_CHARS
    if prefix and len(words.cased[-1]) < shortest:
        raise BadTerm(f"{written!r} would match too much: give {shortest} letters before the *")
    if adjective and language != "fr":
        raise BadTerm(f"{written!r}: only French terms have a feminine (~)")
    capitals = tuple(_capitals(word) for word in words.cased)
    last = len(words.folded) - 1
    forms = [
        frozenset({word} if capital is Capitals.ALL else _forms(word, language, is_last=place == last))
        for place, (word, capital) in enumerate(zip(words.folded, capitals, strict=True))
    ]
    if prefix:
        forms[last] = frozenset({f"{words.folded[last]}*"})
    elif adjective:
        forms[last] = frozenset(_french_adjective(words.folded[last]))
    return Term(
        found["text"].strip(), _weight(written, found["weight"], weight), bool(found["unsure"]), tuple(forms), capitals
    )


def _weight(written: str, given: str | None, default: float) -> float:
    try:
        weight = default if given is None else float(given)
    except ValueError:
        raise BadTerm(f"{written!r}: {given} is no number") from None
    if not 0 <= weight <= WEIGHT_MAX:
        raise BadTerm(f"{written!r}: a weight is from 0 (found, but counts nothing) to {WEIGHT_MAX:g}")
    return weight


def _capitals(word: str) -> Capitals:
    if len(word) > 1 and word.isupper():
        return Capitals.ALL
    return Capitals.FIRST if word[0].isupper() else Capitals.ANY


def _forms(word: str, language: str | None, *, is_last: bool) -> set[str]:
    if language == "fr":
        return {word, *_french_plurals(word)}
    return {word, *_english_plurals(word)} if language == "en" and is_last else {word}


def _english_plurals(word: str) -> set[str]:
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return {f"{word}es"}
    return {f"{word[:-1]}ies"} if re.search("[^aeiou]y$", word) else {f"{word}s"}


def _french_plurals(word: str) -> set[str]:
    if word.endswith(("s", "x", "z")) or len(word) < 3:
        return set()
    if word.endswith("al"):
        return {f"{word[:-2]}aux", f"{word}s"}
    return {f"{word}x"} if word.endswith(("eau", "eu")) else {f"{word}s"}


def _french_adjective(word: str) -> set[str]:
    feminine = next((word[: -len(ending)] + new for ending, new in _FEMININES if word.endswith(ending)), None)
    if feminine is None:
        feminine = word if word.endswith("e") else f"{word}e"
    return {form for base in (word, feminine) for form in (base, *_french_plurals(base))}
