"""Checks of a letter's two parts: size, structure, contrast, and that the text says what the HTML says."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from app.gate.colours import BLACK, WHITE, Colour, contrast, read_colour
from app.gate.findings import Finding, What
from app.gate.markup import Element
from app.gate.styles import Cascade, Rule, Scheme

#: Gmail clips a letter near 102 kB of HTML.
HTML_LARGE_BYTES, HTML_MAX_BYTES = 80_000, 100_000
#: WCAG 2.2 §1.4.3: of text, and of large text, which is 24 px or 18.66 px and bold. Under 3 nobody reads with ease.
CONTRAST_MIN, CONTRAST_LARGE_MIN = 4.5, 3.0
LARGE_PX, LARGE_BOLD_PX = 24.0, 18.66
#: What is not read out as words of the letter.
_NO_TEXT = frozenset({"", "style", "script", "title", "head", "html"})
_LOOKED_AT = frozenset({"color", "background", "background-color", "display", "font-size", "font-weight"})
_DEFAULT_PX = 16.0
_HEADING_PX = {"h1": 32.0, "h2": 24.0, "h3": 18.72}
#: Poor places that are named; there are as many of one kind as the letter has articles.
PLACES_NAMED = 5


def check_size(html: str) -> Iterator[Finding]:
    """Yield that the decoded HTML is large, or so large that Gmail clips it, the leave link first."""
    size = len(html.encode())
    shown = f"{size / 1000:.0f}"
    if size > HTML_MAX_BYTES:
        yield Finding(What.HTML_TOO_LARGE, measured=shown)
    elif size > HTML_LARGE_BYTES:
        yield Finding(What.HTML_LARGE, measured=shown)


def check_structure(page: Element) -> Iterator[Finding]:
    """Yield what a screen reader would stumble over."""
    elements = list(page.walk())
    html = next((element for element in elements if element.tag == "html"), None)
    if html is None or not html.attributes.get("lang", "").strip():
        yield Finding(What.LANG_MISSING)
    for element in elements:
        if element.tag == "img" and "alt" not in element.attributes:
            yield Finding(What.ALT_MISSING, element.attributes.get("src", ""))
    ids = Counter(element.attributes["id"] for element in elements if element.attributes.get("id"))
    for name, number in ids.items():
        if number > 1:
            yield Finding(What.ID_TWICE, name)
    yield from _check_headings([element for element in elements if re.fullmatch("h[1-6]", element.tag)])


def check_parity(page: Element, text: str) -> Iterator[Finding]:
    """Yield the links and headlines of the HTML that the text part does not have."""
    said = _folded(text)
    for address in dict.fromkeys(links_of(page)):
        if address.startswith(("http://", "https://")) and address not in text:
            yield Finding(What.TEXT_LACKS_LINK, address)
    for element in page.walk():
        if re.fullmatch("h[1-6]", element.tag) and _folded(element.text) not in said:
            yield Finding(What.TEXT_LACKS_HEADLINE, element.text)


def check_contrast(page: Element, rules: Sequence[Rule]) -> Iterator[Finding]:
    """Yield words that are hard to read on their ground, in light and in dark."""
    for scheme in Scheme:
        poor = list(_poor_places(page, Cascade(rules, scheme, _LOOKED_AT)))
        for ratio, least, words in sorted(poor)[:PLACES_NAMED]:
            what = What.CONTRAST_UNREADABLE if ratio < CONTRAST_LARGE_MIN else What.CONTRAST_POOR
            yield Finding(what, words, measured=f"{ratio:.1f}", names=(scheme.value, f"{least:g}"))


def links_of(page: Element) -> list[str]:
    """Return the targets of all links, in their order."""
    return [each.attributes["href"].strip() for each in page.walk() if each.tag == "a" and "href" in each.attributes]


def _check_headings(headings: Sequence[Element]) -> Iterator[Finding]:
    if not headings or headings[0].tag != "h1":
        yield Finding(What.HEADING_MISSING, headings[0].text if headings else "")
    for before, heading in pairwise(headings):
        if int(heading.tag[1]) > int(before.tag[1]) + 1:
            yield Finding(What.HEADING_ORDER, heading.text)


def _poor_places(page: Element, cascade: Cascade) -> Iterator[tuple[float, float, str]]:
    """Yield the ratio, the least that is asked for, and the words."""
    seen: dict[Element, tuple[Colour, Colour, float, bool, bool]] = {}
    for element in page.walk():
        around = seen.get(element.parent) if element.parent else None
        ink, ground, size, is_bold, is_hidden = seen[element] = _look_of(element, cascade, around)
        if is_hidden or element.tag in _NO_TEXT or not element.own_text:
            continue
        is_large = size >= LARGE_PX or (is_bold and size >= LARGE_BOLD_PX)
        least = CONTRAST_LARGE_MIN if is_large else CONTRAST_MIN
        ratio = contrast(ink, ground)
        if ratio < least:
            yield round(ratio, 2), least, element.own_text[:80]


def _look_of(
    element: Element, cascade: Cascade, around: tuple[Colour, Colour, float, bool, bool] | None
) -> tuple[Colour, Colour, float, bool, bool]:
    """Return an element's ink and ground, its size in px, and whether it is bold and hidden."""
    ink, ground, size, is_bold, is_hidden = around or (BLACK, WHITE, _DEFAULT_PX, False, False)
    declared = cascade.declared(element)
    background = declared.get("background-color") or element.attributes.get("bgcolor", "")
    ground = read_colour(background, ground) or ground
    ink = read_colour(declared.get("color", ""), ground) or ink
    size = _HEADING_PX.get(element.tag, size)
    if found := re.fullmatch(r"([\d.]+)px", declared.get("font-size", "")):
        size = float(found[1])
    is_bold = is_bold or element.tag in {"b", "strong", "h1", "h2", "h3", "h4", "h5", "h6"}
    if weight := declared.get("font-weight"):
        is_bold = weight in {"bold", "bolder"} or (weight.isdigit() and int(weight) >= 700)
    return ink, ground, size, is_bold, is_hidden or declared.get("display") == "none"


def _folded(text: str) -> str:
    """Return `text` whatever its blanks and capitals: the text part has headings in capitals, a dotless ı as an I."""
    return " ".join(text.split()).upper().casefold()
