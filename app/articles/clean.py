"""Text from outside made fit to print: normalised characters, HTML reduced to paragraphs. Knows no feed, no file."""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

import nh3

#: Longer markup is cut before any parser sees it.
MARKUP_MAX_CHARS = 400_000
#: Deeper markup never reaches a tree builder: their time grows with the square of the depth.
MARKUP_MAX_DEPTH = 256
TITLE_MAX_CHARS = 250

_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "footer", "h1", "h2", "h3", "h4", "h5", "h6",
     "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul"}
)  # fmt: skip
_CELLS = frozenset({"td", "th"})
_NOT_PROSE = frozenset({"audio", "button", "canvas", "figcaption", "form", "iframe", "math", "noscript", "object",
                        "script", "select", "style", "svg", "template", "textarea", "title", "video"})  # fmt: skip
_CHILDLESS = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
#: Elements whose end tag may be left out: a new one ends the old one, so they nest in no depth of their own.
_SELF_ENDING = frozenset({"p", "li", "dd", "dt", "tr", "td", "th", "option", "thead", "tbody", "tfoot"})

_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<raw>script|style)\b.*?(?:</(?P=raw)|\Z)|<(?P<end>/?)(?P<name>[a-z][^\s/<>]*)[^<>]*>",
    re.DOTALL | re.IGNORECASE,
)
_ANY_TAG = re.compile(r"<[^<>]*>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)
_CONTROLS = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # C0 and C1, without blanks and line ends
    "\u00ad\u200b\u2060\ufeff"  # soft hyphen, zero-width blanks, byte order mark
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidi controls: they can show a text in another order
    "\ufff9-\ufffb\ud800-\udfff\ufffe\uffff]"  # annotations, surrogates, non-characters
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_BLANKS = re.compile(r"[ \t\u1680\u2000-\u200a\u205f\u3000]+")
#: Letters' own French typography uses U+00A0 only: U+202F is a box in the fonts of old Outlooks.
_NARROW_NBSP, _NBSP = "\u202f", "\u00a0"
_REPLY_MARK = re.compile(r"^(?:(?:re|fwd?|tr)\s*:\s+)+", re.IGNORECASE)


def plain(text: str) -> str:
    """Return `text` in NFC, without control or bidi characters, paragraphs parted by one empty line."""
    text = _LINE_END.sub("\n", text)
    text = unicodedata.normalize("NFC", _CONTROLS.sub("", text).replace(_NARROW_NBSP, _NBSP))
    lines = [_BLANKS.sub(" ", line).strip(" " + _NBSP) for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def one_line(text: str, max_chars: int = TITLE_MAX_CHARS) -> str:
    """Return `text` as `plain` has it, on one line, cut at a word with an ellipsis where it is longer."""
    text = " ".join(plain(text).split("\n")).replace("  ", " ").strip()
    if len(text) <= max_chars:
        return text
    return text[: max_chars - 1].rsplit(" ", 1)[0].rstrip(" ,;:–—-" + _NBSP) + "…"


def title_line(text: str) -> str:
    """Return `text` as a title: one line, without the Re: or Fwd: that a subject made of it must not pretend."""
    return one_line(_REPLY_MARK.sub("", one_line(text)))


def without_entities(text: str) -> str:
    """Return a text that its format says is plain with the entities decoded that software wrote in it all the same."""
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)


def html_to_text(markup: str) -> str:
    """Return the prose of an HTML fragment as paragraphs; entities are decoded once, scripts and images are gone.

    The fragment passes an allow-list cleaner that leaves block elements without attributes, so that nothing but
    those tags is left to turn into line ends.
    """
    markup = _SURROGATES.sub("", markup[:MARKUP_MAX_CHARS])  # JSON can hold halves of characters, the cleaner cannot
    if html_depth(markup) > MARKUP_MAX_DEPTH:
        return plain(html.unescape(_ANY_TAG.sub(" ", markup)))
    cleaned = nh3.clean(
        markup,
        tags=set(_BLOCKS | _CELLS | {"br"}),
        attributes={},
        clean_content_tags=set(_NOT_PROSE),
        link_rel=None,
    )
    flowing = re.sub(r"[ \t\r\n\f]+", " ", cleaned)
    return plain(html.unescape(_ANY_TAG.sub(_line_ends, flowing)))


def html_depth(markup: str) -> int:
    """Return how deep HTML nests at most, counted in one cheap pass that builds no tree.

    An estimate: an end tag inside an attribute counts as one. What can hide so is bounded by the markup's size.
    """
    tags = ((bool(tag["end"]), tag["name"].lower()) for tag in _TAG.finditer(markup) if tag["name"])
    return open_depth((end, name) for end, name in tags if name not in _CHILDLESS and name not in _SELF_ENDING)


def open_depth(tags: Iterable[tuple[bool, str]]) -> int:
    """Return the greatest number of elements open at once in a run of (is an end tag, name).

    Counted per name, so that end tags which match nothing open do not hide what stays open.
    """
    open_by_name: Counter[str] = Counter()
    depth = deepest = 0
    for is_end, name in tags:
        if not is_end:
            open_by_name[name] += 1
            depth += 1
            deepest = max(deepest, depth)
        elif open_by_name[name]:
            open_by_name[name] -= 1
            depth -= 1
    return deepest


def _line_ends(tag: re.Match[str]) -> str:
    name = tag[0].strip("</>").split(" ")[0]
    if name == "br":
        return "\n"
    return " " if name in _CELLS else "\n\n"
