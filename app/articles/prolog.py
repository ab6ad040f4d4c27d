"""What is looked at in XML before a parser may have it: no document type's declarations, no depth."""

import re

from app.articles.clean import open_depth
from app.errors import FetchRefused

XML_MAX_DEPTH = 256

# Each alternative is linear: what is left open runs to the end, and a group that has matched is never tried again.
_PROLOG = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<\?.*?(?:\?>|\Z)"
    r"|<!DOCTYPE(?:[^<>\"'\[]++|\"[^\"]*\"|'[^']*')*+(?P<subset>\[?)"
    r"|(?P<declaration><!(?:ENTITY|ELEMENT|ATTLIST|NOTATION))"
    r"|(?P<root><(?=[^\W\d]|:))",
    re.DOTALL | re.IGNORECASE,
)
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)|<(/?)([^\W\d][^\s/<>]*)([^<>]*)", re.DOTALL
)


def without_prolog(xml: str) -> str:
    """Return `xml` from its root element on.

    A document type that only names an outside DTD, as RSS 0.91 asked for, is dropped unread: nothing is fetched for it.
    Raises FetchRefused for one with declarations of its own (entities above all), and where there is no element.
    """
    for token in _PROLOG.finditer(xml):
        if token["subset"] or token["declaration"]:
            raise FetchRefused("the feed declares entities or a document type of its own, which are not accepted")
        if token["root"]:
            return xml[token.start() :]
    raise FetchRefused("this is not a feed: it holds no XML and no JSON")


def refuse_depth(xml: str) -> None:
    """Raise FetchRefused if elements nest deeper than any feed does; CDATA, where HTML stands, does not count."""
    tags = (
        (bool(tag[1]), tag[2]) for tag in _MARKUP.finditer(xml) if tag[2] and not (tag[3] or "").rstrip().endswith("/")
    )
    if open_depth(tags) > XML_MAX_DEPTH:
        raise FetchRefused(f"the feed nests elements deeper than {XML_MAX_DEPTH}")
