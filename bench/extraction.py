"""Measure how well articles are taken out of web pages, on corpora that nobody here wrote, as their benchmarks do.

python bench/extraction.py                       print the table and the worst pages
python bench/extraction.py --into PAGE.md        put the table into a page, between its two marks
"""

import argparse
import json
import re
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import trafilatura

from app.articles.extract import extract_file
from app.errors import InputRefused
from bench.markdown import as_table, put_between_marks

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
SHINGLE_WORDS = 4
_WORD = re.compile(r"\w+")
_SIGN_UP = re.compile(
    r"sign up (?:for|to) our|subscribe to our|abonnez-vous à|inscrivez-vous à (?:notre|la) newsletter", re.I
)


@dataclass(frozen=True)
class Page:
    """One page: what was taken out of it by us and by the library alone, and the seconds that ours took.

    We keep the title apart, the library leaves it at the head of the text.
    """

    name: str
    title: str
    ours: str
    library: str
    seconds: float


@dataclass(frozen=True)
class Score:
    """Precision and recall, and of how many pages."""

    precision: float
    recall: float
    pages: int

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def read_pages(corpus: str, names: Sequence[str], corpora: Path = CORPORA) -> Iterator[Page]:
    """Yield the pages of these names, read twice: through `extract_file`, and by the library as it comes."""
    wanted = set(names)
    with tarfile.open(corpora / corpus / "open.tar.xz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() and member.name in wanted else None
            if file is not None:
                yield _page(member.name, file.read())


def score_of_shingles(pairs: Sequence[tuple[str, str]]) -> Score:
    """Score (expected, extracted) texts as scrapinghub/article-extraction-benchmark does.

    Shingles of four words, counted; each page weighs the same; precision and recall are means over pages.
    """
    precisions, recalls = zip(*(_shares(*pair) for pair in pairs), strict=True)
    return Score(sum(precisions) / len(pairs), sum(recalls) / len(pairs), len(pairs))


def score_of_strings(cases: Sequence[tuple[str, Sequence[str], Sequence[str]]]) -> Score:
    """Score (extracted, must hold, must not hold) as trafilatura's evaluation does: over all strings at once."""
    found = missed = wrong = 0
    for text, wanted, unwanted in cases:
        flowing = _flowing(text)
        hits = sum(_flowing(string) in flowing for string in wanted)
        found, missed = found + hits, missed + len(wanted) - hits
        wrong += sum(_flowing(string) in flowing for string in unwanted)
    return Score(found / (found + wrong), found / (found + missed), len(cases))


def measure_scrapinghub() -> tuple[list[Page], dict[str, str]]:
    """Return the pages of articles-scrapinghub, and the expected text of each by its name."""
    truth = json.loads((CORPORA / "articles-scrapinghub" / "open.ground-truth.json").read_text(encoding="utf-8"))
    expected = {f"{name}.html": entry["articleBody"] for name, entry in truth.items()}
    return list(read_pages("articles-scrapinghub", list(expected))), expected


def measure_trafilatura() -> tuple[list[Page], dict[str, dict[str, object]]]:
    """Return the pages of articles-trafilatura, and the strings and language of each by its name."""
    truth = json.loads((CORPORA / "articles-trafilatura" / "open.ground-truth.json").read_text(encoding="utf-8"))
    entries = {entry["file"]: entry for entry in truth.values()}
    return list(read_pages("articles-trafilatura", list(entries))), entries


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path)
    arguments = parser.parse_args()
    if not (CORPORA / "articles-scrapinghub").is_dir():
        print("no article corpora beside the repository, in ../shared/corpora")
        return 1
    shingled, expected = measure_scrapinghub()
    stringed, entries = measure_trafilatura()
    table = _table(shingled, expected, stringed, entries)
    print(table)
    for page in sorted(shingled, key=lambda page: _shares(expected[page.name], page.ours))[:5]:
        print(f"  worst: {page.name} {_shares(expected[page.name], page.ours)}")
    if arguments.into:
        page_text = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(put_between_marks(page_text, table, "bench/extraction.py"), encoding="utf-8")
    return 0


def _table(shingled, expected, stringed, entries) -> str:
    rows = []
    for who in ("ours", "library"):
        label = {"ours": "Vigie", "library": "the library as it comes"}[who]
        rows.append(
            _row("scrapinghub", label, score_of_shingles([(expected[p.name], getattr(p, who)) for p in shingled]))
        )
        for name, keep in (
            ("trafilatura", lambda entry: True),
            ("… in English and French", lambda entry: entry["html_lang"] in {"en", "fr"}),
        ):
            cases = [
                (
                    f"{p.title}\n{p.ours}" if who == "ours" else p.library,
                    entries[p.name]["with"],
                    entries[p.name]["without"],
                )
                for p in stringed
                if keep(entries[p.name])
            ]
            rows.append(_row(name, label, score_of_strings(cases)))
    slowest = max([*shingled, *stringed], key=lambda page: page.seconds)
    invited = sum(bool(_SIGN_UP.search(page.ours)) for page in [*shingled, *stringed])
    return "\n\n".join(
        (
            as_table(("corpus", "read by", "pages", "precision", "recall", "F1"), rows),
            f"Longest reading: {slowest.seconds * 1000:.0f} ms. Texts that ask for a sign-up: {invited}.\n",
        )
    )


def _row(corpus: str, who: str, score: Score) -> tuple[str, ...]:
    return corpus, who, str(score.pages), f"{score.precision:.3f}", f"{score.recall:.3f}", f"{score.f1:.3f}"


def _page(name: str, data: bytes) -> Page:
    started = time.perf_counter()
    try:
        found = extract_file(data, name)
        title, ours = found.title or "", found.text
    except InputRefused as refusal:
        print(f"  refused: {name}: {refusal}")
        title = ours = ""
    seconds = time.perf_counter() - started
    return Page(name, title, ours, trafilatura.extract(data, include_comments=False) or "", seconds)


def _shares(expected: str, extracted: str) -> tuple[float, float]:
    true, given = _shingles(expected), _shingles(extracted)
    hits, wrong, missed = ((true & given).total(), (given - true).total(), (true - given).total())
    if wrong == missed == 0:
        return 1.0, 1.0
    return (hits / (hits + wrong) if hits + wrong else 0.0), (hits / (hits + missed) if hits + missed else 0.0)


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text)
    return Counter(
        tuple(words[at : at + SHINGLE_WORDS]) for at in range(max(1, len(words) - SHINGLE_WORDS + 1)) if words
    )


def _flowing(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
