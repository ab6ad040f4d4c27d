"""Measure how articles are classified: precision and recall of themes and places against labels, and how fast.

python bench/topics.py                       print tables and misses
python bench/topics.py --into PAGE.md        put the tables into a page, between its two marks
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.topics.classify import Classification, Found, Rank, classify
from app.topics.taxonomy import Taxonomy, load
from bench.markdown import as_table, put_between_marks
from bench.topic_labels import BLIND_LABELS, LABELS, Piece, TopicLabel, read_labels, read_piece

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
TIMED_WORDS, TIMED_ARTICLES = 600, 400


@dataclass(frozen=True)
class Case:
    """One labelled article and what was made of it."""

    label: TopicLabel
    piece: Piece
    classification: Classification

    @property
    def themes(self) -> tuple[frozenset[str], frozenset[str]]:
        """The label's themes and the found ones."""
        return self._held_against(self.label.themes, self.classification.themes)

    @property
    def places(self) -> tuple[frozenset[str], frozenset[str]]:
        """The label's places and the found ones, primary or not."""
        return self._held_against(self.label.primary | self.label.secondary, self.classification.places)

    @property
    def primary_places(self) -> tuple[frozenset[str], frozenset[str]]:
        """The label's primary places and the ones found to be so."""
        primary = (each for each in self.classification.places if each.rank is Rank.PRIMARY)
        return self._held_against(self.label.primary, primary)

    def _held_against(self, wanted: frozenset[str], found: Iterable[Found]) -> tuple[frozenset[str], frozenset[str]]:
        """Return what is wanted and what was found, without what is in dispute."""
        return wanted, frozenset(each.key for each in found) - (self.label.disputed - wanted)


#: What is wanted, and what was found.
Sets = Callable[[Case], tuple[frozenset[str], frozenset[str]]]
MEASURES: dict[str, Sets] = {
    "places": lambda case: case.places,
    "primary places": lambda case: case.primary_places,
    "themes": lambda case: case.themes,
}


def read_cases(taxonomy: Taxonomy, labels: Path = LABELS, corpora: Path = CORPORA) -> list[Case]:
    """Return the articles that `labels` are of, classified."""
    cases = []
    for label in read_labels(labels):
        piece = read_piece(corpora, label)
        found = classify(taxonomy, title=piece.title, text=piece.text, language=label.language)
        cases.append(Case(label, piece, found))
    return cases


def precision_and_recall(cases: Iterable[Case], measure: Sets) -> tuple[float, float]:
    """Return which share of what was found is right, and which share of what is right was found."""
    right = found_all = wanted_all = 0
    for case in cases:
        wanted, found = measure(case)
        right += len(wanted & found)
        found_all += len(found)
        wanted_all += len(wanted)
    return right / max(found_all, 1), right / max(wanted_all, 1)


def articles_per_s(taxonomy: Taxonomy, cases: Sequence[Case]) -> float:
    """Return how many texts of `TIMED_WORDS` words are classified in a second of processor time."""
    words = " ".join(case.piece.text for case in cases if case.label.language == "en").split()
    starts = range(0, len(words) - TIMED_WORDS, max((len(words) - TIMED_WORDS) // TIMED_ARTICLES, 1))
    texts = [" ".join(words[start : start + TIMED_WORDS]) for start in starts][:TIMED_ARTICLES]
    classify(taxonomy, title="", text=texts[0], language="en")
    started = time.process_time()
    for text in texts:
        classify(taxonomy, title=text[:80], text=text, language="en")
    return len(texts) / (time.process_time() - started)


def as_markdown(cases: Sequence[Case], blind: Sequence[Case]) -> str:
    """Return the tables of all figures: of the cases by halves, and of those labelled blindly."""
    parts = {
        "looked at": [case for case in cases if not case.label.is_held_out],
        "held out": [case for case in cases if case.label.is_held_out],
        "labelled blindly": blind,
    }
    groups = {
        f"{part}, {language or 'both languages'}": [case for case in those if language in {"", case.label.language}]
        for part, those in parts.items()
        for language in ("fr", "en", "")
    }
    headings = ("labels", "articles", *(f"{name}: {what}" for name in MEASURES for what in ("precision", "recall")))
    rows = [
        (
            name,
            str(len(those)),
            *(f"{share:.3f}" for measure in MEASURES.values() for share in precision_and_recall(those, measure)),
        )
        for name, those in groups.items()
    ]
    return f"{as_table(headings, rows)}\n\n{_by_theme([*cases, *blind])}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path)
    arguments = parser.parse_args()
    if not CORPORA.exists():
        print("no corpora beside the repository, in ../shared/corpora")
        return 1
    taxonomy = load()
    cases, blind = read_cases(taxonomy), read_cases(taxonomy, BLIND_LABELS)
    rate = f"{articles_per_s(taxonomy, cases):,.0f} articles of {TIMED_WORDS} words a second, on one core."
    tables = f"{as_markdown(cases, blind)}\n\n{rate}\n"
    print(tables)
    _print_misses(cases)
    if arguments.into:
        page = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(put_between_marks(page, tables, "bench/topics.py"), encoding="utf-8")
    return 0


def _by_theme(cases: Sequence[Case]) -> str:
    right, false, missed = Counter[str](), Counter[str](), Counter[str]()
    for case in cases:
        wanted, found = case.themes
        right.update(wanted & found)
        false.update(found - wanted)
        missed.update(wanted - found)
    themes = sorted({*right, *false, *missed})
    rows = [(f"`{theme}`", *(str(count[theme] or "") for count in (right, false, missed))) for theme in themes]
    return as_table(("theme", "right", "false", "missed"), rows)


def _print_misses(cases: Iterable[Case]) -> None:
    for case in cases:
        for name in ("themes", "places"):
            wanted, found = MEASURES[name](case)
            if wanted != found:
                half = "held out" if case.label.is_held_out else "looked at"
                print(
                    f"  {half} {case.label.corpus} {case.label.item}: "
                    f"missed {sorted(wanted - found)}, false {sorted(found - wanted)}"
                )


if __name__ == "__main__":
    sys.exit(main())
