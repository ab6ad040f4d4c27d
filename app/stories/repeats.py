"""Texts that say the same again: copies, as of one agency's text in two papers, and twins, its two languages. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from rapidfuzz import fuzz

from app.stories.keys import fold

#: From this share of common words on (0 to 100, words sorted) two texts are one text.
COPY_RATIO = 82.0
#: So many words make the ratio mean something.
COPY_WORDS_MIN = 8
#: The part of a text that is compared.
COMPARED_CHARS = 2_000
#: Translations follow the original soon.
TWINS_WITHIN = timedelta(days=3)
#: French takes more room than English: the longer text may be so much longer.
TWIN_LENGTH_RATIO = 1.6
#: What share of their numbers and names two translations have in common, and how many at least; where one house
#: publishes both, less shows it.
TWIN_SHARE, TWIN_SHARE_IN_FAMILY = 0.60, 0.34
TWIN_FACTS, TWIN_FACTS_IN_FAMILY = 3, 2

_NUMBER = re.compile(r"\d+(?:[.,\u00a0 ]\d{3})*")
_NAME = re.compile(r"(?<=[\s«“\"(’'])[A-Z\u00c0-\u00de][\w-]{2,}")
_SENTENCE_END = re.compile(r"[.!?…](?=\s|\Z)")


@dataclass(frozen=True)
class Wording:
    """The text of an article as it is compared, and who published it when."""

    source: str
    language: str
    at: datetime
    title: str
    text: str


def is_copy(one: Wording, other: Wording) -> bool:
    """Tell whether two articles in one language have nearly the same text."""
    if one.language != other.language:
        return False
    texts = [_compared(wording) for wording in (one, other)]
    if min(len(text.split()) for text in texts) < COPY_WORDS_MIN:
        return False
    return fuzz.token_sort_ratio(*texts, score_cutoff=COPY_RATIO) > 0


def is_twin(one: Wording, other: Wording) -> bool:
    """Tell whether two articles in two languages are one text: as many sentences, and the same numbers and names."""
    if one.language == other.language or abs(one.at - other.at) > TWINS_WITHIN:
        return False
    lengths = sorted(len(wording.text) for wording in (one, other))
    sentences = [len(_SENTENCE_END.findall(wording.text[:COMPARED_CHARS])) for wording in (one, other)]
    if lengths[1] > lengths[0] * TWIN_LENGTH_RATIO or abs(sentences[0] - sentences[1]) > max(sentences) // 5:
        return False
    facts, others = _facts(one), _facts(other)
    is_one_house = one.source == other.source
    share, number = (TWIN_SHARE_IN_FAMILY, TWIN_FACTS_IN_FAMILY) if is_one_house else (TWIN_SHARE, TWIN_FACTS)
    return len(facts & others) >= max(number, share * min(len(facts), len(others)))


def _compared(wording: Wording) -> str:
    return fold(f"{wording.title} {wording.text}"[:COMPARED_CHARS])


def _facts(wording: Wording) -> frozenset[str]:
    """Return the numbers and names of a text; names by their beginnings, as languages end them differently."""
    text = f"{wording.title}\n {wording.text}"[:COMPARED_CHARS]
    numbers = {re.sub(r"\D", "", number) for number in _NUMBER.findall(text)}
    return frozenset(numbers | {fold(name)[:4] for name in _NAME.findall(text)})
