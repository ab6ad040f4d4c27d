"""Colours of CSS, and how well one can be read on another (WCAG 2.2 §1.4.3)."""

import re

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
_NAMES = {
    "white": WHITE, "black": BLACK, "red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255),
    "yellow": (255, 255, 0), "orange": (255, 165, 0), "silver": (192, 192, 192), "lightgray": (211, 211, 211),
    "lightgrey": (211, 211, 211), "gray": (128, 128, 128), "grey": (128, 128, 128), "navy": (0, 0, 128),
}  # fmt: skip
_HEX = re.compile(r"#([0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})(?![0-9a-f])")
_RGB = re.compile(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)(?:\s*[,/]\s*(\d*\.?\d+)(%?))?")


def read_colour(value: str, ground: Colour) -> Colour | None:
    """Return the colour that a value names, or holds as `background` does, as it looks on `ground`, which may show
    through; None where it is none that we know.
    """
    if found := _HEX.search(value):
        digits = found[1] if len(found[1]) > 4 else "".join(digit * 2 for digit in found[1])
        red, green, blue, alpha = (int(digits[at : at + 2] or "ff", 16) for at in (0, 2, 4, 6))
        return _mixed((red, green, blue), ground, alpha / 255)
    if found := _RGB.search(value):
        red, green, blue = (min(int(part), 255) for part in found.group(1, 2, 3))
        return _mixed((red, green, blue), ground, float(found[4] or 1) / (100 if found[5] else 1))
    if value == "transparent":
        return ground
    return next((_NAMES[word] for word in value.split() if word in _NAMES), None)


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio of two colours, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _mixed(colour: Colour, ground: Colour, share: float) -> Colour:
    red, green, blue = (
        round(below + (above - below) * min(share, 1.0)) for above, below in zip(colour, ground, strict=True)
    )
    return red, green, blue


def _luminance(colour: Colour) -> float:
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
