"""What a topic is. Knows neither how it is found nor where it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class TopicKind(StrEnum):
    """A theme, a country or a region: the first part of a topic's key."""

    THEME = "theme"
    PLACE = "place"
    REGION = "region"

    @property
    def prefix(self) -> str:
        """What the keys of its topics begin with."""
        return f"{self}:"


@dataclass(frozen=True)
class Topic:
    """A topic and its names by language. `countries` holds the keys of the countries of a region."""

    key: str
    labels: Mapping[str, str]
    countries: frozenset[str] = frozenset()

    @property
    def kind(self) -> TopicKind:
        """What it is."""
        return TopicKind(self.key.partition(":")[0])
