"""Takes the article out of a web page: its text, and what the page says about it. Reads markup, fetches nothing.

Hostile markup can cost much time; `apart.Parsers` runs this where it can be stopped.
"""

import re
from datetime import UTC, datetime

import trafilatura
from trafilatura.settings import Document
from trafilatura.utils import decode_file

from app.articles.asides import without_asides
from app.articles.clean import html_depth, one_line, plain, title_line
from app.articles.entries import author_line
from app.articles.language import detect_language
from app.articles.urls import web_link
from app.articles.web_page import WebPage
from app.errors import FetchRefused

PAGE_MAX_BYTES = 5_000_000
#: Counted by tags, of which pages leave many open that their parser closes; what really is deep it cuts off itself.
PAGE_MAX_DEPTH = 2_000
#: Prose, after all markup is gone.
TEXT_MAX_CHARS = 200_000
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]+)", re.IGNORECASE)
#: How far into a page its own word on its encoding may stand (HTML Standard, "prescan a byte stream").
_PRESCAN_BYTES = 4_096


def parse_page(body: bytes, url: str = "", *, content_type: str = "") -> WebPage:
    """Return the article of a page; `url` is where it came from, `content_type` its HTTP header.

    The text is empty where the page holds none. Raises FetchRefused for what is too large or too deep.
    """
    if len(body) > PAGE_MAX_BYTES:
        raise FetchRefused(f"the page is larger than {PAGE_MAX_BYTES // 1_000_000} MB")
    markup = decode_page(body, content_type)
    if html_depth(markup) > PAGE_MAX_DEPTH:
        raise FetchRefused(f"the page nests elements deeper than {PAGE_MAX_DEPTH}")
    page = trafilatura.bare_extraction(markup, url=url or None, include_comments=False, with_metadata=True)
    if not isinstance(page, Document):
        return WebPage("", "")
    text = without_asides(plain("\n\n".join((page.text or "").split("\n")))[:TEXT_MAX_CHARS])
    image = web_link(page.image or "", base=url) or ""
    return WebPage(
        title=title_line(page.title or ""),
        text=text,
        authors=author_line((page.author or "").split(";")),
        language=detect_language(f"{page.title or ''}\n{text}") or _tag(page.language),
        published_at=_date(page.date),
        link=web_link(page.url or "", base=url),
        image_url=image if image.startswith("https:") else None,
    )


def decode_page(body: bytes, content_type: str = "") -> str:
    """Return the text of a page: good UTF-8 is that, then its header counts, then its own word, then a guess."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    for said in (_CHARSET.search(content_type.encode("latin-1", "ignore")), _CHARSET.search(body[:_PRESCAN_BYTES])):
        try:
            # Windows' table is what pages mean that say Latin-1 (WHATWG Encoding Standard).
            name = said[1].decode().lower() if said else "utf-8"
            return body.decode("cp1252" if name in {"iso-8859-1", "latin-1", "latin1", "us-ascii"} else name)
        except (LookupError, UnicodeDecodeError):
            continue
    return str(decode_file(body))


def _tag(language: str | None) -> str | None:
    tag = one_line(language or "", 20).replace("_", "-").partition("-")[0].lower()
    return tag if tag.isascii() and tag.isalpha() and len(tag) == 2 else None


def _date(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
