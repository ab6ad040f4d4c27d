"""What a text speaks of: places and actors, wherever they stand in it. Weighs nothing.

An entity's key is the same in both languages, so that a French and an English article about one event share theirs.
"""

from collections import Counter
from dataclasses import dataclass

from app.topics.taxonomy import Taxonomy
from app.topics.words import words_of


@dataclass(frozen=True)
class Mention:
    """An entity ("place:IL", "region:sahel", "actor:nso-group"), how often it is named, and whether in the title."""

    key: str
    times: int
    is_in_title: bool


def mentions(taxonomy: Taxonomy, *, title: str, text: str, language: str) -> tuple[Mention, ...]:
    """Return the entities named in an article, the most often named first.

    An actor is one beside its country. A word that may mean something else (Georgia, Jordan) is left out.
    """
    matcher = taxonomy.place_matcher(language)
    in_title, in_all = Counter[str](), Counter[str]()
    for part, is_title in ((title, True), (text, False)):
        for hit in matcher.find(words_of(part)):
            target = hit.target
            if target.key is not None and not target.term.is_unsure:
                keys = {target.actor or target.key} | ({target.key} if target.term.weight else set())
                in_all.update(keys)
                if is_title:
                    in_title.update(keys)
    ordered = sorted(in_all.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(Mention(key, times, key in in_title) for key, times in ordered)
