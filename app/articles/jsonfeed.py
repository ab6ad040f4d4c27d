"""Reads JSON Feed (https://jsonfeed.org/version/1.1), which the XML library does not."""

import json
from collections.abc import Mapping
from datetime import datetime

from app.articles.clean import html_to_text, one_line, plain, title_line, without_entities
from app.articles.dates import read_iso_date
from app.articles.entries import ENTRIES_MAX, Entry, Feed, make_entry
from app.articles.urls import web_link
from app.errors import FetchRefused


def parse_json_feed(text: str, url: str) -> Feed:
    """Return the feed in `text`; `url` is where it came from. Raises FetchRefused if it is no JSON Feed."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FetchRefused(f"the feed is not valid JSON: {error}") from error
    items = document.get("items")
    if "jsonfeed.org" not in str(document.get("version")) or not isinstance(items, list):
        raise FetchRefused("this is JSON, but not a JSON Feed")
    return Feed(
        title=title_line(without_entities(_string(document, "title"))),
        language=one_line(_string(document, "language"), 20) or None,
        entries=tuple(_entry(item, url) for item in items[:ENTRIES_MAX] if isinstance(item, Mapping)),
    )


def _entry(item: Mapping[str, object], url: str) -> Entry:
    body = html_to_text(_string(item, "content_html")) or plain(_string(item, "content_text"))
    image = web_link(_string(item, "image") or _string(item, "banner_image"), base=url) or ""
    return make_entry(
        guid=_string(item, "id"),
        link=web_link(_string(item, "url") or _string(item, "external_url"), base=url),
        title=plain(without_entities(_string(item, "title"))),
        summary=plain(without_entities(_string(item, "summary"))) or body,
        body=body,
        published_at=_date(_string(item, "date_published")) or _date(_string(item, "date_modified")),
        image_url=image if image.startswith("https:") else None,
        authors=[_string(part, "name") for part in _authors(item)],
    )


def _authors(item: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Return the authors as version 1.1 lists them, or the one of version 1."""
    listed = item.get("authors")
    return [
        part for part in (listed if isinstance(listed, list) else [item.get("author")]) if isinstance(part, Mapping)
    ]


def _string(mapping: Mapping[str, object], name: str) -> str:
    """Return a member as text; ids are numbers in some feeds, anything else counts as missing."""
    value = mapping.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _date(text: str) -> datetime | None:
    """Return an RFC 3339 time in UTC."""
    try:
        return read_iso_date(text)
    except (ValueError, OverflowError):
        return None
