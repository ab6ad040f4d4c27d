"""When and how fast to send: retries, a domain's pace, token buckets, an edition's auto-pause.

Pure functions of (state, now). States are immutable and hold plain values only, so that each fits a database row and
many processes may share it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from app.mail.meanings import Advice, Meaning
from app.mail.replies import advise, meaning_of
from app.mail.transport import Fault, Outcome, OutcomeKind

#: Two tries in the first hour, then every two to three hours, for four to five days (RFC 5321 §4.5.4.1).
FIRST_DELAY = timedelta(minutes=30)
LATER_DELAY = timedelta(hours=2, minutes=30)
GIVE_UP_AFTER = timedelta(days=4, hours=12)
#: A greylist lets the same envelope in after a few minutes (RFC 6647 §2).
GREYLIST_DELAY = timedelta(minutes=10)
GREYLIST_CODES = frozenset({421, 450, 451})
GREYLIST_STATUSES = frozenset({"4.7.1", "4.2.0", None})
SLOWING = frozenset({Advice.SLOW_DOMAIN, Advice.PAUSE_DOMAIN})
#: Time for the server that never answered to have done what it was going to do.
UNCERTAIN_DELAY = timedelta(minutes=15)
#: Retries are spread by up to this share, so that they do not all come back at once.
JITTER = 0.2

#: The limit that a domain without one gets when it first asks us to slow down, in letters a minute.
FIRST_LIMIT_PER_MINUTE = 60.0
LIMIT_MIN_PER_MINUTE = 1.0
#: A limit that has grown beyond this is none.
LIMIT_MAX_PER_MINUTE = 6_000.0
SLOWER = 0.5
FASTER = 1.1
CLEAN_BEFORE_FASTER = 20
#: Many connections may meet one "slow down" at once: it halves the rate once.
SLOWED_AT_MOST_EVERY = timedelta(minutes=1)
#: Clocks of several machines may differ by so much; a time further ahead was never right.
SKEW_MAX = timedelta(minutes=1)
BREAKER_AFTER = 5
BREAKER_OPEN_FOR = timedelta(minutes=30)

#: How many first results of an edition are judged, and which share of dead addresses among them is too many.
JUDGED_RESULTS = 200
DEAD_ADDRESSES_MAX = 0.05
REFUSALS_IN_A_ROW_MAX = 10


def retry_at(
    *,
    attempt: int,
    outcome: Outcome,
    first_at: datetime,
    now: datetime,
    jitter: float = 0.0,
) -> datetime | None:
    """Return when to try again after the `attempt`-th try (from 1) ended in `outcome`, or None to give up.

    `first_at` is when the letter was queued; `jitter` lies from -1 to 1. It only ever prolongs: the delays are the
    least that the standard allows.
    """
    due = now + _delay(attempt, outcome) * (1 + JITTER * abs(jitter))
    return due if due - first_at <= GIVE_UP_AFTER else None


class Breaker(StrEnum):
    """A domain's circuit breaker. `half-open`: one letter may try whether the domain takes our mail again."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True)
class Pace:
    """What one domain's replies have taught. `per_minute` is None while nothing and nobody asked for a limit."""

    per_minute: float | None = None
    clean: int = 0
    refusals_in_a_row: int = 0
    slowed_at: datetime | None = None
    open_until: datetime | None = None

    def breaker(self, now: datetime) -> Breaker:
        """Return whether letters may go to the domain."""
        if self.open_until is None or self.open_until > now + BREAKER_OPEN_FOR + SKEW_MAX:
            return Breaker.CLOSED  # what lies further ahead was written by a clock that was wrong
        return Breaker.OPEN if now < self.open_until else Breaker.HALF_OPEN

    @property
    def has_lesson(self) -> bool:
        """Whether anything stands that clean deliveries would change."""
        return self.per_minute is not None or self.open_until is not None or self.refusals_in_a_row > 0

    def limit(self, ceiling_per_minute: float | None = None) -> float | None:
        """Return the letters a minute that may go, under a ceiling from the settings, or None for no limit."""
        limits = [limit for limit in (self.per_minute, ceiling_per_minute) if limit is not None]
        return min(limits, default=None)


