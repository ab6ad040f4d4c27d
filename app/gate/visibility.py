"""Whether a reader sees the leave link of a letter: CSS hides it in many ways, and a form that hides it is none.

To leave is to be as easy as to come (GDPR art. 7(3)). What a selector says beyond tags, classes and ids is passed over,
so that it hides what it may hide.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from app.gate.colours import BLACK, WHITE, Colour, contrast, is_transparent, read_colour
from app.gate.findings import Finding, What
from app.gate.markup import Element
from app.gate.styles import Cascade, Rule, Scheme

#: Letters smaller than this, and colours as near to their ground as that, are not seen.
_SEEN_PX, _SEEN_CONTRAST = 4.0, 1.3
#: Whatever stands so far to one side is outside of every window.
_OUTSIDE_PX = -500.0
_ROOT_PX = 16.0
_PX = {"px": 1.0, "pt": 4 / 3, "pc": 16.0, "rem": _ROOT_PX, "em": _ROOT_PX, "": 1.0}
_SIZES = ("height", "max-height", "width", "max-width")
_SIDES = ("text-indent", "left", "top", "margin-left", "margin-top", "margin")
_LOOKED_AT = frozenset(
    (*_SIZES, *_SIDES, "display", "visibility", "opacity", "overflow", "transform", "clip", "clip-path", "mso-hide",
     "font", "font-size", "color", "background", "background-color")
)  # fmt: skip
_LENGTH = re.compile(r"(-?[\d.]+)(px|pt|pc|rem|em|%|)")
_FONT_SIZE = re.compile(r"(?<![\w.])(0(?![\w.%])|[\d.]+(?:px|pt|pc|rem|em|%))")
_CLIPPED = re.compile(r"rect\(\s*(0|1px)[\s,]|inset\(\s*(50|100)%|circle\(\s*0")
#: What is so only under a pointer, or stands beside the words.
_PASSING = re.compile(r":(hover|active|focus|before|after|first-l)")
_BEYOND = r"(?:\[[^\]]*\]|::?[\w-]+(?:\([^)]*\))?)+"


def check_leave_link(page: Element, rules: Sequence[Rule], *, public_url: str) -> Iterator[Finding]:
    """Yield that a letter has a leave link, marked or filled, of which nobody sees one word, in light or in dark."""
    is_way = re.compile(rf"{re.escape(public_url)}/\w+/unsubscribe/").match
    ways = [each for each in page.walk() if each.tag == "a" and is_way(each.attributes.get("href", ""))]
    wide = [replace(rule, selector=_widened(rule.selector)) for rule in rules if not _PASSING.search(rule.selector)]
    cascades = [Cascade(wide, scheme, _LOOKED_AT) for scheme in Scheme]
    if ways and not all(any(_is_seen(way, cascade) for way in ways) for cascade in cascades):
        yield Finding(What.LEAVE_HIDDEN)


def _widened(selector: str) -> str:
    """Return a selector of tags, classes and ids for at least what `selector` matches."""
    plain = re.sub(_BEYOND, "", re.sub(rf"(^|[\s>+~]){_BEYOND}", r"\1*", selector))
    return re.split(r"[+~]", plain)[-1].strip() or "*"


def _is_seen(way: Element, cascade: Cascade) -> bool:
    shown = (each for each in way.walk() if each.own_text or each.attributes.get("alt", "").strip())
    return any(_is_shown(each, cascade) for each in shown)


def _is_shown(element: Element, cascade: Cascade) -> bool:
    ink: Colour | None = BLACK
    ground, size, is_visible = WHITE, _ROOT_PX, True
    for each in reversed(list(element.above())):
        declared = cascade.declared(each)
        if "hidden" in each.attributes or _is_taken_away(declared):
            return False
        if "visibility" in declared:
            is_visible = declared["visibility"] not in {"hidden", "collapse"}
        size = _size_of(declared, size)
        background = declared.get("background-color") or each.attributes.get("bgcolor", "")
        ground = read_colour(background, ground) or ground
        colour = declared.get("color", "")
        ink = None if is_transparent(colour) else read_colour(colour, ground) or ink
    return is_visible and size >= _SEEN_PX and ink is not None and contrast(ink, ground) >= _SEEN_CONTRAST


def _is_taken_away(declared: dict[str, str]) -> bool:
    """Return whether an element goes with all that is in it."""
    is_cut = declared.get("overflow", "") == "hidden" and any(_px(declared.get(name, "")) == 0 for name in _SIZES)
    is_outside = any((_px(declared.get(name, "")) or 0) <= _OUTSIDE_PX for name in _SIDES)
    opacity = _px(declared.get("opacity", ""))
    return (
        declared.get("display") == "none"
        or declared.get("mso-hide") == "all"
        or (opacity is not None and opacity < 0.1)
        or re.search(r"scale[xy3d]*\(\s*0", declared.get("transform", "")) is not None
        or _CLIPPED.search(f"{declared.get('clip', '')} {declared.get('clip-path', '')}") is not None
        or is_cut
        or is_outside
    )


def _px(value: str) -> float | None:
    """Return the first length, or number, of a value in px, as far as it is one by itself."""
    found = _LENGTH.match(value)
    if found is None:
        return None
    return float(found[1]) * _PX.get(found[2], 1.0) if re.fullmatch(r"-?\d*\.?\d+|-?\d+\.", found[1]) else None


def _size_of(declared: dict[str, str], around: float) -> float:
    """Return the size of letters in px, where those around are of `around`."""
    named = declared.get("font-size")
    found = _LENGTH.fullmatch(named) if named else None
    if named is None and (shorthand := _FONT_SIZE.search(declared.get("font", ""))):
        found = _LENGTH.fullmatch(shorthand[1])
    if found is None or (number := _px(found[1])) is None:
        return around
    relative = {"em": around, "%": around / 100}
    return number * relative.get(found[2], _PX.get(found[2], 1.0))
