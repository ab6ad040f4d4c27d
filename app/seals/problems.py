"""What a verification found: problems, a line each, that tell of no person."""

from dataclasses import dataclass, field

#: Problems kept; all of them are counted.
KEPT_PROBLEMS = 1_000


@dataclass(frozen=True)
class Problem:
    """Something that is not as it was recorded: in which chain or seal, at which place, and what."""

    where: str
    seq: int | None
    what: str

    def __str__(self) -> str:
        place = "" if self.seq is None else f" {self.seq}"
        return f"{self.where}{place}: {self.what}"


@dataclass
class Report:
    """What was looked at, and the problems. `sealed_until` is the day of the newest seal.

    `past_seals` are from before the time since which all chains are kept, and so could not be recomputed.
    """

    chains: int = 0
    events: int = 0
    stubs: int = 0
    audit_entries: int = 0
    seals: int = 0
    past_seals: int = 0
    files: int = 0
    sealed_until: str | None = None
    problem_count: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, where: str, seq: int | None, what: str) -> None:
        """Add a problem."""
        self.problem_count += 1
        if len(self.problems) < KEPT_PROBLEMS:
            self.problems.append(Problem(where, seq, what))
