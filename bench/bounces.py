"""Measure how returned mails are read, on corpora that nobody here wrote: verdicts, recipients, and what was missed.

python bench/bounces.py                       print tables and misses
python bench/bounces.py --into PAGE.md        put the tables into a page, between its two marks
"""

import argparse
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.mail.reports.reading import read_report
from app.mail.reports.report import Report, Verdict
from bench.bounce_labels import RECIPIENTS_SETTLED, SETTLED, Label, read_labels
from bench.markdown import as_table, put_between_marks

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
NEGATIVES = "bounce-negatives"
#: Its "hard" is any failure that is not a delay.
_NO_HARDNESS = "bounce-flufl"


@dataclass(frozen=True)
class Case:
    """One mail of a corpus: its label, what was read, in how long."""

    source: str
    name: str
    label: Label
    report: Report
    seconds: float

    @property
    def is_right(self) -> bool:
        """Whether the verdict is one that the label leaves open."""
        return self.report.verdict in self.label.verdicts

    @property
    def has_right_recipients(self) -> bool:
        """Whether exactly the label's recipients were found."""
        found = {finding.recipient.lower() for finding in self.report.findings if finding.recipient}
        return found == self.label.recipients

    @property
    def is_of_check_half(self) -> bool:
        """Whether the mail belongs to the half at which nobody looked while the first rules were written."""
        return sha256(f"vigie:{self.name}".encode()).digest()[0] % 2 == 1


def read_corpora(corpora: Path = CORPORA) -> list[Case]:
    """Return all mails of the bounce corpora that have a label or a recipient."""
    return [case for corpus in sorted(corpora.glob("bounce-*")) for case in _read_corpus(corpus)]


