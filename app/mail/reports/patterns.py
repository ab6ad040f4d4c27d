"""Text as the families of phrases see it, and how a family is put together."""

import re
import unicodedata

from app.mail.replies import words_of
from app.mail.reports.addresses import ADDRESS

_LETTERS_BEYOND_DECOMPOSITION = {"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d"}


def _unaccented() -> dict[int, str | None]:
    """Return the table that takes Latin letters to their plain form, and drops marks that stand alone."""
    table: dict[int, str | None] = dict.fromkeys(range(0x300, 0x370))
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFKD", chr(code))[0]
        if base.isascii():
            table[code] = base
    return table | {ord(letter): plain for letter, plain in _LETTERS_BEYOND_DECOMPOSITION.items()}


_UNACCENTED = _unaccented()


def one_of(*phrases: str) -> re.Pattern[str]:
    """Return a pattern that any of the phrases fits, each of which is a pattern itself."""
    return re.compile(any_of(*phrases))


def any_of(*phrases: str) -> str:
    """Return the source of a pattern that any of the phrases fits."""
    return f"(?:{'|'.join(phrases)})"


def plain_words_of(text: str) -> str:
    """Return a text for comparing: one lower-case line without addresses, Latin letters without accents.

    Servers write "boite" and "boîte", full-width and half-width letters, each of them composed or not: all come out
    the same. Addresses go first, since in writings without spaces they touch the words.
    """
    text = unicodedata.normalize("NFKC", ADDRESS.sub(" ", text))
    return words_of(text).translate(_UNACCENTED)
