"""What a text speaks of: places and actors, wherever they stand in it. Weighs nothing.

An entity's key is the same in both languages, so that a French and an English article about one event share theirs.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

from app.topics.matching import Matcher
from app.topics.words import words_of


@dataclass(frozen=True)
class Mention:
    """An entity ("place:IL", "region:sahel", "actor:nso-group"): how often it is named, and whether in the title.

    `words` are those that name it, folded; `weight` is that of the surest of them, from 0 to 1: a city tells
    less of its country than its name does, but an actor's name all of the actor.
    """

    key: str
    times: int
    is_in_title: bool
    words: frozenset[str] = frozenset()
    weight: float = 1.0


def mentions(matcher: Matcher, *, title: str, text: str) -> tuple[Mention, ...]:
    """Return what `matcher` finds in an article (`Taxonomy.place_matcher` finds entities), the most often named first.

    An actor is one beside its country. A word that may mean something else (Georgia, Jordan) is left out.
    """
    in_title, in_all, words = Counter[str](), Counter[str](), defaultdict[str, set[str]](set)
    weights = defaultdict[str, float](float)
    for part, is_title in ((title, True), (text, False)):
        for hit in matcher.find(words_of(part)):
            target = hit.target
            if target.key is not None and not target.term.is_unsure:
                keys = {target.actor or target.key} | ({target.key} if target.term.weight else set())
                in_all.update(keys)
                for key in keys:
                    words[key].update(words_of(hit.written).folded)
                    weights[key] = max(weights[key], 1.0 if key == target.actor else min(target.term.weight, 1.0))
                if is_title:
                    in_title.update(keys)
    ordered = sorted(in_all.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(Mention(key, times, key in in_title, frozenset(words[key]), weights[key]) for key, times in ordered)
