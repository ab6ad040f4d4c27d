"""What a seal covers, boiled down to digests: chain ends, texts, the audit log. Making and verifying share it.

A seal adds the ends of the chains that went on in its time to the seal before; what did not go on is in an earlier one.
So a seal costs what its day cost, and all of them together are recomputed in one walk through the ledger.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.newsletters.models import ConsentWording, PrivacyPolicy, text_hash
from app.subscriptions.kinds import ConsentKind
from app.subscriptions.newcomers.imports import NO_PROOF

#: Rows fetched at once: memory stays the same however many readers there are.
FETCHED = 5_000


class Window(NamedTuple):
    """The time that one seal covers, from `since` (or from the beginning) to before `until`; both are midnights UTC."""

    since: datetime | None
    until: datetime

    @property
    def day(self) -> str:
        """The last day in it, by which the seal is named."""
        return (self.until - timedelta(days=1)).date().isoformat()

    @property
    def begins_at(self) -> datetime:
        """When it begins; the first one, which has no beginning, goes by its last day."""
        return self.since or self.until - timedelta(days=1)

    @property
    def first_audited_day(self) -> str:
        """The first day whose audit entries are in it: of the first seal its last day alone, since older ones go."""
        return self.begins_at.date().isoformat()

    def covers(self, at: datetime) -> bool:
        """Return whether an event of that time is in it."""
        return (self.since is None or self.since <= at) and at < self.until


class ChainedAt(NamedTuple):
    """What a seal wants to know of an event; of one that was pruned nobody knows any more whether it `is_consent`."""

    seq: int
    at: datetime
    hash: str
    is_consent: bool = False


def is_consent(kind: str, detail: str | None) -> bool:
    """Return whether an event proves a consent: its chain is kept whole until the time of proofs is over."""
    return kind == ConsentKind.CONFIRMED.value or (kind == ConsentKind.IMPORTED.value and detail != NO_PROOF)


@dataclass
class Tally:
    """The digest of one kind of chain end in one window, growing line by line, and how much is in it."""

    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    chains: int = 0
    events: int = 0


class Tallies:
    """The tallies of several windows, fed with chains in byte order of their ids."""

    def __init__(self, windows: Iterable[Window]) -> None:
        self.of = {window: Tally() for window in windows}
        self._by_day: dict[int, list[Tally]] = {}

    def add(self, chain_id: str, events: Sequence[ChainedAt]) -> None:
        """Add a chain: in each window the line "chain_id seq hash consents" of its last event there.

        The number of consents tells a chain that was pruned in its time from one that was not due.
        """
        ends: dict[int, tuple[Tally, ChainedAt, int]] = {}
        for event in events:
            for tally in self._covering(event.at):
                tally.events += 1
                _, _, consents = ends.get(id(tally), (tally, event, 0))
                ends[id(tally)] = (tally, event, consents + event.is_consent)
        for tally, event, consents in ends.values():
            tally.chains += 1
            tally.digest.update(f"{chain_id} {event.seq} {event.hash} {consents}\n".encode())

    def _covering(self, at: datetime) -> list[Tally]:
        """Return the tallies of the windows that cover a time; as windows begin at midnights, the day decides."""
        day = at.toordinal()
        if day not in self._by_day:
            self._by_day[day] = [tally for window, tally in self.of.items() if window.covers(at)]
        return self._by_day[day]


class TextLine(NamedTuple):
    """A wording or a policy as a seal names it, with its hash made anew; `is_true`: the stored one is the same."""

    created_at: datetime
    line: str
    name: str
    is_true: bool


def read_texts(session: Session) -> list[TextLine]:
    """Return all consent wordings and privacy policies, oldest first."""
    wordings, policies = select(ConsentWording), select(PrivacyPolicy)
    lines = [
        _text_line(
            f"wording {each.purpose}", each, text_hash(str(each.version), each.heading, each.statement, each.button)
        )
        for each in session.scalars(wordings.order_by(ConsentWording.id))
    ]
    return lines + [
        _text_line("policy", each, text_hash(str(each.version), each.body))
        for each in session.scalars(policies.order_by(PrivacyPolicy.id))
    ]


def digest_texts(texts: Iterable[TextLine], until: datetime) -> str:
    """Return the SHA-256, in hex, over the lines of the texts that there were before `until`."""
    lines = "".join(text.line for text in texts if text.created_at < until)
    return hashlib.sha256(lines.encode()).hexdigest()


def streamed(session: Session, query: Any) -> Iterator[Row[*tuple[Any, ...]]]:
    """Yield the rows of a query of columns without holding more than `FETCHED` of them."""
    yield from session.execute(query, execution_options={"yield_per": FETCHED})


def _text_line(kind: str, text: ConsentWording | PrivacyPolicy, sha256: str) -> TextLine:
    since = text.created_at.isoformat(timespec="microseconds")
    line = f"{kind} {text.language} {text.version} {text.id} {sha256} {since}\n"
    return TextLine(text.created_at, line, f"{kind} {text.language} {text.version}", sha256 == text.sha256)
