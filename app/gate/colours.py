"""Colours of CSS, and how well one can be read on another (WCAG 2.2 §1.4.3)."""

from functools import lru_cache

import tinycss2
from tinycss2.color4 import Color, parse_color

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)


def read_colour(value: str, ground: Colour) -> Colour | None:
    """Return the colour that a value names, or holds as `background` does, as it looks on `ground`, which may show
    through; None where it is none that we know.
    """
    named = _named(value)
    return None if named is None else _mixed(*named, ground)


def is_transparent(value: str) -> bool:
    """Return whether a value names a colour of which nothing is seen."""
    named = _named(value)
    return named is not None and named[1] == 0


@lru_cache(2_000)
def _named(value: str) -> tuple[Colour, float] | None:
    """Return the first colour in a value, and how much of it does not let the ground show through, from 0 to 1."""
    found = (parse_color(part) for part in tinycss2.parse_component_value_list(value))
    colour = next((each for each in found if isinstance(each, Color)), None)
    if colour is None:
        return None
    try:
        red, green, blue = (round(255 * min(max(part, 0), 1)) for part in colour.to("srgb").coordinates)
    except NotImplementedError:  # a space beyond what screens of old show
        return None
    return (red, green, blue), colour.alpha


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio of two colours, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _mixed(colour: Colour, share: float, ground: Colour) -> Colour:
    red, green, blue = (round(below + (above - below) * share) for above, below in zip(colour, ground, strict=True))
    return red, green, blue


def _luminance(colour: Colour) -> float:
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
