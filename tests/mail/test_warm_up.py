"""What a new sender may send on each day."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.replies import Verb, classify, lost
from app.mail.transport import Fault, Outcome, OutcomeKind
from app.mail.warm_up import Allowance, Day, Held, WarmUp, is_setback

DAY = date(2026, 3, 16)
ONE = timedelta(days=1)


def full(day: date, doublings: int, setbacks: int = 0) -> Day:
    """A day whose allowance was used up."""
    allowance = Allowance.doubled(doublings)
    return Day(day, doublings, allowance.total, setbacks, allowance.per_provider)


def test_it_begins_with_two_hundred_letters_fifty_of_them_to_one_provider() -> None:
    plan = WarmUp(DAY, audience=5_000, largest_provider=1_000)
    assert plan.allowance(DAY - ONE) == Allowance(0, 0)
    assert plan.allowance(DAY) == plan.allowance(DAY + 9 * ONE) == Allowance(200, 50)


def test_the_allowance_doubles_after_a_good_day_and_once() -> None:
    plan = WarmUp(DAY, 5_000, 1_000, full(DAY, 0))
    assert plan.allowance(DAY) == Allowance(200, 50)
    assert plan.allowance(DAY + ONE) == Allowance(400, 100)
    assert plan.allowance(DAY + 5 * ONE) == Allowance(400, 100)
    assert WarmUp(DAY, 5_000, 1_000, full(DAY + 5 * ONE, 1)).allowance(DAY + 6 * ONE) == Allowance(800, 200)


def test_it_ends_on_the_first_day_that_holds_everybody() -> None:
    plan = WarmUp(DAY, audience=5_000, largest_provider=1_000)
    assert plan.ends_on(DAY) == DAY + 5 * ONE
    assert plan.ends_on(DAY - 3 * ONE) == DAY + 5 * ONE, "planned ahead"
    assert WarmUp(DAY, 5_000, 5_000).ends_on(DAY) == DAY + 7 * ONE, "all at one provider"
    assert WarmUp(DAY, 5_000, 1_000, full(DAY + 4 * ONE, 4)).allowance(DAY + 5 * ONE) is None
    assert WarmUp(DAY, 40, 40).ends_on(DAY) == DAY


def test_days_that_lead_to_no_doubling_move_the_end() -> None:
    plan = WarmUp(DAY, 5_000, 1_000, full(DAY + 3 * ONE, 1))
    assert plan.held_days(DAY + 3 * ONE) == 2
    assert plan.held_days(DAY + 4 * ONE) == 2
    assert plan.held_days(DAY + 6 * ONE) == 4, "two days without mail"
    assert plan.ends_on(DAY + 6 * ONE) == DAY + 9 * ONE


@pytest.mark.parametrize(
    ("day", "held"),
    [
        (Day(DAY, 0, sent=200, setbacks=9, busiest=10), None),
        (Day(DAY, 0, sent=200, setbacks=10, busiest=10), Held.DEFERRED),
        (Day(DAY, 0, sent=100, setbacks=0, busiest=10), None),
        (Day(DAY, 0, sent=99, setbacks=0, busiest=24), Held.LITTLE),
        (Day(DAY, 0, sent=99, setbacks=0, busiest=25), None),
        (Day(DAY, 3, sent=200, setbacks=0, busiest=50), Held.LITTLE),
        (Day(DAY, 0, sent=0, setbacks=0, busiest=0), Held.NOTHING),
        (Day(DAY, 0, sent=200, setbacks=0, busiest=50, complaints=1), None),
        (Day(DAY, 0, sent=200, setbacks=0, busiest=50, complaints=2), Held.COMPLAINTS),
        (Day(DAY, 4, sent=2_000, setbacks=0, busiest=500, complaints=2), Held.COMPLAINTS),
        (Day(DAY, 4, sent=2_001, setbacks=0, busiest=500, complaints=2), None),
    ],
)
def test_a_day_doubles_the_next_one_if_it_was_used_and_went_well(day: Day, held: Held | None) -> None:
    assert day.held is held
    assert WarmUp(DAY, 10**6, 10**6, day).doublings(DAY + ONE) == day.doublings + (held is None)


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        (classify(Verb.CONTENT, 421, "4.7.28 too fast"), True),
        (classify(Verb.CONTENT, 451, "4.3.0 later"), True),
        (classify(Verb.RCPT, 450, "4.2.0 Greylisted, try again in 300 seconds"), False),
        (classify(Verb.CONTENT, 550, "5.7.1 policy"), True),
        (classify(Verb.CONTENT, 550, "5.7.1 low reputation of the sending domain"), True),
        (classify(Verb.RCPT, 550, "5.1.1 no such user"), False),
        (classify(Verb.CONTENT, 552, "5.3.4 too large"), False),
        (lost(Verb.CONTENT, "no reply"), False),
        (Outcome(OutcomeKind.DEFERRED, 421, fault=Fault.HOST), False),
    ],
)
def test_what_speaks_against_the_sender(outcome: Outcome, counts: bool) -> None:
    assert is_setback(outcome) is counts


@given(st.integers(1, 5_000_000), st.integers(1, 5_000_000), st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_it_never_jumps_and_ends_when_all_goes_well(audience: int, largest: int, pauses: list[int]) -> None:
    last, day = None, DAY
    totals = []
    for pause in pauses:
        plan = WarmUp(DAY, audience, largest, last)
        if (allowance := plan.allowance(day)) is None:
            break
        totals.append(allowance.total)
        assert allowance.total < audience or allowance.per_provider < largest
        last = full(day, plan.doublings(day))
        day += timedelta(days=1 + pause)
    assert all(later == 2 * earlier for earlier, later in pairwise(totals))
    assert len(totals) < 30
