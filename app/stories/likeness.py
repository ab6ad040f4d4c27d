"""How like two articles are, from what they can be recognised by; and when they tell of the same event. Pure.

An article is a vector of unit length over its keys, each weighing more the rarer it is; likeness is the cosine of two.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from app.stories.keys import flaws_of, fold, is_meaning, serial_form

#: How much more a rare key counts than a common one.
RARITY_POWER = 1.5
#: A young newsroom's counts say little: keys count as if there were at least so many articles.
ARTICLES_MIN = 1_000
#: From this likeness on two articles tell of one event. The same newsroom words two events alike, and seldom tells of
#: one twice; two languages share fewer words.
SAME_EVENT = 0.20
SAME_EVENT_IN_ONE_SOURCE = 0.28
SAME_EVENT_ACROSS_LANGUAGES = 0.16

Vector = Mapping[str, float]


@dataclass(frozen=True)
class Trace:
    """What grouping keeps of an article; `source` is its source family, `vector` has unit length."""

    article_id: int
    source: str
    language: str
    at: datetime
    title: str
    vector: Vector

    @cached_property
    def length_in_words(self) -> float:
        """How long the part is that counts within a language: words as they stand, not what they mean."""
        return math.sqrt(sum(weight * weight for key, weight in self.vector.items() if not is_meaning(key)))


def vector_of(keys: Mapping[str, float], *, counts: Mapping[str, int], articles: int) -> Vector:
    """Return the vector of an article; `counts` tells in how many of all `articles` a key stands."""
    all_articles = max(articles, ARTICLES_MIN)
    weights = {
        key: weight * math.log(1 + all_articles / (counts.get(key, 0) + 1)) ** RARITY_POWER
        for key, weight in keys.items()
    }
    length = math.sqrt(sum(weight * weight for weight in weights.values()))
    return {key: weight / length for key, weight in weights.items()} if length else {}


def likeness(one: Vector, other: Vector) -> float:
    """Return the cosine of two vectors: 0 where they share no key, 1 where they are equal."""
    return sum(one[key] * other[key] for key in one.keys() & other.keys())


def likeness_in_words(one: Trace, other: Trace) -> float:
    """Return the cosine of what two articles in one language have, but for what their words mean."""
    both = one.vector.keys() & other.vector.keys()
    product = sum(one.vector[key] * other.vector[key] for key in both if not is_meaning(key))
    return product / (one.length_in_words * other.length_in_words) if product else 0.0


def sameness(one: Trace, other: Trace) -> float:
    """Return how sure it is that two articles tell of the same event: 1 and more means that they do."""
    if _is_next_of_series(one, other):
        return 0.0
    flaws, others = flaws_of(one.vector), flaws_of(other.vector)
    if flaws and others and not flaws & others:
        return 0.0
    if one.language != other.language:
        return likeness(one.vector, other.vector) / SAME_EVENT_ACROSS_LANGUAGES
    needed = SAME_EVENT_IN_ONE_SOURCE if one.source == other.source else SAME_EVENT
    return likeness_in_words(one, other) / needed


def belonging(article: Trace, members: Iterable[Trace]) -> float:
    """Return how sure it is that an article belongs to the story of `members`: 1 and more means that it does.

    Halfway between its likest member and all of them, so that a story does not creep from one event to the next.
    """
    scores = [sameness(article, member) for member in members]
    return (max(scores) + sum(scores) / len(scores)) / 2 if scores else 0.0


def _is_next_of_series(one: Trace, other: Trace) -> bool:
    """Tell whether the titles differ in numbers and dates alone: a podcast's next day, a bulletin's next number."""
    if one.source != other.source or fold(one.title) == fold(other.title):
        return False
    return serial_form(one.title) == serial_form(other.title)
