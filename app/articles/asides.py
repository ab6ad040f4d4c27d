"""Finds what web pages put between an article's paragraphs: pointers to other articles, invitations to subscribe."""

import re

from app.articles.invitations import is_invitation, is_scrap
from app.articles.prose import sentences

#: A pointer is a title behind a few words; a longer paragraph is prose.
POINTER_MAX_WORDS = 35

_POINTER = re.compile(
    r"\W*(?:(?:à )?lire (?:aussi|également|encore)|(?:à )?(?:voir|relire) (?:aussi|également)"
    r"|sur le même (?:sujet|thème)"
    r"|(?:read|see) (?:also|more|next)|also (?:read|see)|more (?:on this|from)|related (?:articles?|stories|content)"
    r"|lea (?:también|más)|lea|lesen sie (?:auch|mehr)|mehr zum thema)\b\s*(?:[:»>|–—-]|$)",
    re.IGNORECASE,
)


def without_asides(text: str) -> str:
    """Return `text` without those of its paragraphs that are no part of it; one of nothing else is returned whole."""
    kept = [paragraph for paragraph in text.split("\n\n") if not _is_aside(paragraph)]
    return "\n\n".join(kept) or text


def _is_aside(paragraph: str) -> bool:
    if _POINTER.match(paragraph):
        return len(paragraph.split()) <= POINTER_MAX_WORDS
    told = [paragraph[start:end].strip() for start, end in sentences(paragraph)]
    return any(map(is_invitation, told)) and all(is_invitation(each) or is_scrap(each) for each in told)
