"""Charts drawn on the server: numbers to lengths. What they look like, the style sheet says."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.readership.tallies import DayOfReaders

#: Units of the picture, which is as wide as its column: of a day, of the space between two, of each half's height.
STEP, GAP, HALF = 10.0, 2.5, 44.0
#: Readers won on a day are never drawn so low that nobody sees them.
LEAST = 1.5


@dataclass(frozen=True)
class Bar:
    """One bar: upwards from the line in the middle, or downwards."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class DayChart:
    """Readers won, upwards, and lost, downwards, a step for each day, both on one scale up to `top`."""

    width: float
    height: float
    middle: float
    top: int
    joined: Sequence[Bar]
    left: Sequence[Bar]
    weeks: Sequence[tuple[float, date]]


def draw_days(days: Sequence[DayOfReaders]) -> DayChart:
    """Return the picture of some days in a row; a mark stands at each Monday."""
    top = _round_up(max((max(day.joined, day.left, 0) for day in days), default=0))
    joined: list[Bar] = []
    left: list[Bar] = []
    weeks = []
    for number, day in enumerate(days):
        x = number * STEP + GAP / 2
        for bars, value, is_up in ((joined, day.joined, True), (left, day.left, False)):
            if value > 0:
                height = max(HALF * value / top, LEAST)
                bars.append(Bar(x, HALF - height if is_up else HALF, STEP - GAP, round(height, 2)))
        if day.day.weekday() == 0:
            weeks.append((number * STEP, day.day))
    return DayChart(len(days) * STEP, 2 * HALF, HALF, top, joined, left, weeks)


def _round_up(value: int) -> int:
    """Return the next number up that people like on a scale: one digit, or one and a half, and noughts."""
    if value <= 10:
        return max(value, 1)
    power = int(10 ** math.floor(math.log10(value)))
    return next(step * power // 10 for step in (10, 15, 20, 30, 40, 50, 60, 80, 100) if step * power >= 10 * value)