def learn(pace: Pace, outcome: Outcome, now: datetime, ceiling_per_minute: float | None = None) -> Pace:
    """Return the pace after one more outcome for the domain, whose letters went under a ceiling from the settings.

    An outcome that concerns the reader or the letter alone teaches nothing.
    """
    if outcome.kind is OutcomeKind.ACCEPTED:
        return _after_clean(pace)
    if _asks_to_slow(outcome):
        pace = _slowed(pace, now, ceiling_per_minute)
    if _is_policy_refusal(outcome) or _cannot_be_reached(outcome):
        pace = _after_refusal(pace, now, opens_at_once=advise(outcome) is Advice.PAUSE_DOMAIN)
    return pace


def teaches(outcome: Outcome) -> bool:
    """Return whether an outcome that is no acceptance says anything of its recipient's domain.

    A fault that came before the recipient was named is the relay's.
    """
    is_relays = outcome.concerns_route and not outcome.names_recipient
    return not is_relays and (_asks_to_slow(outcome) or _is_policy_refusal(outcome) or _cannot_be_reached(outcome))


@dataclass(frozen=True)
class Grant:
    """What a bucket gave: letters that may go, and the bucket to keep."""

    granted: int
    bucket: "TokenBucket"


@dataclass(frozen=True)
class TokenBucket:
    """Lets `per_minute` letters through, and up to `burst` at once; it held `tokens` at `filled_at`."""

    per_minute: float
    burst: int
    tokens: float
    filled_at: datetime

    def __post_init__(self) -> None:
        if self.per_minute <= 0 or self.burst < 1:
            raise ValueError("a bucket lets something through, or should not be there")

    def take(self, wanted: int, now: datetime) -> Grant:
        """Return how many of `wanted` letters may go now.

        A clock that went back fills nothing; from one that was far ahead on, time counts anew.
        """
        filled = self._filled(now)
        granted = max(0, min(wanted, int(filled.tokens)))
        return Grant(granted, replace(filled, tokens=filled.tokens - granted))

    def with_limit(self, per_minute: float, burst: int, now: datetime) -> "TokenBucket":
        """Return the bucket under a new limit; what it holds stays, as far as the new burst allows."""
        filled = self._filled(now)
        return TokenBucket(per_minute, burst, min(filled.tokens, float(burst)), filled.filled_at)

    def _filled(self, now: datetime) -> "TokenBucket":
        if self.filled_at - now > SKEW_MAX:
            return replace(self, filled_at=now)
        if now <= self.filled_at:
            return self
        gained = (now - self.filled_at) / timedelta(minutes=1) * self.per_minute
        return replace(self, tokens=min(float(self.burst), self.tokens + gained), filled_at=now)


class PauseReason(StrEnum):
    """Why an edition pauses by itself."""

    DEAD_ADDRESSES = "dead-addresses"
    REFUSALS = "refusals"
    TOO_LARGE = "too-large"
    COMPLAINTS = "complaints"


@dataclass(frozen=True)
class Results:
    """What an edition's results were so far; `dead_addresses` among the first 200 only. What is deferred has none."""

    count: int = 0
    dead_addresses: int = 0
    refusals_in_a_row: int = 0

    def including(self, outcome: Outcome) -> "Results":
        """Return the results with one more. Refusals are those of us or of the letter, not of one reader."""
        is_result = outcome.kind in {OutcomeKind.ACCEPTED, OutcomeKind.REJECTED}
        is_dead = outcome.fault is Fault.ADDRESS and self.count < JUDGED_RESULTS
        return Results(self.count + is_result, self.dead_addresses + is_dead, _refusals_in_a_row(self, outcome))

    @property
    def pause_reason(self) -> PauseReason | None:
        """Why the edition should pause, or None. It does not wait for 200 results once too many are sure."""
        if self.dead_addresses > JUDGED_RESULTS * DEAD_ADDRESSES_MAX:
            return PauseReason.DEAD_ADDRESSES
        return PauseReason.REFUSALS if self.refusals_in_a_row >= REFUSALS_IN_A_ROW_MAX else None


