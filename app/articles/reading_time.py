"""How long an article takes to read, as far as its text is known."""

from math import ceil

#: Words a minute that adults read silently (Brysbaert, 2019: 238 in English; French is read as fast).
WORDS_PER_MINUTE = 238
#: A shorter text, or one that breaks off, is a teaser: it says nothing of the article's length.
TEASER_MAX_WORDS = 120


def is_teaser(text: str) -> bool:
    """Say whether `text` looks like the beginning of an article and not like all of it."""
    return len(text.split()) < TEASER_MAX_WORDS or text.rstrip().endswith(("…", "...", "[…]", "[...]"))


def reading_minutes(text: str) -> int | None:
    """Return the minutes, at least one, that `text` takes to read; None for a teaser."""
    return None if is_teaser(text) else ceil(len(text.split()) / WORDS_PER_MINUTE)
