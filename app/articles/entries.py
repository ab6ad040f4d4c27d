"""A feed as clean text: what every feed format is reduced to. Knows no format."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.articles.clean import one_line, title_line
from app.articles.invitations import without_invitation
from app.articles.language import detect_language
from app.articles.prose import summarise

#: A feed's newest entries stand first; what follows these is its archive.
ENTRIES_MAX = 1_000
BODY_MAX_CHARS = 200_000
TITLE_FROM_TEXT_MAX_CHARS = 90
AUTHORS_MAX_CHARS = 300

# What blogs append to each entry, whatever the feed's own text is.
_APPENDED = re.compile(
    r"(?:\n|(?<=[.!?…»”)\]]) )(?:The post .{1,400} (?:appeared first on|first appeared on) .{1,200}"
    r"|(?:L[’']article|Cet article|Le billet) .{1,400} est apparu en premier sur .{1,200})\Z"
)
_ADDRESS = re.compile(r"@|://|www\.")
_CONTINUES = re.compile(
    r"\s*(?:\[(?:…|\.{3})\]"
    r"|\(?(?:read more|continue reading|read the (?:full|rest)|lire la suite|en savoir plus)\b.{0,80})\W*\Z",
    re.IGNORECASE,
)


#: What software puts in the place of a summary that there is none of.
_NO_SUMMARY = re.compile(
    r"\W*(?:no (?:summary|description|excerpt|content)(?: (?:is )?(?:available|provided))?|introduction|n/a"
    r"|(?:aucun|pas de) (?:résumé|extrait|contenu|descriptif)(?: disponible)?"
    r"|(?:résumé|contenu) (?:non |in)disponible)?\W*",
    re.IGNORECASE,
)
_TITLE_ADDRESS = re.compile(r"[ :,–—-]+https?://\S+\Z")
#: A day of the week and of a month in brackets, as some feeds date the title itself.
_TITLE_DATE = re.compile(
    r",? *\((?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? [a-z]{3,9}\.? \d{1,2}(?:st|nd|rd|th)?\)\Z", re.IGNORECASE
)


@dataclass(frozen=True)
class Entry:
    """One entry as text: `title` and `summary` on one line, `body` in paragraphs; `guid` is the feed's name for it.

    `authors` are names with commas between; `language` is what the text itself is in, where that is certain.
    """

    guid: str | None
    link: str | None
    title: str
    summary: str
    body: str
    published_at: datetime | None = None
    image_url: str | None = None
    authors: str = ""
    language: str | None = None


@dataclass(frozen=True)
class Feed:
    """A feed; `language` is the tag it gives itself, as "fr-FR"."""

    title: str
    language: str | None
    entries: tuple[Entry, ...]


def make_entry(
    *, guid: str | None, link: str | None, title: str, summary: str, body: str,
    published_at: datetime | None, image_url: str | None, authors: Iterable[str] = (),
) -> Entry:  # fmt: skip
    """Return an entry from clean texts, filling a missing title, summary or body from the others."""
    body = _prose(body)[:BODY_MAX_CHARS]
    summary = summarise(_prose(summary) or body)
    title = _named(title_line(title)) or one_line(summary, TITLE_FROM_TEXT_MAX_CHARS) or link or "…"
    guid = one_line(guid, 4_000) if guid else None
    body, language = body or summary, detect_language(f"{title}\n{body or summary}")
    return Entry(
        guid or None, link, one_line(title), summary, body, published_at, image_url, author_line(authors), language
    )


def _prose(text: str) -> str:
    text = without_invitation(_without_appendix(text))
    return "" if _NO_SUMMARY.fullmatch(text) else text


def _named(title: str) -> str:
    """Return a title without the date in brackets and the address at its end, which its feed tells elsewhere."""
    return _TITLE_ADDRESS.sub("", _TITLE_DATE.sub("", title)) or title


def author_line(names: Iterable[str]) -> str:
    """Return names as one line with commas between, each once; what holds an address of mail or the web is none."""
    lines = (one_line(name, 100).removeprefix("By ").removeprefix("Par ").strip(" ,;") for name in names)
    return one_line(
        ", ".join(dict.fromkeys(line for line in lines if line and not _ADDRESS.search(line))), AUTHORS_MAX_CHARS
    )


def _without_appendix(text: str) -> str:
    head, tail = text[:-1_500], text[-1_500:]
    tail = _APPENDED.sub("", tail)
    begun = _CONTINUES.sub("", tail)
    is_broken_off = begun != tail and not begun.endswith((".", "!", "?", "…", "»"))
    return (head + begun).strip() + ("…" if is_broken_off else "")
