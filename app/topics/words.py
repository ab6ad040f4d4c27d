"""A text as words: accents folded, French elisions ended, "U.S." made one word. Knows no topic."""

import re
import unicodedata
from dataclasses import dataclass
from itertools import islice

_ACCENTS = re.compile("[\u0300-\u036f]+")
_ACRONYM = re.compile(r"\b(?:[A-Z]\.){2,}")
_WORD = re.compile(r"[^\W_]+")
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ı": "i", "ø": "o", "Ø": "O"})


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one stretch of text, as they stand and folded to lower case, in step."""

    text: str
    cased: list[str]
    folded: list[str]

    def written(self, start: int, end: int) -> str:
        """Return the words from `start` to before `end` as they stand, with what is between them."""
        if end - start == 1:
            return self.cased[start]
        found = list(islice(_WORD.finditer(self.text), start, end))
        return " ".join(self.text[found[0].start() : found[-1].end()].split())

    @property
    def is_shouted(self) -> bool:
        """Whether capitals say nothing here, since nearly all words have no other letters."""
        letters = [word for word in self.cased if word.isalpha() and len(word) > 1]
        return len(letters) > 3 and sum(word.isupper() for word in letters) > 0.7 * len(letters)


def words_of(text: str) -> Words:
    """Return the words of `text`; what is no letter or digit, an apostrophe or a hyphen too, ends a word."""
    text = _ACRONYM.sub(lambda found: found[0].replace(".", "") + " ", text.translate(_LIGATURES))
    plain, whole = _ACCENTS.sub("", unicodedata.normalize("NFKD", text)), unicodedata.normalize("NFC", text)
    words, written = _WORD.findall(plain), _WORD.findall(whole)
    folded = [word.lower() for word in words]
    # Taking letters apart makes two words of some odd signs (½); such a text is shown without its accents.
    return Words(whole, written, folded) if len(written) == len(words) else Words(plain, words, folded)
