"""What a claim is while it is being worked on: its copies, what was made of them, and how long it holds."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property

from app.delivery.allowances import Draw
from app.delivery.claims import Copy
from app.delivery.composing import Made
from app.delivery.endings import Unsent, Withheld
from app.delivery.journal import Journal
from app.mail.providers import provider_of
from app.mail.transport import Outcome


@dataclass(eq=False)
class Hand:
    """One claim in hand: its copies, and what was made of each when they were looked up, at `looked_at`.

    `drawn`: what those of newsletters that warm up drew from, by their ids. `warming`: those newsletters, as known when
    the claim was made. Times are of the monotonic clock, in seconds.
    """

    owner: str
    journal: Journal
    copies: Sequence[Copy]
    made: list[Made]
    looked_at: float
    held_until: float
    settled: int = 0
    drawn: dict[int, Draw] = field(default_factory=dict)
    warming: AbstractSet[int] = frozenset()

    @property
    def chunk_ids(self) -> set[int]:
        """The chunks that the claim took."""
        return {copy.chunk.id for copy in self.copies}

    def provider_of(self, key: int) -> str | None:
        """Return whose mailbox a copy goes to, by its id, or None where it was not made."""
        made = self.made[self._places[key]]
        return None if isinstance(made, (Outcome, Withheld, Unsent)) else provider_of(made.recipient)

    @cached_property
    def _places(self) -> dict[int, int]:
        return {copy.id: place for place, copy in enumerate(self.copies)}
