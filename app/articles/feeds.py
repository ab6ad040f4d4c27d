"""Reads feeds: RSS, Atom and JSON Feed bytes in, a `Feed` of clean text out. Fetches nothing and stores nothing.

Hostile input can still cost a parser much time; `apart.Parsers` runs this where it can be stopped.
"""

import calendar
import io
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import feedparser
from feedparser.encodings import convert_to_utf8

from app.articles.clean import html_to_text, one_line, plain, title_line, without_entities
from app.articles.dates import read_date, read_iso_date
from app.articles.entries import ENTRIES_MAX, Entry, Feed, make_entry
from app.articles.jsonfeed import parse_json_feed
from app.articles.prolog import refuse_depth, without_prolog
from app.articles.urls import web_link
from app.errors import FetchRefused

FEED_MAX_BYTES = 5_000_000
_BOM_AND_BLANKS = b"\xef\xbb\xbf \t\r\n"
_DECLARATION = b"<?xml version='1.0' encoding='utf-8'?>\n"
# XML forbids these, feeds hold them all the same; the strict parser would stop there.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# The library knows them without their semicolon, too.
_NUMBERED = re.compile(r"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?")
_HALVES = re.compile("[\ud800-\udfff]")
_NAMED_ADDRESS = re.compile(r"\S+@\S+\s*\(([^()]+)\)\s*")
# Atom's type is often forgotten, and text is its default.
_HTML_ALL_THE_SAME = re.compile(
    r"</(?:p|a|div|span|b|i|em|strong|pre|ul|blockquote)>|<(?:p|br|img)\b[^<>]*>", re.IGNORECASE
)
# Prose may speak of a paragraph's tag; where it is one from its first to its last letter, it is markup.
_ESCAPED_TWICE = re.compile(r"<(p|div)\b[^<>]*>.*</\1>\Z", re.IGNORECASE | re.DOTALL)


def parse_feed(body: bytes, url: str = "", *, content_type: str = "") -> Feed:
    """Return the feed in `body`; `url` is where it came from, for relative links, `content_type` its HTTP header.

    Raises FetchRefused, saying why, for what is no feed, is too large or too deep, or declares entities.
    """
    if not body.strip():
        raise FetchRefused("the feed is empty")
    if len(body) > FEED_MAX_BYTES:
        raise FetchRefused(f"the feed is larger than {FEED_MAX_BYTES // 1_000_000} MB")
    if body.lstrip(_BOM_AND_BLANKS).startswith(b"{"):
        return parse_json_feed(body.decode("utf-8-sig", "replace"), url)
    return _parse_xml(without_prolog(_decode(body, content_type)), url)


def _decode(body: bytes, content_type: str) -> str:
    """Return the text of `body`. Bytes that are good UTF-8 beyond ASCII are UTF-8, whatever a header says of them."""
    try:
        if not body.isascii():
            return _ILLEGAL.sub("", body.removeprefix(b"\xef\xbb\xbf").decode("utf-8"))
    except UnicodeDecodeError:
        pass
    for headers in ({"content-type": content_type} if content_type else {}, {}):
        with suppress(UnicodeError):  # from Python's codec that is called "undefined", as scripts call what they forgot
            return _ILLEGAL.sub("", convert_to_utf8(headers, body, {}).decode("utf-8", "replace"))
    return _ILLEGAL.sub("", body.decode("utf-8", "replace"))


