"""How editions' copies stand by provider, and how fast they come to an end: counted as they are settled.

A million rows need not be read to know it. Each sender adds to rows of its own, so that none waits for another. What a
sender cannot know (a reader who left, a copy that a dead sender had in hand) is right again at the next count of all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Base, insert_into
from app.delivery.claims import Copy
from app.delivery.endings import Ending, Settlement, Unsent, Withheld
from app.delivery.hands import Hand
from app.delivery.senders import ProviderOutcomes, Pulse
from app.mail.transport import OutcomeKind

#: Speed is known by steps of this length.
PULSE = timedelta(seconds=10)
#: Columns of `ProviderOutcomes`, in the order in which a copy may go through them.
STANDINGS = ("waiting", "deferred", "accepted", "rejected", "uncertain", "given_up")
_ENDED_BY_TRY = frozenset({"accepted", "rejected", "uncertain"})
_STANDING_AFTER = {
    OutcomeKind.ACCEPTED: "accepted",
    OutcomeKind.DEFERRED: "deferred",
    OutcomeKind.REJECTED: "rejected",
    OutcomeKind.UNCERTAIN: "uncertain",
}


class OutcomeBook:
    """What one sender adds for the editions of one run. `sender` names its process, within 40 characters."""

    def __init__(self, sender: str) -> None:
        self._sender = sender
        self._named: dict[int, frozenset[str]] = {}

    def count(self, session: Session, by_hand: Mapping[Hand, Sequence[Settlement]], *, now: datetime) -> None:
        """Add how copies ended, in the transaction that settles them."""
        moved: defaultdict[tuple[int, str], Counter[str]] = defaultdict(Counter)
        ended: Counter[int] = Counter()
        for hand, settlements in by_hand.items():
            for copy, ending in settlements:
                edition_id, after, provider = copy.chunk.edition_id, _standing_after(ending), hand.went_to.get(copy.id)
                if edition_id is None or after is None or provider is None:
                    continue
                of_provider = moved[edition_id, provider]
                of_provider[_standing_before(copy)] -= 1
                of_provider[after] += 1
                ended[edition_id] += after in _ENDED_BY_TRY
        self._add_outcomes(session, moved)
        self._add_pulses(session, ended, now)

    def _add_outcomes(self, session: Session, moved: Mapping[tuple[int, str], Counter[str]]) -> None:
        changes: defaultdict[tuple[int, str], Counter[str]] = defaultdict(Counter)
        for (edition_id, provider), counts in moved.items():
            named = self._named_of(session, edition_id)
            if named:
                changes[edition_id, provider if provider in named else ""].update(counts)
        rows = [
            {"edition_id": edition_id, "provider": provider, "sender": self._sender}
            | {name: counts[name] for name in STANDINGS}
            for (edition_id, provider), counts in sorted(changes.items())
        ]
        _add(session, ProviderOutcomes, rows, ("edition_id", "provider", "sender"), STANDINGS)

    def _add_pulses(self, session: Session, ended: Mapping[int, int], now: datetime) -> None:
        rows = [
            {"edition_id": edition_id, "at": pulse_of(now), "sender": self._sender, "settled": number}
            for edition_id, number in sorted(ended.items())
            if number
        ]
        _add(session, Pulse, rows, ("edition_id", "at", "sender"), ("settled",))

    def _named_of(self, session: Session, edition_id: int) -> frozenset[str]:
        """Return the providers that are counted by name, or none where the edition's copies were never counted."""
        if edition_id not in self._named:
            counted = select(ProviderOutcomes.provider).where(
                ProviderOutcomes.edition_id == edition_id, ProviderOutcomes.sender == ""
            )
            self._named[edition_id] = frozenset(session.scalars(counted))
        return self._named[edition_id]


def pulse_of(at: datetime) -> datetime:
    """Return when the pulse begins that a time belongs to."""
    return at.replace(second=at.second - at.second % int(PULSE.total_seconds()), microsecond=0)


def _standing_before(copy: Copy) -> str:
    if copy.was_uncertain:
        return "uncertain"
    return "deferred" if copy.attempt > 1 else "waiting"


def _standing_after(ending: Ending) -> str | None:
    """Return how a copy stands after a try, or None where it is as it was."""
    if isinstance(ending, Unsent):
        return None
    if isinstance(ending, Withheld):
        return "given_up"
    if ending.concerns_route and ending.kind is not OutcomeKind.UNCERTAIN:
        return None
    return _STANDING_AFTER[ending.kind]


def _add(
    session: Session,
    table: type[Base],
    rows: Sequence[Mapping[str, object]],
    key: Iterable[str],
    sums: Iterable[str],
) -> None:
    """Add to rows, or make them."""
    if not rows:
        return
    adding = insert_into(session, table).values(rows)
    columns = table.__table__.c
    session.execute(
        adding.on_conflict_do_update(
            index_elements=list(key), set_={name: columns[name] + adding.excluded[name] for name in sums}
        )
    )