def read_torture(corpora: Path = CORPORA) -> Iterator[tuple[str, float]]:
    """Yield the name of each hostile mail and the seconds that reading it took."""
    with tarfile.open(corpora / "mime-torture" / "open.tar.gz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None:
                yield member.name, _timed(file.read())[1]


def share_right(cases: Iterable[Case]) -> tuple[int, int]:
    """Return in how many mails with a label the verdict is right, and how many those are."""
    judged = [case.is_right for case in cases if case.label.verdicts]
    return sum(judged), len(judged)


def share_recipients(cases: Iterable[Case]) -> tuple[int, int]:
    """Return in how many mails with a told recipient exactly those were found, and how many those are."""
    judged = [case.has_right_recipients for case in cases if case.label.recipients]
    return sum(judged), len(judged)


def precision_of_hard(cases: Iterable[Case]) -> tuple[int, int]:
    """Return how many hard verdicts are right, of those whose label tells hard from soft."""
    given = [case for case in cases if case.report.verdict is Verdict.HARD and _is_decided(case)]
    return sum(case.is_right for case in given), len(given)


def recall_of_hard(cases: Iterable[Case]) -> tuple[int, int]:
    """Return how many of the mails about a dead address are told to be."""
    dead = [case for case in cases if case.label.verdicts == {Verdict.HARD}]
    return sum(case.is_right for case in dead), len(dead)


def recall_of(verdict: Verdict, cases: Iterable[Case]) -> tuple[int, int]:
    """Return how many of the mails labelled with one verdict got it."""
    labelled = [case for case in cases if case.label.verdicts == {verdict}]
    return sum(case.is_right for case in labelled), len(labelled)


def wrongly_hard(cases: Iterable[Case]) -> list[Case]:
    """Return the mails of hard findings on automatic replies, delay notices, full mailboxes and policy blocks."""
    return [
        case
        for case in cases
        for finding in case.report.findings
        if finding.verdict is Verdict.HARD and {"", (finding.recipient or "").lower()} & case.label.never_hard
    ]


def wrongly_counted(cases: Iterable[Case]) -> list[Case]:
    """Return the ordinary mails and automatic replies that were taken for a bounce or a complaint."""
    return [
        case
        for case in cases
        if case.source == NEGATIVES
        and case.label.verdicts <= {Verdict.NOT_A_BOUNCE, Verdict.AUTO_REPLY}
        and case.report.verdict not in {Verdict.NOT_A_BOUNCE, Verdict.AUTO_REPLY}
    ]


def as_markdown(cases: Sequence[Case]) -> str:
    """Return the tables of all figures."""
    sources = sorted({case.source for case in cases})
    rows = [_row_of_source(source, [case for case in cases if case.source == source]) for source in sources]
    halves = [
        _row_of_source("half looked at", [case for case in cases if not case.is_of_check_half]),
        _row_of_source("other half", [case for case in cases if case.is_of_check_half]),
        _row_of_source("all", cases),
    ]
    literal = [replace(case, label=replace(case.label, verdicts=case.label.literal)) for case in cases]
    halves.append(
        _row_of_source("all, labels at their word", [case for case in literal if case.source != _NO_HARDNESS])
    )
    headings = ("corpus", "right verdict", "right recipients", "hard: precision", "hard: recall")
    return "\n\n".join(
        (
            as_table(headings, [*rows, *halves]),
            _confusion(cases),
            f"Complaints found: {_percent(recall_of(Verdict.COMPLAINT, cases))}. Automatic replies recognised: "
            f"{_percent(recall_of(Verdict.AUTO_REPLY, cases))}. Hard verdicts on automatic replies, delay notices, "
            f"full mailboxes and blocks: {len(wrongly_hard(cases))}. Ordinary mails taken for a bounce or a complaint: "
            f"{len(wrongly_counted(cases))}.",
        )
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path)
    arguments = parser.parse_args()
    cases = read_corpora()
    if not cases:
        print("no bounce corpora beside the repository, in ../shared/corpora")
        return 1
    tables = as_markdown(cases) + "\n"
    print(tables)
    _print_misses(cases)
    slowest = max(read_torture(), key=lambda read: read[1])
    print(f"\nLongest reading: {max(case.seconds for case in cases) * 1000:.0f} ms.")
    print(f"mime-torture: no crash; the longest reading took {slowest[1] * 1000:.0f} ms ({slowest[0]})")
    if arguments.into:
        page = arguments.into.read_text(encoding="utf-8")
        arguments.into.write_text(put_between_marks(page, tables, "bench/bounces.py"), encoding="utf-8")
    return 0


def _read_corpus(corpus: Path) -> Iterator[Case]:
    for name, label in read_labels(corpus).items():
        if label.verdicts or label.recipients:
            report, seconds = _timed((corpus / "open" / name).read_bytes())
            yield Case(corpus.name, name, label, report, seconds)


def _timed(data: bytes) -> tuple[Report, float]:
    started = time.perf_counter()
    report = read_report(data)
    return report, time.perf_counter() - started


def _is_decided(case: Case) -> bool:
    return bool(case.label.verdicts) and not case.label.verdicts >= {Verdict.HARD, Verdict.SOFT}


def _row_of_source(name: str, cases: Sequence[Case]) -> Sequence[str]:
    shares = (share_right(cases), share_recipients(cases), precision_of_hard(cases), recall_of_hard(cases))
    return name, *map(_percent, shares)


def _percent(share: tuple[int, int]) -> str:
    part, whole = share
    return f"{part}/{whole} ({part / whole:.1%})" if whole else "–"


def _confusion(cases: Iterable[Case]) -> str:
    counts = Counter((_expected(case), case.report.verdict) for case in cases if case.label.verdicts)
    expected = sorted({wanted for wanted, _ in counts})
    rows = [(wanted, *(str(counts[wanted, given] or "") for given in Verdict)) for wanted in expected]
    return as_table(("label ╲ verdict", *Verdict), rows)


def _expected(case: Case) -> str:
    return " or ".join(verdict.value for verdict in Verdict if verdict in case.label.verdicts)


def _print_misses(cases: Iterable[Case]) -> None:
    print("Labels that the mail itself contradicts, and which count as it says:")
    for key, (_, reason) in SETTLED.items():
        print(f"  {key}: {reason}")
    for key in sorted(RECIPIENTS_SETTLED):
        print(f"  {key}: the label's recipient is not the one in the mail")
    print("Misses:")
    for case in cases:
        if case.label.verdicts and not case.is_right:
            means = ", ".join(
                f"{finding.status or '-'} {finding.meaning.name if finding.meaning else '-'}"
                for finding in case.report.findings[:3]
            )
            print(f"  {case.source}/{case.name}: {_expected(case)}, given {case.report.verdict} ({means})")
        if case.label.recipients and not case.has_right_recipients:
            print(f"  {case.source}/{case.name}: recipients differ")


if __name__ == "__main__":
    sys.exit(main())
