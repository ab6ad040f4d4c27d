"""How many letters a new sending address or domain may send on each day: pure functions of the plan and the day."""

from dataclasses import dataclass
from datetime import date, timedelta

#: Letters on the first day, in all and to one mailbox provider.
FIRST_DAY = 200
FIRST_DAY_PER_PROVIDER = 50


@dataclass(frozen=True)
class Allowance:
    """How many letters may go on one day, in all and to one provider."""

    total: int
    per_provider: int


@dataclass(frozen=True)
class WarmUp:
    """The plan for a new sending address or domain: little on the first day, then twice as much each day.

    `audience` is the number of readers, `largest_provider` how many of them one provider has (all, if unknown).
    `held_days`: days on which mail went too badly to double.
    """

    starts_on: date
    audience: int
    largest_provider: int | None = None
    held_days: int = 0

    @property
    def ends_on(self) -> date:
        """The first day whose allowance holds the whole audience; from then on nothing is limited."""
        largest = self.audience if self.largest_provider is None else self.largest_provider
        doublings = 0
        while FIRST_DAY << doublings < self.audience or FIRST_DAY_PER_PROVIDER << doublings < largest:
            doublings += 1
        return self.starts_on + timedelta(days=doublings + self.held_days)

    def allowance(self, day: date) -> Allowance | None:
        """Return the allowance of `day`, or None where the plan is over."""
        if day < self.starts_on:
            return Allowance(0, 0)
        if day >= self.ends_on:
            return None
        doublings = max(0, (day - self.starts_on).days - self.held_days)
        return Allowance(FIRST_DAY << doublings, FIRST_DAY_PER_PROVIDER << doublings)


def may_double(*, sent: int, deferred: int, complaints: int) -> bool:
    """Return whether a day's mail went well enough to double: under 5 % deferred, under 0.1 % complaints."""
    return deferred * 20 < sent and complaints * 1000 < sent
