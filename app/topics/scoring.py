"""How much what was found tells of a topic: pure functions of hits and where they stand."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.topics.matching import Hit, Matcher
from app.topics.taxonomy import Taxonomy
from app.topics.words import Words

#: So many words of the text are its lead; a text of no more than a few paragraphs is nothing else.
LEAD_WORDS, LEAD_ALONE_MAX_WORDS = 60, 180


class Zone(StrEnum):
    """Where in an article a word stands."""

    TITLE = "title"
    LEAD = "lead"
    BODY = "body"


#: What a word counts in each. A title says what a piece is about; further down much is background.
ZONE_WEIGHTS: Mapping[Zone, float] = {Zone.TITLE: 2.0, Zone.LEAD: 1.0, Zone.BODY: 0.6}
#: At its end a text's words count only so much of that.
LAST_WORD_SHARE = 0.5


@dataclass(frozen=True)
class Evidence:
    """A term that tells of a topic: as it is first written, where, how often there, and what one time weighs."""

    written: str
    zone: Zone
    times: int
    weight: float


@dataclass(frozen=True)
class Score:
    """What was found for one topic, and what that comes to. `variety` is what its terms weigh, each counted once."""

    points: float
    evidence: tuple[Evidence, ...]
    variety: float


@dataclass(frozen=True)
class _Found:
    hit: Hit
    zone: Zone
    share: float


def scores(matcher: Matcher, taxonomy: Taxonomy, title: Words, text: Words) -> dict[str, Score]:
    """Return the score of each topic of which anything was found that counts."""
    found = [_Found(hit, Zone.TITLE, 1.0) for hit in matcher.find(title)]
    length = max(len(text.folded), 1)
    lead = length if length <= LEAD_ALONE_MAX_WORDS else LEAD_WORDS
    for hit in matcher.find(text):
        is_lead = hit.at < lead
        share = 1.0 if is_lead else 1.0 - (1.0 - LAST_WORD_SHARE) * hit.at / length
        found.append(_Found(hit, Zone.LEAD if is_lead else Zone.BODY, share))
    by_topic = defaultdict[str, list[_Found]](list)
    for each in _counting(found, taxonomy):
        if each.hit.target.key is not None:
            by_topic[each.hit.target.key].append(each)
    return {key: _score(those) for key, those in by_topic.items()}


def _counting(found: Sequence[_Found], taxonomy: Taxonomy) -> Iterable[_Found]:
    """Yield what counts: an unsure term does where its topic, or a neighbour of it, is surely there."""
    sure = {each.hit.target.key for each in found if not each.hit.target.term.is_unsure}
    near = {region for key in sure if key is not None for region in (*taxonomy.regions_of(key), key)}
    for each in found:
        target = each.hit.target
        if target.term.weight and target.key is not None:
            around = {target.key, *taxonomy.regions_of(target.key)}
            if not target.term.is_unsure or around & near:
                yield each


def _score(found: Sequence[_Found]) -> Score:
    points = 0.0
    for zone, weight in ZONE_WEIGHTS.items():
        points += weight * _saturated(
            sum(each.hit.target.term.weight * each.share for each in found if each.zone is zone)
        )
    weights = {each.hit.target.term.text: each.hit.target.term.weight for each in found}
    return Score(points, tuple(_evidence(found)), sum(weights.values()))


def _saturated(sum_of_weights: float) -> float:
    """Return ever less for more of the same: what is said ten times is not ten times as true."""
    return sum_of_weights if sum_of_weights <= 1 else 1 + math.log(sum_of_weights)


def _evidence(found: Sequence[_Found]) -> Iterable[Evidence]:
    grouped = defaultdict[tuple[Zone, str], list[_Found]](list)
    for each in found:
        grouped[each.zone, each.hit.target.term.text].append(each)
    for (zone, _), those in grouped.items():
        yield Evidence(those[0].hit.written, zone, len(those), those[0].hit.target.term.weight)
