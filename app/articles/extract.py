"""Takes an article out of a file: plain text, Markdown or HTML. Reads bytes, stores nothing."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePath

from markdown_it import MarkdownIt

from app.articles.clean import MARKUP_MAX_CHARS, html_to_text, one_line, plain, title_line
from app.articles.invitations import without_invitation
from app.articles.language import detect_language
from app.articles.prose import summarise
from app.errors import FetchRefused, InputRefused

FILE_MAX_BYTES = 2_000_000
#: Prose, after all markup is gone.
TEXT_MAX_CHARS = 200_000
PAGE_SUFFIXES = frozenset({".html", ".htm", ".xhtml"})
WRAPPED_MIN_CHARS, WRAPPED_MAX_CHARS = 50, 100

# What no text holds; form feeds and escapes from terminals are let through and dropped later.
_BINARY = re.compile(b"[\x00-\x07\x0e-\x1a\x1c-\x1f]")
_HEADING = re.compile(r"\A\s*#[ \t]+(.+?)[ \t]*#*[ \t]*$|\A\s*(\S.*)\n=+[ \t]*$", re.MULTILINE)
# YAML between two lines, as site generators put it above Markdown.
_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\n(?=[\w-]+[ \t]*:|#)((?:[^\n]*\n){0,200}?)(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_TITLE_SAID = re.compile(r"^title[ \t]*:[ \t]*(?![>|&*])([\"']?)(\S.*?)\1[ \t]*$", re.MULTILINE)
_QUOTED = re.compile(r"\\([\"\\])|(?<=')'")


@dataclass(frozen=True)
class Extracted:
    """An article's text as paragraphs, its summary on one line, and what else the file says, each where it does.

    `authors` are names with commas between; `link` is where a page says that it is to be read.
    """

    title: str | None
    text: str
    summary: str
    authors: str = ""
    language: str | None = None
    published_at: datetime | None = None
    link: str | None = None


def extract_file(data: bytes, name: str) -> Extracted:
    """Return the article in `data`, the content of a file called `name`; its suffix says what it holds.

    What a web page puts below an article to win subscribers is left out, in French and English.
    Raises InputRefused, saying why, for a file that is empty, too large, binary, of another kind, or not UTF-8 (a web
    page may be in any encoding).
    """
    suffix = PurePath(name).suffix.lower()
    if suffix in PAGE_SUFFIXES:
        return _from_page(data)
    text = _decode(data)
    match suffix:
        case ".txt" | ".text" | "":
            title, prose = "", _unwrapped(plain(text))
        case ".md" | ".markdown":
            title, prose = _from_markdown(text)
        case other:
            raise InputRefused(f"{other} files are not read: give text (.txt), Markdown (.md) or HTML (.html)")
    extracted = _checked(title, prose)
    return replace(extracted, language=detect_language(extracted.text))


def _checked(title: str, prose: str) -> Extracted:
    title = title_line(title)
    prose = without_invitation(_without_heading(prose, title))
    if not prose:
        raise InputRefused("the file holds no article text")
    if len(prose) > TEXT_MAX_CHARS:
        raise InputRefused(f"the article is longer than {TEXT_MAX_CHARS:,} characters")
    return Extracted(title or None, prose, summarise(prose))


def _from_page(data: bytes) -> Extracted:
    _refuse_size(data)
    # Half a second and seventeen packages, which only this kind of file needs.
    from app.articles.page import parse_page  # noqa: PLC0415

    try:
        page = parse_page(data)
    except FetchRefused as refusal:
        raise InputRefused(str(refusal)) from refusal
    return replace(
        _checked(page.title, page.text),
        authors=page.authors,
        language=page.language,
        published_at=page.published_at,
        link=page.link,
    )


def _refuse_size(data: bytes) -> None:
    if len(data) > FILE_MAX_BYTES:
        raise InputRefused(f"the file is larger than {FILE_MAX_BYTES // 1_000_000} MB")
    if not data.strip():
        raise InputRefused("the file is empty")


def _decode(data: bytes) -> str:
    _refuse_size(data)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputRefused("the file is UTF-16, not UTF-8: save it as UTF-8 and try again")
    if _BINARY.search(data) or data.startswith(b"%PDF-"):
        raise InputRefused("the file is binary, not text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputRefused(f"the file is not UTF-8 (line {line}): save it as UTF-8 and try again") from error


def _from_markdown(text: str) -> tuple[str, str]:
    """Return the first-level heading at the top, else the title of the front matter, and the rest as prose."""
    said, text = _without_front_matter(text.replace("\r\n", "\n"))
    heading = _HEADING.search(text)
    body = text[heading.end() :] if heading else text
    if len(text) > MARKUP_MAX_CHARS // 2:  # markup takes more room than its Markdown
        raise InputRefused(f"the article is longer than {TEXT_MAX_CHARS:,} characters")
    parser = MarkdownIt("commonmark", {"html": False})
    markup = parser.render(body)
    title = html_to_text(parser.renderInline(heading[1] or heading[2])) if heading else plain(said)
    return title, html_to_text(markup)


def _without_front_matter(text: str) -> tuple[str, str]:
    """Return the title that stands there, or nothing, and the text below."""
    front = _FRONT_MATTER.match(text)
    if front is None:
        return "", text
    said = _TITLE_SAID.search(front[1])
    return _QUOTED.sub(r"\1", said[2]) if said else "", text[front.end() :]


def _unwrapped(text: str) -> str:
    """Return `text` with the lines of hard-wrapped paragraphs joined; lists, verse and forms have shorter lines."""
    return "\n\n".join(
        " ".join(lines) if len(lines) > 1 and all(_is_wrapped(line) for line in lines[:-1]) else "\n".join(lines)
        for lines in (paragraph.split("\n") for paragraph in text.split("\n\n"))
    )


def _is_wrapped(line: str) -> bool:
    return WRAPPED_MIN_CHARS <= len(line) <= WRAPPED_MAX_CHARS


def _without_heading(prose: str, title: str) -> str:
    """Return `prose` without a first line that only says the title again."""
    first, _, rest = prose.partition("\n")
    return rest.lstrip("\n") if title and one_line(first).casefold() == title.casefold() else prose
