"""What a claim is while it is being worked on: its copies, what was made of them, and how long it holds."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from app.delivery.allowances import Draw
from app.delivery.claims import Copy
from app.delivery.composing import Made, Ready
from app.delivery.journal import Journal
from app.mail.providers import provider_of


@dataclass(eq=False)
class Hand:
    """One claim in hand: its copies, and what was made of each when they were looked up, at `looked_at`.

    `went_to`: which provider each copy goes to, by its id, once a transport has it. `drawn`: what those of newsletters
    that warm up drew from, by their ids. `warming`: those newsletters, as known when the claim was made. Times are of
    the monotonic clock, in seconds.
    """

    owner: str
    journal: Journal
    copies: Sequence[Copy]
    made: list[Made]
    looked_at: float
    held_until: float
    settled: int = 0
    went_to: dict[int, str] = field(default_factory=dict)
    drawn: dict[int, Draw] = field(default_factory=dict)
    warming: AbstractSet[int] = frozenset()

    @property
    def chunk_ids(self) -> set[int]:
        """The chunks that the claim took."""
        return {copy.chunk.id for copy in self.copies}

    def hand_out(self, copy: Copy, ready: Ready) -> None:
        """Note that a copy goes now: no limit holds it back any more."""
        self.went_to[copy.id] = provider_of(ready.recipient)
