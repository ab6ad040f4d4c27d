"""What an article is about: themes and places, each with its weight and the words that gave it. Stores nothing.

The rules are in docs/topics.md. No service is asked, and the same text and taxonomy always give the same topics.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from app.topics.scoring import Evidence, Score, scores
from app.topics.taxonomy import Taxonomy
from app.topics.topic import TopicKind
from app.topics.words import words_of

#: So many of each are told at most.
THEMES_MAX, PRIMARY_PLACES_MAX, SECONDARY_PLACES_MAX = 4, 4, 6
#: Points at which half of all certainty is reached.
HALF_CERTAIN = 1.5
#: Where a correspondent writes from: "CAIRO — ", "LONDON (AP) — ", "Paris (AFP) - ".
_DATELINE = re.compile(
    r"""\A\s*
    (?: [^\W\d_a-z][A-ZÀ-Ý’'\ .,-]{2,40}                                  # a city in capitals, perhaps its country,
      | [^\W\d_][\w’'\ .,-]{2,40} (?=\((?:AFP|AP|Reuters)\)) )            # or any before an agency
    (?:\([\w\ ]{2,12}\))? \s*[—–-]\s""",
    re.VERBOSE,
)

#: What a weblog's feed adds below a text: it says the title once more.
_FEED_FOOTER = re.compile(
    r"""\b (?: The\ post\ [^\n]{1,300}?\ (?:first\ appeared|appeared\ first)\ on
          | L[’']article\ [^\n]{1,300}?\ est\ apparu\ en\ premier\ sur )
    \ [^\n]{1,80}? \s* (?:\n|\Z)""",
    re.VERBOSE,
)


class Rank(StrEnum):
    """Whether an article is about a topic, or touches it."""

    PRIMARY = "primary"
    SECONDARY = "secondary"


@dataclass(frozen=True)
class Found:
    """A topic of an article. `weight` is from 0 to 1; `evidence` holds the words that gave it, the heaviest first."""

    key: str
    weight: float
    rank: Rank
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Classification:
    """All topics of an article: primary ones first, the heaviest first."""

    topics: tuple[Found, ...]

    @property
    def themes(self) -> tuple[Found, ...]:
        """The themes alone."""
        return tuple(topic for topic in self.topics if topic.key.startswith(TopicKind.THEME.prefix))

    @property
    def places(self) -> tuple[Found, ...]:
        """The countries and regions alone."""
        return tuple(topic for topic in self.topics if not topic.key.startswith(TopicKind.THEME.prefix))


@dataclass(frozen=True)
class _Bars:
    """What a topic must reach: points of its own, a share of the points of the heaviest of its kind, and variety."""

    primary_points: float
    primary_share: float
    secondary_points: float
    secondary_share: float
    variety: float


#: One weak word makes no theme, be it in the title or repeated: "hostage", "airport". A place's one name makes a place.
THEME_BARS = _Bars(primary_points=1.5, primary_share=0.6, secondary_points=1.5, secondary_share=0.3, variety=1.05)
PLACE_BARS = _Bars(primary_points=0.75, primary_share=0.5, secondary_points=0.6, secondary_share=0.12, variety=0.0)


def classify(taxonomy: Taxonomy, *, title: str, text: str, language: str) -> Classification:
    """Return the topics of an article of plain text; `text` is its body, or its summary where there is no more.

    Several thousand words cost milliseconds. A region is told where it is itself spoken of; the regions of the
    countries follow from `Taxonomy.regions_of`.
    """
    in_title, in_text = words_of(title), words_of(_FEED_FOOTER.sub("", _DATELINE.sub("", text)))
    themes = _ranked(
        scores(taxonomy.theme_matcher(language), taxonomy, in_title, in_text), THEME_BARS, THEMES_MAX, THEMES_MAX
    )
    places = _ranked(
        scores(taxonomy.place_matcher(language), taxonomy, in_title, in_text),
        PLACE_BARS,
        PRIMARY_PLACES_MAX,
        SECONDARY_PLACES_MAX,
    )
    return Classification(tuple(sorted([*themes, *places], key=lambda found: (found.rank, -found.weight, found.key))))


def _ranked(found: dict[str, Score], bars: _Bars, primary_max: int, secondary_max: int) -> list[Found]:
    varied = ((key, score) for key, score in found.items() if score.variety >= bars.variety)
    ordered = sorted(varied, key=lambda entry: (-entry[1].points, entry[0]))
    top = ordered[0][1].points if ordered else 0.0
    primary: list[Found] = []
    secondary: list[Found] = []
    for key, score in ordered:
        if score.points >= max(bars.primary_points, bars.primary_share * top) and len(primary) < primary_max:
            primary.append(_told(key, score, Rank.PRIMARY))
        elif score.points >= max(bars.secondary_points, bars.secondary_share * top) and len(secondary) < secondary_max:
            secondary.append(_told(key, score, Rank.SECONDARY))
    return primary + secondary


def _told(key: str, score: Score, rank: Rank) -> Found:
    evidence = sorted(score.evidence, key=lambda each: (-each.weight * each.times, each.written))
    return Found(key, round(score.points / (score.points + HALF_CERTAIN), 3), rank, tuple(evidence))
