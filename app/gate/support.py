"""Which mail programs understand what a letter is made of, by the table in `support.csv` (its head names the source).

A loss that only costs looks is told, and no more. One that costs the reader words, order or pictures fails.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.gate.findings import Finding, What
from app.gate.markup import Element
from app.gate.styles import Declaration, Rule, read_declarations

TABLE = Path(__file__).with_name("support.csv")
#: As people know them; the table has Can I email's own names.
CLIENTS: Mapping[str, str] = {
    "gmail": "Gmail", "outlook": "Outlook", "apple-mail": "Apple Mail", "yahoo": "Yahoo", "orange": "Orange",
    "laposte": "La Poste", "sfr": "SFR", "free-fr": "Free", "protonmail": "Proton", "thunderbird": "Thunderbird",
}  # fmt: skip
_PLATFORMS = {
    "android": "Android", "ios": "iOS", "macos": "macOS", "windows": "Windows", "windows-mail": "Windows Mail",
    "desktop-webmail": "web", "mobile-webmail": "mobile web", "outlook-com": "web",
}  # fmt: skip
#: What costs words, their order or pictures where it is lost; losing anything else costs looks only.
NEEDED = frozenset(
    {
        "css-at-import", "css-background-image", "css-column-count", "css-display-flex", "css-display-grid",
        "css-function-clamp", "css-function-light-dark", "css-function-max", "css-function-min", "css-grid-template",
        "css-left-right-top-bottom", "css-nesting", "css-position", "css-shape-outside", "css-transform",
        "css-variables", "css-writing-mode", "html-audio", "html-button-reset", "html-button-submit", "html-dialog",
        "html-image-maps", "html-marquee", "html-meter", "html-popover", "html-progress", "html-ruby",
        "html-select", "html-svg", "html-textarea", "html-video", "image-apng", "image-avif",
        "image-base64", "image-bmp", "image-hdr", "image-heif", "image-ico", "image-mp4", "image-svg", "image-tiff",
        "image-webp",
    }
)  # fmt: skip
#: No mail program runs or loads these, and some refuse the letter for them.
FORBIDDEN_TAGS = frozenset({"script", "iframe", "frame", "object", "embed", "applet", "form", "input", "link", "base"})
_TAGS = {
    **{f"h{level}": "html-h1-h6" for level in range(1, 7)},
    **dict.fromkeys(("ul", "ol", "li", "dl"), "html-lists"),
    **dict.fromkeys(("article", "section", "header", "footer", "main", "nav", "aside", "figure"), "html-semantics"),
    **dict.fromkeys(("table", "td", "th", "tr"), "html-table"),
    **dict.fromkeys(("map", "area"), "html-image-maps"),
}  # fmt: skip
_FAMILIES = ("background", "border", "padding", "margin", "font", "list-style", "outline")
_FUNCTION = re.compile(r"\b(calc|clamp|min|max|light-dark|rgba?|var|linear-gradient|radial-gradient)\(")
_UNIT = re.compile(r"(?<![#\w])-?\d*\.?\d+(px|em|rem|%|vh|vw|vmin|vmax|pt|ch|ex|cm|mm|in|pc)(?![\w-])")
_FUNCTIONS = {
    "calc": "css-unit-calc", "var": "css-variables", "rgb": "css-rgb", "rgba": "css-rgba",
    "linear-gradient": "css-linear-gradient", "radial-gradient": "css-radial-gradient",
}  # fmt: skip
_MEDIA_FEATURES = ("prefers-color-scheme", "prefers-reduced-motion", "orientation", "hover", "device-pixel-ratio")


@dataclass(frozen=True)
class Loss:
    """A feature of a letter that some mail programs do not understand, and those that do in part."""

    feature: str
    missing: tuple[str, ...]
    partial: tuple[str, ...]

    @property
    def is_needed(self) -> bool:
        """Whether it costs more than looks."""
        return self.feature in NEEDED


def check_support(page: Element, rules: Sequence[Rule]) -> Iterator[Finding]:
    """Yield what some of the mail programs cannot show."""
    used_tags = {element.tag for element in page.walk() if not _is_hidden_for_mail(element)}
    for tag in sorted(used_tags & FORBIDDEN_TAGS):
        yield Finding(What.FORBIDDEN, f"<{tag}>")
    for loss in read_losses(page, rules):
        if loss.is_needed and loss.missing:
            yield Finding(What.UNSUPPORTED, loss.feature, names=loss.missing)
        elif loss.is_needed and loss.partial:
            yield Finding(What.HALF_SUPPORTED, loss.feature, names=loss.partial)


def read_losses(page: Element, rules: Sequence[Rule]) -> list[Loss]:
    """Return what a letter uses and not all of the mail programs understand, by the name of the feature."""
    table = read_table()
    losses = []
    for feature in sorted(features_of(page, rules) & table.keys()):
        missing, partial = (clients_with(feature, letter) for letter in "np")
        if missing or partial:
            losses.append(Loss(feature, missing, partial))
    return losses


def features_of(page: Element, rules: Sequence[Rule]) -> set[str]:
    """Return what a letter is made of, in the table's names; not all of them are in the table."""
    used: set[str] = set()
    for element in page.walk():
        used.update(_features_of_element(element))
        for declaration in read_declarations(element.attributes.get("style", "")):
            used.update(_features_of_declaration(declaration))
    for rule in rules:
        if rule.at.startswith("@"):
            used.add(f"css-at-{rule.at[1:].partition(' ')[0]}")
            used.update(f"css-at-media-{name}" for name in _MEDIA_FEATURES if name in rule.at)
        used.update(f"css-pseudo-class-{name}" for name in re.findall(r"(?<!:):([a-z-]+)", rule.selector))
        for declaration in rule.declarations:
            used.update(_features_of_declaration(declaration))
    return used


