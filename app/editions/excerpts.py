"""Cutting texts of others to the measure of a letter."""

import re

#: As browsers read one: with any number of slashes, and a user name that only looks like a host.
_ADDRESS = re.compile(r"https?:[/\\]{2,}(?:[^\s/\\<>\"@]*@)*([^\s/\\<>\"@]+)[^\s<>\"]*", re.IGNORECASE)


def shorten(text: str, length: int) -> str:
    """Return `text` cut at a word to at most `length` characters, the ellipsis included; no-break spaces are kept."""
    if len(text) <= length:
        return text
    head = text[: max(length - 1, 0)]
    at_word = (head.rpartition(" ")[0] or head).rstrip(" ,;:.\u00a0–—-")
    return at_word + "…" if at_word else ""


def without_addresses(text: str) -> str:
    """Return `text` with bare addresses cut to their host: mail clients make links of them in one part only."""
    return _ADDRESS.sub(lambda found: found[1].removeprefix("www."), text)


def beyond_title(summary: str, title: str) -> str:
    """Return `summary`, or nothing where it is the title once more or its beginning."""
    return "" if _bare(title).startswith(_bare(summary)) else summary


def _bare(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(" .…!")
