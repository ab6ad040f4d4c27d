"""The HTML part of a letter as a tree, small enough for what the gate asks of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)


@dataclass(eq=False)
class Element:
    """One element; `texts` are its own, without those of the elements in it."""

    tag: str
    attributes: dict[str, str]
    parent: "Element | None" = None
    children: list["Element"] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @cached_property
    def classes(self) -> frozenset[str]:
        """The names of its class attribute."""
        return frozenset(self.attributes.get("class", "").split())

    @property
    def own_text(self) -> str:
        """Its own words, blanks folded."""
        return " ".join("".join(self.texts).split())

    @property
    def text(self) -> str:
        """All words in it, blanks folded."""
        return " ".join(" ".join("".join(each.texts) for each in self.walk()).split())

    def walk(self) -> Iterator["Element"]:
        """Yield it and all elements in it, in document order."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))

    def above(self) -> Iterator["Element"]:
        """Yield it and the elements around it, the nearest first."""
        element: Element | None = self
        while element is not None:
            yield element
            element = element.parent


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in reversed(attrs)}
        element = Element(tag, attributes, self._open)
        self._open.children.append(element)
        if tag not in _VOID:
            self._open = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        found = next((element for element in self._open.above() if element.tag == tag), None)
        if found is not None and found.parent is not None:
            self._open = found.parent

    def handle_data(self, data: str) -> None:
        self._open.texts.append(data)


def parse_markup(html: str) -> Element:
    """Return the tree of `html`; comments, with what they hold for old Outlook, are left out."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return builder.root