@cache
def clients_with(feature: str, letter: str) -> tuple[str, ...]:
    """Return the mail programs with `letter` in a feature's row; all platforms of one are named by its name alone."""
    cells, found = read_table()[feature], []
    for client, name in CLIENTS.items():
        tested = {platform: cell for (each, platform), cell in cells.items() if each == client and cell != "u"}
        having = [_PLATFORMS[platform] for platform, cell in tested.items() if cell == letter]
        if having:
            found.append(name if len(having) == len(tested) else f"{name} ({', '.join(dict.fromkeys(having))})")
    return tuple(found)


@cache
def read_table() -> Mapping[str, Mapping[tuple[str, str], str]]:
    """Return the table: by feature, then by client and platform, y, n, p or u."""
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    head, *rows = csv.reader(lines)
    columns = [(client, platform) for client, _, platform in (name.partition("/") for name in head[1:])]
    return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows}


@cache
def table_source() -> str:
    """Return the date and commit of the table's data, as its head names them."""
    head = TABLE.read_text(encoding="utf-8").partition("\n")[0]
    found = re.search(r"\((.+)\), (\d{4}-\d{2}-\d{2}), (\w+)", head)
    return f"{found[1]}, {found[2]}" if found else head


def _is_hidden_for_mail(element: Element) -> bool:
    """Return whether a `link` or the like only names something, as the head of a page does."""
    return element.tag == "link" and element.attributes.get("rel", "") not in {"stylesheet", "preload", "import"}


def _features_of_element(element: Element) -> Iterator[str]:
    yield _TAGS.get(element.tag, f"html-{element.tag}")
    yield from (f"html-{name}" for name in element.attributes)
    address = element.attributes.get("href", "")
    if address.startswith("mailto:"):
        yield "html-mailto-links"
    if element.tag == "img":
        source = element.attributes.get("src", "").lower()
        ending = source.partition("?")[0].rpartition(".")[2].replace("jpeg", "jpg")
        yield "image-base64" if source.startswith("data:") else f"image-{ending}"


def _features_of_declaration(declaration: Declaration) -> Iterator[str]:
    name, value = declaration.name, declaration.value
    yield f"css-{name}"
    yield from (f"css-{family}" for family in _FAMILIES if name.startswith(f"{family}-"))
    if name == "display":
        yield f"css-display-{value.removeprefix('inline-')}"
    if name in {"left", "right", "top", "bottom"}:
        yield "css-left-right-top-bottom"
    if name.startswith("--"):
        yield "css-variables"
    if "url(" in value and name.startswith("background"):
        yield "css-background-image"
    for function in _FUNCTION.findall(value):
        yield _FUNCTIONS.get(function, f"css-function-{function}")
    yield from (f"css-unit-{'percent' if unit == '%' else unit}" for unit in _UNIT.findall(value))
