"""Reading an answer for what a browser would do with it: its tags with their attributes, and what in it is active."""

import json
import re
from html.parser import HTMLParser

URL_ATTRIBUTES = frozenset(
    {"action", "background", "cite", "data", "formaction", "href", "ping", "poster", "src", "srcset", "xlink:href",
     "hx-get", "hx-post"}
)  # fmt: skip
#: Nothing of ours needs these: wherever one stands, somebody else put it there.
FOREIGN_TAGS = frozenset({"applet", "base", "embed", "frame", "frameset", "math", "noscript", "object", "template"})
_BLANKS = re.compile(r"[\x00-\x20]+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_SCHEMES = frozenset({"http", "https", "mailto"})

Tag = tuple[str, tuple[str, ...]]


#: Links that name another address of the page; nothing is loaded from there.
NOT_LOADED = {"canonical", "alternate"}


class Shape(HTMLParser):
    """The tags of a page in order, each with the names of its attributes; `active` is what could act."""

    def __init__(self, html: str, *, is_letter: bool = False) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[Tag] = []
        self.active: list[str] = []
        self._is_letter = is_letter
        self._is_data = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, tuple(sorted(attributes))))
        self._is_data = attributes == {"type": "application/ld+json"}
        self.active += [f"<{tag} {problem}>" for problem in self._problems(tag, attributes)]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script" and data.strip() and not (self._is_data and is_json(data)):
            self.active.append(f"<script>{data[:80]}")

    def _problems(self, tag: str, attributes: dict[str, str]) -> list[str]:
        is_ours = (tag == "base" and attributes == {"target": "_blank"}) or (
            tag == "template" and attributes.keys() == {"data-unsaved"}
        )
        problems = ["foreign"] if tag in FOREIGN_TAGS and not is_ours else []
        is_script = tag == "script" and not self._is_data
        problems += ["without our own source"] if is_script and not is_own(attributes.get("src", "")) else []
        is_loaded = tag in {"iframe", "img"} or (tag == "link" and attributes.get("rel") not in NOT_LOADED)
        problems += ["loaded from elsewhere"] if is_loaded and not self._is_own(attributes) else []
        for name, value in attributes.items():
            is_unsafe = (
                name.startswith("on") or name in {"srcdoc", "http-equiv"} or (name == "style" and not self._is_letter)
            )
            is_meta = tag == "meta" and name == "http-equiv" and value.lower() in {"content-type", "x-ua-compatible"}
            if (is_unsafe and not is_meta) or (name in URL_ATTRIBUTES and not is_harmless(value)):
                problems.append(f"{name}={value[:80]!r}")
        return problems

    @staticmethod
    def _is_own(attributes: dict[str, str]) -> bool:
        return is_own(attributes.get("src") or attributes.get("href") or "")


def is_own(url: str) -> bool:
    """Whether a browser stays on this host: a path that begins with one slash, as `/fr/` or `/static/…`."""
    return re.match(r"/(?![/\\\t\n\r])", url) is not None


def is_harmless(url: str) -> bool:
    """Whether a link runs nothing: read as browsers read it, blanks and controls before and within the scheme aside."""
    scheme = _SCHEME.match(_BLANKS.sub("", url))
    return scheme is None or scheme[1].lower() in _SCHEMES


def is_json(text: str) -> bool:
    """Whether the text of a data block is one JSON value, and so nothing that runs."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