def _delay(attempt: int, outcome: Outcome) -> timedelta:
    if outcome.kind is OutcomeKind.UNCERTAIN:
        return UNCERTAIN_DELAY
    if attempt == 1 and _looks_like_greylist(outcome):
        return GREYLIST_DELAY
    return FIRST_DELAY if attempt <= 2 else LATER_DELAY


def _looks_like_greylist(outcome: Outcome) -> bool:
    """Return whether a reply may be a greylist's: they seldom say so, but never give another reason."""
    if outcome.code not in GREYLIST_CODES or outcome.enhanced not in GREYLIST_STATUSES:
        return False
    meaning = meaning_of(outcome)
    return outcome.fault is not Fault.MAILBOX and (meaning is Meaning.POLICY or meaning.advice not in SLOWING)


def _after_clean(pace: Pace) -> Pace:
    pace = replace(pace, clean=pace.clean + 1, refusals_in_a_row=0, open_until=None)
    if pace.clean < CLEAN_BEFORE_FASTER:
        return pace
    faster = pace.per_minute * FASTER if pace.per_minute else None
    return replace(pace, clean=0, per_minute=faster if faster and faster <= LIMIT_MAX_PER_MINUTE else None)


def _asks_to_slow(outcome: Outcome) -> bool:
    # A greylist that says its name holds up strangers at any rate.
    is_policy = (outcome.enhanced or "").startswith("4.7.") and outcome.fault is not Fault.DESTINATION
    return outcome.code == 421 or is_policy or advise(outcome) in SLOWING


def _is_policy_refusal(outcome: Outcome) -> bool:
    if outcome.kind is OutcomeKind.REJECTED:
        return outcome.fault is Fault.SENDER
    return advise(outcome) in SLOWING and not _looks_like_greylist(outcome)


def _cannot_be_reached(outcome: Outcome) -> bool:
    # Remembered, so that not each letter finds it out anew (RFC 5321 §4.5.4.1).
    return outcome.kind is OutcomeKind.DEFERRED and meaning_of(outcome) is Meaning.UNREACHABLE


def _slowed(pace: Pace, now: datetime, ceiling_per_minute: float | None) -> Pace:
    if pace.slowed_at is not None and -SKEW_MAX <= now - pace.slowed_at < SLOWED_AT_MOST_EVERY:
        return replace(pace, clean=0)
    slower = FIRST_LIMIT_PER_MINUTE if pace.per_minute is None else pace.per_minute * SLOWER
    if ceiling_per_minute is not None:
        slower = min(slower, ceiling_per_minute * SLOWER)  # a limit beyond the ceiling never was the rate
    return replace(pace, per_minute=max(LIMIT_MIN_PER_MINUTE, slower), clean=0, slowed_at=now)


def _after_refusal(pace: Pace, now: datetime, *, opens_at_once: bool) -> Pace:
    """Count a policy refusal. While the breaker is half-open, the count still stands: one more opens it again."""
    refusals = BREAKER_AFTER if opens_at_once else min(BREAKER_AFTER, pace.refusals_in_a_row + 1)
    open_until = now + BREAKER_OPEN_FOR if refusals == BREAKER_AFTER else pace.open_until
    return replace(pace, clean=0, refusals_in_a_row=refusals, open_until=open_until)


def _refusals_in_a_row(results: Results, outcome: Outcome) -> int:
    if outcome.kind is OutcomeKind.ACCEPTED:
        return 0
    is_ours = outcome.fault is Fault.AUTHENTICATION or (
        outcome.kind is OutcomeKind.REJECTED and outcome.fault in {Fault.SENDER, Fault.CONTENT}
    )
    return results.refusals_in_a_row + is_ours
