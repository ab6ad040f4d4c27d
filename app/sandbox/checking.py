"""What may stand in a letter, read from the MJML before it is converted and from the HTML that it became."""

import re
from collections.abc import Callable
from html import escape, unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

from app.errors import TemplateRefused
from app.mjml import FORBIDDEN_TAGS, MAX_DEPTH, MJML_TAGS, VOID_TAGS
from app.sandbox.faults import Fault, refuse

#: What a newsroom's look needs beyond what the product's letters are made of.
TAGS = MJML_TAGS | {"mj-image", "mj-group", "mj-table", "mj-breakpoint"}
_FORBIDDEN = (FORBIDDEN_TAGS - {"img"}) | {
    "applet", "audio", "button", "canvas", "frame", "frameset", "math", "picture", "portal", "select",
    "source", "template", "textarea", "track",
}  # fmt: skip
_VOID = VOID_TAGS | {"col", "wbr", "area"}
_SOURCES = frozenset({"src", "background", "background-url"})
_OTHER_ADDRESSES = frozenset(
    {"action", "cite", "codebase", "data", "dynsrc", "formaction", "longdesc", "lowsrc", "manifest", "ping", "poster",
     "srcdoc", "srcset", "usemap", "xlink:href"}
)  # fmt: skip
_META_EQUIVALENTS = frozenset({"content-type", "x-ua-compatible"})
_PICTURE = re.compile(r"\.(png|jpe?g|gif)$", re.I)
#: What loads code or letters from elsewhere, or hides that it does.
_STYLE = re.compile(
    r"@import|@font-face|@charset|expression\s*\(|-moz-binding|behavior\s*:|javascript:|image-set|cross-fade|\\|<", re.I
)
_STYLE_ADDRESS = re.compile(r"(?:url|image|src)\s*\(\s*['\"]?([^'\")]*)", re.I)
_CONDITION = re.compile(r"^\s*\[if[^\]]*\]>|<!\[endif\]\s*$", re.I)
_SEEN_PX = 4
#: Of what is left of the letter, links and words that the law wants, or that readers are owed.
LINKS = ("unsubscribe_url", "preferences_url", "privacy_url", "legal_url")
PERSONAL = ("unsubscribe_url", "preferences_url")
TEXTS = ("publisher", "postal_address", "contact", "reason")


class Reading(HTMLParser):
    """Reads a letter and refuses what has no place in it. `hosts`: whose pictures it may show."""

    def __init__(self, hosts: frozenset[str], *, line_of: Callable[[int], int | None]) -> None:
        super().__init__(convert_charrefs=True)
        self.language = ""
        self.links: list[str] = []
        self.words: list[str] = []
        self._hosts, self._line_of = hosts, line_of
        self._starts: list[int] = []
        self._in_style = self._is_unread = False
        self._seen: set[tuple[str, str]] = set()

    def read(self, markup: str) -> None:
        """Read all of it. Raises TemplateRefused."""
        self._starts = [0, *(found.end() for found in re.finditer("\n", markup))]
        self.feed(markup)
        self.close()

    def refusal(self, fault: Fault, name: str = "") -> TemplateRefused:
        """Return the refusal of what is being read."""
        return refuse(fault, name[:120], self.line())

    def line(self) -> int | None:
        """Return the template's line of what is being read."""
        line, column = self.getpos()
        return self._line_of(self._starts[line - 1] + column)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Refuse a tag, or an attribute of it."""
        if tag in _FORBIDDEN:
            raise self.refusal(Fault.TAG, tag)
        if "<" in (self.get_starttag_text() or "")[1:]:  # a browser may read it as another tag
            raise self.refusal(Fault.BALANCE, tag)
        for name, value in attrs:  # of two alike, a browser takes the first
            self._check_attribute(tag, name, (value or "").strip())
        attributes = {name: (value or "").strip() for name, value in attrs}
        if tag == "meta" and attributes.get("http-equiv", "content-type").lower() not in _META_EQUIVALENTS:
            raise self.refusal(Fault.TAG, f"meta http-equiv={attributes['http-equiv']}")
        if tag in {"img", "mj-image"}:
            self._check_seen(attributes)
        if tag == "html":
            self.language = attributes.get("lang", "")
        if tag == "a":
            self.links.append(attributes.get("href", ""))
        self._in_style = tag in {"style", "mj-style"}
        self._is_unread = tag == "title" or "display:none" in attributes.get("style", "").replace(" ", "").lower()

    def handle_endtag(self, tag: str) -> None:
        """Leave a style, or what nobody reads."""
        self._in_style = self._is_unread = False

    def handle_data(self, data: str) -> None:
        """Keep the words of the letter, which its title and preheader are not, and look at a style's."""
        if self._in_style:
            self._check_style(data)
        elif not self._is_unread:
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        """Look into it: some clients show what stands in a condition, and not all agree where a comment ends."""
        inner = _CONDITION.sub("", data)
        if "<" in inner and self._is_new("comment", inner):
            within = Reading(self._hosts, line_of=lambda _: self.line())
            within.read(inner)

    def handle_pi(self, data: str) -> None:
        """Refuse it: there is no use for one."""
        raise self.refusal(Fault.TAG, f"?{data}")

    def unknown_decl(self, data: str) -> None:
        """Refuse what is no condition."""
        if ">" in data or not data.lower().startswith(("if", "endif")):
            raise self.refusal(Fault.TAG, f"![{data}")

    def _check_attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on") or name in _OTHER_ADDRESSES:
            raise self.refusal(Fault.ATTRIBUTE, name)
        if name == "href" and not _leads_somewhere(value):
            raise self.refusal(Fault.ADDRESS, value)
        if name in _SOURCES and value:
            self._check_picture(value)
        if name == "path" and tag.startswith("mj-"):
            raise self.refusal(Fault.ATTRIBUTE, name)
        if name == "style":
            self._check_style(value)

    def _check_style(self, style: str) -> None:
        if not self._is_new("style", style):
            return
        if found := _STYLE.search(style):
            raise self.refusal(Fault.STYLE, found[0])
        for address in _STYLE_ADDRESS.findall(style):
            self._check_picture(address.strip())

    def _is_new(self, kind: str, piece: str) -> bool:
        """Return whether a piece was not looked at before as such: a letter repeats most styles and conditions."""
        is_new = (kind, piece) not in self._seen
        self._seen.add((kind, piece))
        return is_new

    def _check_picture(self, address: str) -> None:
        try:
            parts = urlsplit(address)
            host = (parts.hostname or "").lower()
        except ValueError:
            raise self.refusal(Fault.PICTURE, address) from None
        is_ours = any(host == each or host.endswith(f".{each}") for each in self._hosts)
        if parts.scheme != "https" or not is_ours or not _PICTURE.search(parts.path):
            raise self.refusal(Fault.PICTURE, address)

    def _check_seen(self, attributes: dict[str, str]) -> None:
        for name in ("width", "height"):
            if (found := re.match(r"\d+", attributes.get(name, ""))) and int(found[0]) < _SEEN_PX:
                raise self.refusal(Fault.PIXEL, attributes.get("src", ""))


