"""How many letters a new sending address or domain may send on each day: pure functions of the plan and its days."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from app.mail.meanings import Meaning
from app.mail.replies import meaning_of
from app.mail.transport import Fault, Outcome, OutcomeKind

#: Letters on the first day, in all and to one mailbox provider.
FIRST_DAY = 200
FIRST_DAY_PER_PROVIDER = 50


class Held(StrEnum):
    """Why the allowance does not double after a day."""

    NOTHING = "nothing"
    LITTLE = "little"
    DEFERRED = "deferred"
    COMPLAINTS = "complaints"


@dataclass(frozen=True)
class Allowance:
    """How many letters may go on one day, in all and to one provider."""

    total: int
    per_provider: int

    @classmethod
    def doubled(cls, times: int) -> "Allowance":
        """Return the allowance of the first day, doubled so many times."""
        return cls(FIRST_DAY << times, FIRST_DAY_PER_PROVIDER << times)


@dataclass(frozen=True)
class Day:
    """What went on one day, whose allowance had been doubled `doublings` times.

    `sent` and `setbacks` count letters, `busiest` those to the provider that got most, `complaints` readers.
    """

    day: date
    doublings: int
    sent: int
    setbacks: int
    busiest: int
    complaints: int = 0

    @property
    def held(self) -> Held | None:
        """Why the next allowance is no larger: too many were put off or refused, or readers complained, or too few went
        to show anything, as in a trickle after which a doubled allowance would let far more than twice as many go at
        once.
        """
        if self.sent <= 0:
            return Held.NOTHING
        if self.setbacks * 20 >= self.sent:
            return Held.DEFERRED
        if self.complaints > 1 and self.complaints * 1_000 >= self.sent:
            return Held.COMPLAINTS
        allowance = Allowance.doubled(self.doublings)
        is_used = self.sent * 2 >= allowance.total or self.busiest * 2 >= allowance.per_provider
        return None if is_used else Held.LITTLE


@dataclass(frozen=True)
class WarmUp:
    """The plan for a new sending address or domain: little on the first day, twice as much after each good day.

    `audience` is the number of readers, `largest_provider` how many of them one provider has. `last` is the last day on
    which anything was to go. An allowance doubles only after such a day, and once: a pause doubles nothing.
    """

    starts_on: date
    audience: int
    largest_provider: int
    last: Day | None = None

    def doublings(self, day: date) -> int:
        """Return how many times the allowance has doubled by `day`."""
        if self.last is None:
            return 0
        return self.last.doublings + (day > self.last.day and self.last.held is None)

    def allowance(self, day: date) -> Allowance | None:
        """Return the allowance of `day`, or None where it would hold the whole audience: then nothing is limited."""
        if day < self.starts_on:
            return Allowance(0, 0)
        doublings = self.doublings(day)
        return Allowance.doubled(doublings) if doublings < self._doublings_needed else None

    def ends_on(self, today: date) -> date:
        """Return the first day without a limit, if from `today` on mail goes every day and goes well."""
        lacking = max(0, self._doublings_needed - self.doublings(today))
        return max(today, self.starts_on) + timedelta(days=lacking)

    def held_days(self, today: date) -> int:
        """Return how many days before `today` were followed by no doubling."""
        return max(0, (today - self.starts_on).days - self.doublings(today))

    @property
    def _doublings_needed(self) -> int:
        doublings = 0
        while FIRST_DAY << doublings < self.audience or FIRST_DAY_PER_PROVIDER << doublings < self.largest_provider:
            doublings += 1
        return doublings


def is_setback(outcome: Outcome) -> bool:
    """Return whether an outcome speaks against the sender: the letter was put off, or refused on the sender's account.

    A greylist does not: it puts off every stranger, and each letter's envelope sender is one. Nor does a fault that
    came before the recipient was named: that is the relay's.
    """
    if outcome.kind is OutcomeKind.REJECTED:
        return outcome.fault is Fault.SENDER
    is_relays = outcome.concerns_route and not outcome.names_recipient
    is_deferred = outcome.kind is OutcomeKind.DEFERRED and not is_relays
    return is_deferred and meaning_of(outcome) is not Meaning.GREYLISTED
