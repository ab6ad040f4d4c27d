"""What follows from a notice, by the numbers."""

from datetime import timedelta

import pytest

from app.feedback.notices import NoticeKind
from app.feedback.policy import (
    WITHOUT_CONSEQUENCE,
    Consequence,
    History,
    SoftBounce,
    TakenCopy,
    decide,
    is_complained_of,
    is_failing,
    is_spike,
)
from app.settings.feedback import FeedbackSettings
from tests.conftest import NOW

RULES = FeedbackSettings()
DAY = timedelta(days=1)


def softs(*days: float, editions: int = 10) -> tuple[SoftBounce, ...]:
    """Soft bounces so many days ago, of so many editions in turn."""
    return tuple(SoftBounce(NOW - day * DAY, place % editions) for place, day in enumerate(days))


@pytest.mark.parametrize(
    ("history", "is_over"),
    [
        (History(softs=softs(14, 10, 7, 3, 0)), True),
        (History(softs=softs(14, 10, 7, 0)), False),
        (History(softs=softs(13.9, 10, 7, 3, 0)), False),
        (History(softs=softs(14, 10, 7, 3, 0, editions=2)), False),
        (History(softs=softs(14, 10, 7, 3, 0, editions=3)), True),
        (History(softs=softs(14, 14.1, 14.2, 0, 0.1, 0.2)), False),
        (History(softs=softs(14, 10, 7, 3, 0), delivered=[NOW - 8 * DAY]), False),
        (History(softs=softs(40, 30, 20, 10, 0), delivered=[NOW - 41 * DAY]), True),
        (History(softs=softs(14, 10, 7, 3, 0), taken=[TakenCopy(NOW - 8 * DAY, has_bounced=False)]), False),
        (History(softs=softs(14, 10, 7, 3, 0), taken=[TakenCopy(NOW - 8 * DAY, has_bounced=True)]), True),
        (History(softs=softs(14, 10, 7, 3, 0), taken=[TakenCopy(NOW - 4 * DAY, has_bounced=False)]), True),
        (History(softs=softs(14, 10, 7, 3, 0), confirmed_at=NOW - 8 * DAY), False),
    ],
)
def test_soft_bounces_end_it_only_when_they_go_on_without_a_success(history: History, is_over: bool) -> None:
    assert is_failing(history, RULES, NOW) is is_over
    expected = Consequence.SUPPRESS_FAILING if is_over else Consequence.NOTHING
    assert decide(NoticeKind.SOFT, NOW, history, RULES, NOW) is expected


@pytest.mark.parametrize(
    ("kind", "since_confirmed", "before"),
    [
        (NoticeKind.HARD, Consequence.SUPPRESS_DEAD, Consequence.NOTHING),
        (NoticeKind.LEAVE, Consequence.LEAVE, Consequence.NOTHING),
        (NoticeKind.COMPLAINT, Consequence.COMPLAINED, Consequence.COMPLAINED),
        *((kind, Consequence.NOTHING, Consequence.NOTHING) for kind in NoticeKind
          if kind not in {NoticeKind.HARD, NoticeKind.LEAVE, NoticeKind.COMPLAINT}),
    ],
)  # fmt: skip
def test_what_is_older_than_the_confirmation_is_over_save_a_complaint(
    kind: NoticeKind, since_confirmed: Consequence, before: Consequence
) -> None:
    history = History(confirmed_at=NOW - DAY)
    assert decide(kind, NOW, history, RULES, NOW) is since_confirmed
    assert decide(kind, NOW - 2 * DAY, history, RULES, NOW) is before


def test_a_spike_is_more_than_a_fifth_and_at_least_twenty() -> None:
    assert is_spike(returned=21, sent=100, rules=RULES)
    assert not is_spike(returned=20, sent=100, rules=RULES)
    assert not is_spike(returned=19, sent=20, rules=RULES)


def test_one_complaint_alone_stops_no_edition_and_one_in_a_thousand_is_the_bound() -> None:
    assert not is_complained_of(complaints=1, sent=10, rules=RULES)
    assert is_complained_of(complaints=2, sent=1_999, rules=RULES)
    assert not is_complained_of(complaints=2, sent=2_000, rules=RULES)


@pytest.mark.parametrize("kind", NoticeKind)
def test_only_what_never_has_a_consequence_is_said_to_have_none(kind: NoticeKind) -> None:
    failing = History(softs=[SoftBounce(NOW - days * DAY, days) for days in range(30)])
    is_idle = decide(kind, NOW, failing, RULES, NOW) is Consequence.NOTHING
    assert is_idle == (kind in WITHOUT_CONSEQUENCE)
