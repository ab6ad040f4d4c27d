"""Runs the parsers of feeds and pages in children, each document in a fork of its own."""

from collections.abc import Mapping
from datetime import datetime
from types import TracebackType

from app.apart.children import Children, Document
from app.articles.entries import Entry, Feed
from app.articles.web_page import WebPage
from app.errors import FetchRefused

PARSE_MAX_S = 20.0


class Parsers:
    """A few children that parse what they are given. They start when they are first needed and end with the block."""

    def __init__(self, *, max_s: float = PARSE_MAX_S) -> None:
        self._max_s = max_s
        self._children = Children("app.articles.parsing")

    def __enter__(self) -> "Parsers":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._children.end()

    def feed(self, body: bytes, url: str = "", *, content_type: str = "") -> Feed:
        """Return what `parse_feed` does. Raises FetchRefused also when it takes too long or breaks."""
        return _feed(self._read("feed", body, {"url": url, "content_type": content_type}))

    def page(self, body: bytes, url: str = "", *, content_type: str = "") -> WebPage:
        """Return what `parse_page` does. Raises FetchRefused also when it takes too long or breaks."""
        document = self._read("page", body, {"url": url, "content_type": content_type})
        published = document.pop("published_at")
        return WebPage(**document, published_at=_time(str(published or "")))  # type: ignore[arg-type]

    def _read(self, kind: str, body: bytes, options: Mapping[str, object]) -> Document:
        answer = self._children.ask(kind, body, options, max_s=self._max_s)
        if answer.get("stopped") == "time":
            raise FetchRefused(f"the {kind} takes longer than {self._max_s:g} s to read")
        if "stopped" in answer:
            raise FetchRefused(f"the {kind} could not be read: its parser ran out of memory or broke")
        if "refused" in answer:
            raise FetchRefused(str(answer["refused"]))
        return answer


def _feed(document: Document) -> Feed:
    entries = document.pop("entries")
    assert isinstance(entries, list)
    return Feed(**document, entries=tuple(_entry(raw) for raw in entries))  # type: ignore[arg-type]


def _entry(raw: dict[str, str | None]) -> Entry:
    return Entry(**raw | {"published_at": _time(raw["published_at"])})  # type: ignore[arg-type]


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
