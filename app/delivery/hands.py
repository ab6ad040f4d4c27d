"""What a claim is while it is being worked on: its copies, what was made of them, and how long it holds."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.delivery.claims import Copy
from app.delivery.composing import Made
from app.delivery.journal import Journal


@dataclass(eq=False)
class Hand:
    """One claim in hand: its copies, and what was made of each when they were looked up, at `looked_at`.

    Times are of the monotonic clock, in seconds.
    """

    owner: str
    journal: Journal
    copies: Sequence[Copy]
    made: list[Made]
    looked_at: float
    held_until: float
    settled: int = 0

    @property
    def chunk_ids(self) -> set[int]:
        """The chunks that the claim took."""
        return {copy.chunk.id for copy in self.copies}
