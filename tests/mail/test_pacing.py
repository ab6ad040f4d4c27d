"""When letters are tried again."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from app.mail.pacing import retry_at
from app.mail.transport import Fault, Outcome, OutcomeKind
from tests.conftest import NOW

BUSY = Outcome(OutcomeKind.DEFERRED, 451, "4.3.0", "busy", Fault.DESTINATION)
FULL = Outcome(OutcomeKind.DEFERRED, 450, "4.2.0", "full", Fault.MAILBOX)
UNCERTAIN = Outcome(OutcomeKind.UNCERTAIN, text="no reply")
GREYLISTED = [
    Outcome(OutcomeKind.DEFERRED, 450, "4.7.1", "try again", Fault.SENDER),
    Outcome(OutcomeKind.DEFERRED, 451, None, "greylisted", Fault.DESTINATION),
    Outcome(OutcomeKind.DEFERRED, 450, "4.2.0", "greylisted", Fault.DESTINATION),
]


def tries(outcome: Outcome, jitter: float = 0.0) -> list[timedelta]:
    """When a letter is tried after the first time, if the outcome never changes."""
    at: datetime | None = NOW
    times = []
    while (at := retry_at(attempt=len(times) + 1, outcome=outcome, first_at=NOW, now=at, jitter=jitter)) is not None:
        times.append(at - NOW)
    return times


def test_tries_are_half_an_hour_then_hours_apart_for_four_to_five_days() -> None:
    times = tries(BUSY)
    assert times[:3] == [timedelta(minutes=30), timedelta(hours=1), timedelta(hours=3, minutes=30)]
    assert {later - earlier for earlier, later in pairwise(times[2:])} == {timedelta(minutes=150)}
    assert timedelta(days=4) <= times[-1] <= timedelta(days=5)


@pytest.mark.parametrize("outcome", GREYLISTED)
def test_a_greylist_is_tried_soon_once(outcome: Outcome) -> None:
    first, second = tries(outcome)[:2]
    assert timedelta(minutes=5) <= first <= timedelta(minutes=15)
    assert second - first == timedelta(minutes=30)


def test_a_full_mailbox_is_no_greylist() -> None:
    assert tries(FULL)[0] == timedelta(minutes=30)


def test_an_uncertain_letter_waits_for_the_server_to_finish() -> None:
    assert tries(UNCERTAIN)[0] == timedelta(minutes=15)


@pytest.mark.parametrize(("jitter", "minutes"), [(-1.0, 24), (0.5, 33), (1.0, 36)])
def test_retries_are_spread_by_a_fifth(jitter: float, minutes: int) -> None:
    assert tries(BUSY, jitter)[0] == timedelta(minutes=minutes)