class Source(Reading):
    """Reads MJML: its tags are known, and each is closed where it should be."""

    def __init__(self, hosts: frozenset[str], *, line_of: Callable[[int], int | None]) -> None:
        super().__init__(hosts, line_of=line_of)
        self._open: list[tuple[str, int | None]] = []

    def read(self, markup: str) -> None:
        """Read all of it. Raises TemplateRefused."""
        super().read(markup)
        if self._open:
            tag, line = self._open[-1]
            raise refuse(Fault.BALANCE, tag, line)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Refuse what is unknown, and remember what has to be closed."""
        self.handle_startendtag(tag, attrs)
        if tag not in _VOID:
            self._open.append((tag, self.line()))
        if len(self._open) > MAX_DEPTH:
            raise self.refusal(Fault.DEPTH)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Refuse what is unknown."""
        if tag.startswith("mj") and tag not in TAGS:
            raise self.refusal(Fault.TAG, tag)
        super().handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close the tag that is open."""
        super().handle_endtag(tag)
        if tag not in {opened for opened, _ in self._open}:
            raise self.refusal(Fault.BALANCE, tag)
        opened, line = self._open.pop()
        if opened != tag:
            raise refuse(Fault.BALANCE, opened, line)


def check_brought(html: str, reading: Reading, variables: dict[str, object]) -> None:
    """Refuse a letter that lacks what each has to bring. Raises TemplateRefused."""
    if reading.language != variables["language"]:
        raise refuse(Fault.LANGUAGE)
    for name in LINKS:
        address = str(variables[name])
        if address and address not in reading.links:
            raise refuse(Fault.LINK_MISSING, name)
    for name in PERSONAL:
        address = re.escape(escape(str(variables[name])))
        labels = re.findall(rf'<a\b[^>]*\bhref="{address}"[^>]*>([^<]*)</a>', html)
        plain = [label for label in labels if re.search(r"\w", unescape(label))]
        if address and len(plain) != len(re.findall(rf"{address}(?![\w/])", html)):
            raise refuse(Fault.LINK_DRESSED, name)
    said = _folded("".join(reading.words))
    for name in TEXTS:
        if _folded(str(variables[name])) not in said:
            raise refuse(Fault.TEXT_MISSING, name)
    if _folded(unescape(re.sub(r"<[^>]+>", "", str(variables["introduction"])))) not in said:
        raise refuse(Fault.TEXT_MISSING, "introduction")
    for title in titles_of(variables):
        if _folded(title) not in said:
            raise refuse(Fault.STORY_MISSING, title)


def titles_of(variables: dict[str, object]) -> list[str]:
    """Return the titles of all stories that a letter is given."""
    sections: list[dict[str, list[dict[str, str]]]] = variables["sections"]  # type: ignore[assignment]
    return [story["title"] for section in sections for story in section["stories"]]


def _leads_somewhere(address: str) -> bool:
    return address.lower().startswith(("https://", "http://", "mailto:")) and not re.search(r"[\x00-\x20\x7f]", address)


def _folded(text: str) -> str:
    return "".join(text.split())
