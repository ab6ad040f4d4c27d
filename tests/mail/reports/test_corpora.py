"""Mails that nobody here wrote: verdicts and recipients, measured as `make eval` does."""

import pytest

from app.mail.reports.report import Verdict
from bench import bounces
from bench.bounces import CORPORA, Case

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """All labelled mails, read."""
    found = bounces.read_corpora()
    if not found:
        pytest.skip(f"the bounce corpora are not at {CORPORA}")
    return found


def share(counts: tuple[int, int]) -> float:
    """How many of a whole."""
    return counts[0] / counts[1]


def test_verdicts_and_recipients_are_right(cases: list[Case]) -> None:
    assert len(cases) > 600
    assert share(bounces.share_right(cases)) >= 0.95
    assert share(bounces.share_recipients(cases)) >= 0.95


def test_hard_is_a_dead_address_and_nothing_else(cases: list[Case]) -> None:
    assert share(bounces.precision_of_hard(cases)) >= 0.97
    assert share(bounces.recall_of_hard(cases)) >= 0.90
    assert [case.name for case in bounces.wrongly_hard(cases)] == []


def test_complaints_are_found_and_nothing_ordinary_is_counted(cases: list[Case]) -> None:
    assert share(bounces.recall_of(Verdict.COMPLAINT, cases)) == 1
    assert share(bounces.recall_of(Verdict.AUTO_REPLY, cases)) >= 0.90
    assert [case.name for case in bounces.wrongly_counted(cases)] == []


def test_no_mail_takes_long(cases: list[Case]) -> None:
    assert max(case.seconds for case in cases) < 1


def test_torture_breaks_nothing() -> None:
    if not (CORPORA / "mime-torture").exists():
        pytest.skip(f"mime-torture is not at {CORPORA}")
    seconds = [taken for _, taken in bounces.read_torture()]
    assert len(seconds) > 400
    assert max(seconds) < 1
