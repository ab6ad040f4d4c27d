"""Charts drawn on the server: numbers to lengths. What they look like, the style sheet says."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate

from app.editions.outcomes import Pace, Standing
from app.readership.tallies import DayOfReaders

#: Units of the picture, which is as wide as its column: of a day, of the space between two, of each half's height.
STEP, GAP, HALF = 10.0, 2.5, 44.0
#: What there is any of is never drawn so small that nobody sees it.
LEAST = 1.5
#: The bar of one provider is as wide as its cell, in percent.
SHARE_WIDTH = 100.0


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


@dataclass(frozen=True)
class PaceChart:
    """Letters a second, a bar for each step, up to `top`; `begins_at` and `ends_at` where there are any."""

    width: float
    height: float
    top: int
    bars: Sequence[Bar]
    begins_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True)
class Part:
    """The part of a bar that stands for copies of one standing, in percent of the bar."""

    name: str
    x: float
    width: float


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


def draw_paces(paces: Sequence[Pace]) -> PaceChart:
    """Return the picture of how fast letters went."""
    top = _round_up(math.ceil(max((pace.per_second for pace in paces), default=0)))
    bars = []
    for number, pace in enumerate(paces):
        if pace.per_second > 0:
            height = round(max(HALF * pace.per_second / top, LEAST), 2)
            bars.append(Bar(number * STEP + GAP / 2, HALF - height, STEP - GAP, height))
    ends_at = paces[-1].at + paces[-1].step if paces else None
    return PaceChart(len(paces) * STEP, HALF, top, bars, paces[0].at if paces else None, ends_at)


def draw_standing(standing: Standing) -> list[Part]:
    """Return the parts of a provider's bar, in the order in which a copy goes through them, backwards."""
    order = ("accepted", "rejected", "uncertain", "given_up", "deferred", "waiting")
    shares = {name: getattr(standing, name) / standing.copies for name in order}
    widths = {name: max(LEAST, SHARE_WIDTH * share) for name, share in shares.items() if share}
    scale = SHARE_WIDTH / sum(widths.values())
    begins = accumulate(widths.values(), initial=0.0)
    return [
        Part(name, round(x * scale, 2), round(width * scale, 2))
        for (name, width), x in zip(widths.items(), begins, strict=False)
    ]


def _round_up(value: int) -> int:
    """Return the next number up that people like on a scale: one digit, or one and a half, and noughts."""
    if value <= 10:
        return max(value, 1)
    power = int(10 ** math.floor(math.log10(value)))
    return next(step * power // 10 for step in (10, 15, 20, 30, 40, 50, 60, 80, 100) if step * power >= 10 * value)
