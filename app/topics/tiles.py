"""The map of places: a tile for each country, on a grid for each continent, and how dark it is. Draws nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.topics.topic import TopicKind

FILE = Path(__file__).with_name("tiles.txt")
#: Shades of tiles that have something; each begins at twice what the one before begins at.
SHADES = 4


@dataclass(frozen=True)
class Tile:
    """A country's place on its continent's grid, by its code and its topic's key."""

    code: str
    key: str
    column: int
    row: int


@dataclass(frozen=True)
class Continent:
    """A grid of tiles."""

    name: str
    columns: int
    rows: int
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Shade:
    """One of the shades, from 1 for the lightest, and the counts that it stands for."""

    number: int
    least: int
    most: int


@cache
def continents() -> tuple[Continent, ...]:
    """Return the map of `tiles.txt`."""
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    starts = [number for number, line in enumerate(lines) if line.startswith("[")]
    ends = [*starts[1:], len(lines)]
    return tuple(
        _continent(lines[start].strip("[]"), lines[start + 1 : end]) for start, end in zip(starts, ends, strict=True)
    )


def shades(counts: Iterable[int]) -> tuple[Shade, ...]:
    """Return the shades for places with these counts, the lightest first.

    Where the largest count is small there are fewer, and the deepest is not among them: one article is no crowd.
    """
    largest = max(counts, default=0)
    most = sorted({-(-largest // 2**step) for step in range(SHADES)} - {0})
    least = [1, *(each + 1 for each in most)][: len(most)]
    return tuple(Shade(number, *ends) for number, ends in enumerate(zip(least, most, strict=True), 1))


def shade_of(count: int, among: Iterable[Shade]) -> int:
    """Return the number of the shade for a count, 0 for none at all."""
    return next((shade.number for shade in among if shade.least <= count <= shade.most), 0)


def _continent(name: str, lines: list[str]) -> Continent:
    grid = [line.split() for line in lines]
    tiles = (
        Tile(code, f"{TopicKind.PLACE}:{code}", column, row)
        for row, codes in enumerate(grid)
        for column, code in enumerate(codes)
        if code != ".."
    )
    return Continent(name, max(map(len, grid)), len(grid), tuple(tiles))
