"""Takes the article out of a web page: its text, and what the page says about it. Reads markup, fetches nothing.

Hostile markup can cost much time; `apart.Parsers` runs this where it can be stopped.
"""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from datetime import UTC, datetime

import trafilatura
from trafilatura.settings import Document

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
_LANGUAGE = re.compile(rb"<html\b[^<>]*\blang\s*=\s*[\"']?([a-z]{2}(?:-tw)?)", re.IGNORECASE)
#: What a page is in that does not say so (HTML Standard, "determining the character encoding"); Windows-1252 elsewhere.
_BY_LANGUAGE = {
    "ar": "cp1256", "az": "cp1254", "ba": "cp1251", "be": "cp1251", "bg": "cp1251", "cs": "cp1250", "el": "iso8859-7",
    "et": "cp1257", "fa": "cp1256", "he": "cp1255", "hr": "cp1250", "hu": "iso8859-2", "ja": "cp932", "kk": "cp1251",
    "ko": "cp949", "ku": "cp1254", "ky": "cp1251", "lt": "cp1257", "lv": "cp1257", "mk": "cp1251", "pl": "iso8859-2",
    "ru": "cp1251", "sk": "cp1250", "sl": "iso8859-2", "sr": "cp1251", "tg": "cp1251", "th": "cp874", "tr": "cp1254",
    "tt": "cp1251", "uk": "cp1251", "vi": "cp1258", "zh": "gb18030", "zh-tw": "big5hkscs",
}  # fmt: skip
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
    """Return the text of a page: good UTF-8 is that, then its header counts, then its own word, then its language."""
    try:
        return body.decode("utf-16" if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError:
        pass
    for said in (_CHARSET.search(content_type.encode("latin-1", "ignore")), _CHARSET.search(body[:_PRESCAN_BYTES])):
        try:
            # Windows' table is what pages mean that say Latin-1 (WHATWG Encoding Standard).
            name = said[1].decode().lower() if said else "utf-8"
            return body.decode("cp1252" if name in {"iso-8859-1", "latin-1", "latin1", "us-ascii"} else name)
        except (LookupError, UnicodeError):  # a bare one from Python's codec that is called "undefined"
            continue
    return _undeclared(body)


def _undeclared(body: bytes) -> str:
    """Return a page that does not say its encoding, or says a wrong one: UTF-8 that is broken in places, or another."""
    text = body.decode("utf-8", "replace")
    if 2 * text.count("\ufffd") < sum(not letter.isascii() for letter in text):
        return text
    said = _LANGUAGE.search(body[:_PRESCAN_BYTES])
    return body.decode(_BY_LANGUAGE.get(said[1].decode().lower() if said else "", "cp1252"), "replace")


def _tag(language: str | None) -> str | None:
    tag = one_line(language or "", 20).replace("_", "-").partition("-")[0].lower()
    return tag if tag.isascii() and tag.isalpha() and len(tag) == 2 else None


def _date(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