def _parse_xml(xml: str, url: str) -> Feed:
    refuse_depth(xml)
    xml = _with_legal_references(xml)
    parsed = feedparser.parse(
        io.BytesIO(_DECLARATION + xml.encode("utf-8", "replace")),
        response_headers={"content-location": url},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not parsed.version and not parsed.entries:
        raise FetchRefused(_what_it_is(xml))
    feed = dict(parsed.feed)
    return Feed(
        title=title_line(_text(feed, "title")),
        language=one_line(str(feed.get("language") or ""), 20) or None,
        entries=tuple(_entry(dict(entry), url) for entry in parsed.entries[:ENTRIES_MAX]),
    )


def _with_legal_references(xml: str) -> str:
    """Return XML whose numbered references are to characters that there are.

    Some software writes an emoji as two halves of UTF-16, each a reference of its own, and the library ends at one.
    """
    xml = _NUMBERED.sub(_legal, xml)
    if not _HALVES.search(xml):
        return xml
    return xml.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def _legal(reference: re.Match[str]) -> str:
    """Return a reference itself, a half of a character, or nothing where XML knows no such character (§2.2)."""
    digits, base = (reference[1], 16) if reference[1] else (reference[2], 10)
    number = int(digits, base) if len(digits.lstrip("0")) <= 7 else -1
    if 0xD800 <= number <= 0xDFFF:
        return chr(number)
    is_legal = number in {9, 10, 13} or 0x20 <= number <= 0xFFFD or 0x10000 <= number <= 0x10FFFF
    return reference[0] if is_legal else ""


def _entry(raw: Mapping[str, object], url: str) -> Entry:
    contents = [_prose(_reduced(part)) for part in _mappings(raw.get("content"))]
    body = max(contents, key=len, default="")
    # Where an entry has no summary, the library puts the markup of its content there.
    summary = "" if contents and "summary_detail" not in raw else _prose(_text(raw, "summary"))
    return make_entry(
        guid=str(raw.get("id") or ""),
        link=web_link(str(raw.get("link") or ""), base=url),
        title=_text(raw, "title"),
        summary=summary or body,
        body=body or summary,
        published_at=_date(raw),
        image_url=_image(raw, url),
        authors=_authors(raw),
    )


def _authors(raw: Mapping[str, object]) -> list[str]:
    """Return names; RSS asks for an address with the name behind it, which the library tells apart for some domains."""
    named = _NAMED_ADDRESS.fullmatch(str(raw.get("author") or ""))
    return [named[1]] if named else [str(part.get("name") or "") for part in _mappings(raw.get("authors"))]


def _text(raw: Mapping[str, object], name: str) -> str:
    """Return the text of an element that feedparser keeps with its type beside it, unless the XML is broken."""
    detail = raw.get(f"{name}_detail")
    return _reduced(detail if isinstance(detail, Mapping) else {"value": raw.get(name)})


def _reduced(detail: Mapping[str, object]) -> str:
    value = str(detail.get("value") or "")
    is_plain = detail.get("type") == "text/plain" and not _HTML_ALL_THE_SAME.search(value)
    return plain(without_entities(value)) if is_plain else html_to_text(value)


def _prose(text: str) -> str:
    """Return markup that was escaped once too often as the text that it is; a title alone is taken at its word."""
    return html_to_text(text) if _ESCAPED_TWICE.match(text) else text


def _date(raw: Mapping[str, object]) -> datetime | None:
    """Return when an entry was published, else changed; what is no day of any calendar counts as missing."""
    element = raw.get("time")  # HTML's, unescaped inside the feed's own
    if isinstance(element, Mapping):
        with suppress(ValueError, OverflowError):
            return read_iso_date(str(element.get("datetime")))
    for name in ("published", "updated", "created"):
        with suppress(ValueError, OverflowError, OSError):
            if moment := read_date(str(raw.get(name) or "")):
                return moment
            if isinstance(parsed := raw.get(f"{name}_parsed"), tuple):
                return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    return None


def _image(raw: Mapping[str, object], url: str) -> str | None:
    """Return the entry's picture: https only, because letters show no other."""
    candidates = [
        *_mappings(raw.get("media_thumbnail")),
        *(part for part in _mappings(raw.get("media_content")) if _is_image(part)),
        *(part for part in _mappings(raw.get("links")) if part.get("rel") == "enclosure" and _is_image(part)),
    ]
    links = (web_link(str(part.get("url") or part.get("href") or ""), base=url) for part in candidates)
    return next((link for link in links if link and link.startswith("https:")), None)


def _is_image(part: Mapping[str, object]) -> bool:
    return part.get("medium") == "image" or str(part.get("type") or "").startswith("image/")


def _mappings(value: object) -> list[Mapping[str, object]]:
    return [dict(part) for part in value if isinstance(part, Mapping)] if isinstance(value, Sequence) else []


def _what_it_is(xml: str) -> str:
    if re.match(r"<(?:html|head|body|title|meta)\b", xml, re.IGNORECASE):
        return "this is a web page, not a feed"
    return "this is not an RSS, Atom or JSON feed"
