"""The two parts of a letter from its templates: MJML to HTML, and plain text. Knows no table and sends nothing.

The converter is native code with two habits of its own: it passes unknown tags in silence, and deep nesting kills the
process. So tag names, size and depth are checked on our side, before it runs and after.
"""

import re
import textwrap

import mrml

from app import templating
from app.errors import LetterUnsettable

#: Wider than this, some clients fold plain text themselves, and badly (RFC 3676 §3.4 advises 78 at most).
TEXT_WIDTH = 72
MAX_SOURCE_BYTES = 512 * 1024
MAX_DEPTH = 64

#: MJML tags that our templates use; a misspelt one would vanish without a word.
MJML_TAGS = frozenset(
    {"mjml", "mj-head", "mj-title", "mj-preview", "mj-raw", "mj-attributes", "mj-all", "mj-class", "mj-style",
     "mj-body", "mj-wrapper", "mj-section", "mj-column", "mj-text", "mj-divider", "mj-button", "mj-spacer"}
)  # fmt: skip
#: What mail clients drop, block, or take for an attack.
FORBIDDEN_TAGS = frozenset(
    {"script", "form", "input", "iframe", "object", "embed", "video", "audio", "svg", "link", "base", "img"}
)
VOID_TAGS = frozenset({"br", "hr", "meta", "img", "input", "link", "base", "embed"})

_TAG = re.compile(r"<(/?)([A-Za-z][\w:-]*)[^>]*?(/?)>")
_OPENING = re.compile(r"<([A-Za-z][\w:-]*)")
_HTML_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_FONTS_OF_NO_HOST = mrml.RenderOptions(fonts={})


def render_mjml(template: str, language: str, **context: object) -> str:
    """Return the HTML part of a letter from an MJML `template` below `templates/`.

    Raises InputRefused when the content is too large or too deep to convert, or lacks what the law wants printed;
    ValueError when the template itself is at fault.
    """
    source = templating.render(template, language, required=required, **context)
    check_source(source)
    html = to_html(source)
    _refuse_foreign_tags(html, template)
    return html


def check_source(source: str, tags: frozenset[str] = MJML_TAGS) -> None:
    """Refuse what would hurt the native parser, in one cheap pass; `tags` are the typesetter's that may be used.

    Raises InputRefused for what is too large or too deep, ValueError for what is no MJML.
    """
    if len(source.encode()) > MAX_SOURCE_BYTES:
        raise LetterUnsettable("long", "the letter is too long to be typeset")
    depth = 0
    for closing, name, empty in _TAG.findall(_HTML_COMMENT.sub("", source)):
        if name.startswith("mj") and name not in tags:
            raise ValueError(f"unknown MJML tag <{name}>")
        if empty or name in VOID_TAGS:
            continue
        depth += -1 if closing else 1
        if depth > MAX_DEPTH:
            raise LetterUnsettable("deep", "the letter nests too deeply to be typeset")
    if depth:
        raise ValueError("the letter's tags do not balance")


def to_html(source: str) -> str:
    """Return the HTML of MJML whose tags, size and depth were checked. Raises ValueError, or OSError, where it is none.

    No font is fetched from anywhere.
    """
    output = mrml.to_html(source, render_options=_FONTS_OF_NO_HOST)
    if output.warnings:
        raise ValueError(f"not as MJML has it: {[warning.kind for warning in output.warnings]}")
    return str(output.content)


def render_text(template: str, language: str, **context: object) -> str:
    """Return the plain text part of a letter from a `.txt` template, wrapped, with at most one blank line in a row.

    Raises InputRefused when it lacks what the law wants printed.
    """
    text = wrap_text(templating.render(template, language, required=required, **context))
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


def wrap_text(text: str, width: int = TEXT_WIDTH) -> str:
    """Return `text` with its lines folded at `width` columns.

    A word is never cut, so a URL stays whole; only plain spaces are break points, so French no-break spaces hold.
    """
    return "\n".join(_wrap_line(line.rstrip(" "), width) for line in text.split("\n"))


def required(value: str) -> str:
    """Return `value`, which no letter may go without. Raises InputRefused when blank (CAN-SPAM, LCEN art. 1-1)."""
    if not value.strip():
        message = "a letter must name its publisher and postal address: complete the settings"
        raise LetterUnsettable("publisher", message)
    return value


def _wrap_line(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip(" ")))
    lines = textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, expand_tabs=False
    )
    return "\n".join(lines)


def _refuse_foreign_tags(html: str, template: str) -> None:
    """Raise ValueError for tags that have no place in a letter; what comments hold is old Outlook's own."""
    tags = {name.lower() for name in _OPENING.findall(_HTML_COMMENT.sub("", html))}
    foreign = sorted(tag for tag in tags if tag in FORBIDDEN_TAGS or tag.startswith("mj-"))
    if foreign:
        raise ValueError(f"{template}: <{foreign[0]}> may not stand in a letter")
