"""When letters are tried again, and how fast, how many, and whether at all they go."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.pacing import (
    BREAKER_OPEN_FOR,
    LIMIT_MAX_PER_MINUTE,
    LIMIT_MIN_PER_MINUTE,
    Breaker,
    Pace,
    PauseReason,
    Results,
    TokenBucket,
    learn,
    retry_at,
)
from app.mail.replies import Verb, classify, lost
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


@pytest.mark.parametrize(("jitter", "minutes"), [(-1.0, 36), (0.0, 30), (0.5, 33), (1.0, 36)])
def test_retries_are_spread_by_a_fifth_and_never_early(jitter: float, minutes: int) -> None:
    assert tries(BUSY, jitter)[0] == timedelta(minutes=minutes)


@given(st.floats(-1, 1))
def test_any_jitter_keeps_within_what_the_standard_wants(jitter: float) -> None:
    times = [timedelta(0), *tries(BUSY, jitter)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert times[1] <= timedelta(hours=1)
    assert min(gaps) >= timedelta(minutes=30)
    assert all(timedelta(hours=2) <= gap <= timedelta(hours=3) for gap in gaps[2:])
    assert timedelta(days=4) <= times[-1] <= timedelta(days=5)
    assert timedelta(minutes=5) <= tries(GREYLISTED[0], jitter)[0] <= timedelta(minutes=15)


def test_a_named_reason_is_no_greylist() -> None:
    assert tries(classify(Verb.RCPT, 450, "4.7.1 Refused SFR_IN_101"))[0] == timedelta(minutes=30)


ACCEPTED = classify(Verb.CONTENT, 250, "2.0.0 Ok")
TOO_FAST = classify(Verb.RCPT, 451, "4.7.500 Server busy")
REFUSED = classify(Verb.RCPT, 550, "5.7.1 Refused")
BLOCKED = classify(Verb.RCPT, 550, "5.7.606 Banned")
DEAD = classify(Verb.RCPT, 550, "5.1.1 User unknown")
NAMED_GREYLIST = classify(Verb.RCPT, 451, "4.7.1 Greylisted")
OUTCOMES = [ACCEPTED, TOO_FAST, REFUSED, BLOCKED, DEAD, NAMED_GREYLIST, BUSY, FULL, UNCERTAIN, *GREYLISTED]
MINUTE = timedelta(minutes=1)


def taught(pace: Pace, *outcomes: Outcome, now: datetime = NOW) -> Pace:
    for outcome in outcomes:
        pace = learn(pace, outcome, now)
    return pace


def test_a_domain_has_no_limit_until_a_reply_or_a_setting_asks_for_one() -> None:
    assert taught(Pace(), *[ACCEPTED] * 100, DEAD, FULL, BUSY, UNCERTAIN, NAMED_GREYLIST).limit() is None
    assert Pace().limit(30.0) == 30.0
    assert Pace(per_minute=100.0).limit(30.0) == 30.0
    assert Pace(per_minute=20.0).limit(30.0) == 20.0


@pytest.mark.parametrize(
    "outcome",
    [
        TOO_FAST,
        classify(Verb.RCPT, 421, "4.3.2 Shutting down"),
        classify(Verb.RCPT, 450, "4.7.1 Refused"),
        classify(Verb.RCPT, 550, "OFR_103 Veuillez essayer plus tard"),
    ],
)
def test_a_request_to_slow_down_halves_the_rate(outcome: Outcome) -> None:
    assert learn(Pace(per_minute=80.0), outcome, NOW).per_minute == 40.0
    assert learn(Pace(per_minute=1.5), outcome, NOW).per_minute == 1.0
    assert learn(Pace(), outcome, NOW).per_minute == 60.0
    assert learn(Pace(), outcome, NOW, ceiling_per_minute=30.0).per_minute == 15.0
    assert learn(Pace(per_minute=5000.0), outcome, NOW, ceiling_per_minute=30.0).per_minute == 15.0


def test_many_requests_at_once_halve_the_rate_once() -> None:
    pace = taught(Pace(per_minute=80.0), TOO_FAST, TOO_FAST, TOO_FAST)
    assert pace.per_minute == 40.0
    assert learn(pace, TOO_FAST, NOW + MINUTE).per_minute == 20.0


def test_twenty_clean_deliveries_raise_the_rate_by_a_tenth() -> None:
    pace = taught(Pace(per_minute=40.0), *[ACCEPTED] * 19)
    assert pace.per_minute == 40.0
    assert taught(pace, ACCEPTED).per_minute == pytest.approx(44.0)
    assert taught(pace, REFUSED, ACCEPTED).per_minute == 20.0
    assert taught(Pace(per_minute=LIMIT_MAX_PER_MINUTE), *[ACCEPTED] * 20).per_minute is None


@given(st.lists(st.tuples(st.sampled_from(OUTCOMES), st.integers(0, 300)), max_size=300))
def test_a_limit_stays_within_its_bounds(events: list[tuple[Outcome, int]]) -> None:
    pace, now = Pace(per_minute=60.0), NOW
    for outcome, seconds in events:
        now += timedelta(seconds=seconds)
        before, pace = pace, learn(pace, outcome, now)
        assert pace.per_minute is None or LIMIT_MIN_PER_MINUTE <= pace.per_minute <= LIMIT_MAX_PER_MINUTE
        if before.per_minute and pace.per_minute:
            assert 0.5 <= pace.per_minute / before.per_minute <= 1.1 + 1e-9
            assert outcome is ACCEPTED or pace.per_minute <= before.per_minute


def test_five_policy_refusals_in_a_row_open_the_breaker() -> None:
    four = taught(Pace(), *[REFUSED] * 4)
    assert four.breaker(NOW) is Breaker.CLOSED
    assert taught(four, ACCEPTED, REFUSED).breaker(NOW) is Breaker.CLOSED
    opened = taught(four, DEAD, REFUSED)
    assert opened.breaker(NOW + BREAKER_OPEN_FOR - MINUTE) is Breaker.OPEN
    assert opened.breaker(NOW + BREAKER_OPEN_FOR) is Breaker.HALF_OPEN


def test_one_letter_decides_after_the_breaker_was_open() -> None:
    later = NOW + BREAKER_OPEN_FOR
    opened = taught(Pace(), *[REFUSED] * 5)
    assert learn(opened, REFUSED, later).breaker(later) is Breaker.OPEN
    assert learn(opened, DEAD, later).breaker(later) is Breaker.HALF_OPEN
    assert learn(opened, ACCEPTED, later).breaker(later) is Breaker.CLOSED


def test_a_block_opens_the_breaker_at_once() -> None:
    assert learn(Pace(), BLOCKED, NOW).breaker(NOW) is Breaker.OPEN


def test_a_greylist_never_opens_the_breaker() -> None:
    assert taught(Pace(), *GREYLISTED * 5, *[NAMED_GREYLIST] * 10).breaker(NOW) is Breaker.CLOSED


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    bucket = TokenBucket(per_minute=60.0, burst=10, tokens=10.0, filled_at=NOW)
    grant = bucket.take(25, NOW)
    assert grant.granted == 10
    grant = grant.bucket.take(25, NOW + timedelta(seconds=5))
    assert grant.granted == 5
    assert grant.bucket.take(1, NOW).granted == 0  # the clock went back
    assert bucket.with_limit(30.0, 4, NOW).take(25, NOW).granted == 4


def test_a_clock_that_was_far_ahead_locks_nothing() -> None:
    ahead = NOW + timedelta(days=3)
    slowed, opened = taught(Pace(per_minute=80.0), TOO_FAST, now=ahead), taught(Pace(), *[REFUSED] * 5, now=ahead)
    assert learn(slowed, TOO_FAST, NOW).per_minute == 20.0
    assert opened.breaker(NOW) is Breaker.CLOSED
    assert learn(opened, REFUSED, NOW).breaker(NOW) is Breaker.OPEN
    bucket = TokenBucket(60.0, 10, 0.0, ahead).take(5, NOW).bucket
    assert (bucket.tokens, bucket.filled_at) == (0.0, NOW)
    assert bucket.take(5, NOW + timedelta(seconds=5)).granted == 5


def test_clocks_that_differ_by_seconds_are_let_differ() -> None:
    ahead = NOW + timedelta(seconds=30)
    assert learn(taught(Pace(per_minute=80.0), TOO_FAST, now=ahead), TOO_FAST, NOW).per_minute == 40.0
    assert taught(Pace(), *[REFUSED] * 5, now=ahead).breaker(NOW) is Breaker.OPEN
    assert TokenBucket(60.0, 10, 0.0, ahead).take(5, NOW).bucket.filled_at == ahead


def test_a_bucket_that_lets_nothing_through_is_refused() -> None:
    for per_minute, burst in [(0.0, 1), (-1.0, 1), (1.0, 0)]:
        with pytest.raises(ValueError, match="lets something through"):
            TokenBucket(per_minute, burst, 0.0, NOW)


TAKES = st.lists(st.tuples(st.integers(0, 100), st.integers(-1_000, 120_000)), max_size=60)


@given(st.floats(0.1, 10_000), st.integers(1, 500), TAKES)
def test_a_bucket_never_gives_more_than_rate_and_burst(rate: float, burst: int, takes: list[tuple[int, int]]) -> None:
    bucket, now, latest, granted = TokenBucket(rate, burst, float(burst), NOW), NOW, NOW, 0
    for wanted, milliseconds in takes:
        now += timedelta(milliseconds=milliseconds)
        latest = max(latest, now)
        grant = bucket.take(wanted, now)
        bucket, granted = grant.bucket, granted + grant.granted
        assert 0 <= grant.granted <= wanted
        assert granted <= rate * ((latest - NOW) / MINUTE) + burst + 1e-6


def results(*outcomes: Outcome) -> Results:
    counted = Results()
    for outcome in outcomes:
        counted = counted.including(outcome)
    return counted


def test_more_than_one_dead_address_in_twenty_pauses_an_edition() -> None:
    good, bad = [ACCEPTED] * 100, [DEAD] * 10
    assert results(*good, *bad).pause_reason is None
    assert results(*good, *bad, DEAD).pause_reason is PauseReason.DEAD_ADDRESSES
    assert results(*good, *good, *bad, DEAD).pause_reason is None  # beyond the first 200
    assert results(*good, *bad, *[BUSY] * 200, DEAD).pause_reason is PauseReason.DEAD_ADDRESSES


@pytest.mark.parametrize("refusal", [REFUSED, classify(Verb.CONTENT, 550, "spam detected"), lost(Verb.AUTH, "refused")])
def test_refusals_in_a_row_pause_an_edition(refusal: Outcome) -> None:
    assert results(*[refusal] * 9).pause_reason is None
    assert results(*[refusal] * 9, FULL, refusal).pause_reason is PauseReason.REFUSALS
    assert results(*[refusal] * 9, ACCEPTED, refusal).pause_reason is None


def test_faults_of_readers_and_their_servers_pause_nothing_in_a_row() -> None:
    assert results(*[FULL, BUSY, TOO_FAST] * 50).pause_reason is None
