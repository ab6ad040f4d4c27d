"""How well articles are classified, held against labels: what must not be lost when terms or rules change."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.topics.classify import Classification, Found, Rank
from app.topics.taxonomy import load
from bench.topic_labels import BLIND_LABELS, LABELS, Piece, TopicLabel
from bench.topics import CORPORA, MEASURES, Case, precision_and_recall, read_cases


@pytest.fixture(scope="module", params=[LABELS, BLIND_LABELS], ids=["known", "blind"])
def cases(request: pytest.FixtureRequest) -> Sequence[Case]:
    labels: Path = request.param
    if not CORPORA.exists():
        pytest.skip("no corpora beside the repository, in ../shared/corpora")
    return read_cases(load(), labels)


@pytest.mark.parametrize(("measure", "least"), [("places", 0.85), ("themes", 0.75)])
def test_what_articles_are_about_is_found(cases: Sequence[Case], measure: str, least: float) -> None:
    precision, recall = precision_and_recall(cases, MEASURES[measure])
    assert min(precision, recall) >= least


def test_what_is_in_dispute_is_neither_asked_for_nor_wrong() -> None:
    label = TopicLabel(
        "archive", "item", "en", themes=frozenset({"theme:ai"}), primary=frozenset(), secondary=frozenset({"place:FR"}),
        disputed=frozenset({"place:FR", "theme:skills"}),
    )  # fmt: skip
    found = [Found(key, 0.5, Rank.PRIMARY, ()) for key in ("theme:ai", "theme:skills", "place:FR", "place:IT")]
    case = Case(label, Piece("", ""), Classification(tuple(found)))
    assert case.themes == ({"theme:ai"}, {"theme:ai"})
    assert case.places == ({"place:FR"}, {"place:FR", "place:IT"})
    assert case.primary_places == (set(), {"place:IT"}), "that it is one is agreed, but not its rank"
