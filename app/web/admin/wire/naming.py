"""Topics by their names, as editors type them."""

from app.topics.taxonomy import Taxonomy
from app.topics.words import words_of


def topic_named(taxonomy: Taxonomy, text: str) -> str:
    """Return the key of the topic that `text` names, in any language, accents and capitals aside; else `text`."""
    if text in taxonomy.topics:
        return text
    asked = words_of(text[:200]).folded
    named = (key for key, topic in taxonomy.topics.items() for label in topic.labels.values() if _is(label, asked))
    return next(named, text)


def _is(label: str, asked: list[str]) -> bool:
    return bool(asked) and words_of(label).folded == asked
