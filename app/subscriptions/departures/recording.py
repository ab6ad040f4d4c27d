"""Departures outlive a restore: copied out into a journal on disk, and replayed where a restored database lacks them.

A database that was restored knows of fewer lines than its journal has. What these tell is done again before anything is
sent: whoever was erased, suppressed or left since the dump stays so (GDPR art. 17, art. 32(1)(c)).
"""

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Database, new_public_id
from app.subscriptions.departures.journal import Entry, Journal, begin_journal, find_journals
from app.subscriptions.departures.models import ConsentArchive, Departure, DepartureJournal
from app.subscriptions.departures.replaying import Fate, Replayed, bring_about
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import Suppression
from app.subscriptions.suppression import address_hmac, suppress_digest

log = logging.getLogger(__name__)

#: Departures copied out together; readers looked at, and replayed, together.
LINES = 1_000
READERS = 5_000
REPLAYED = 200


@dataclass(frozen=True)
class JournalState:
    """How a journal stands against the database: `position` lines are known to it, `end` there are.

    Of a journal that is `lost`, the database knows and no file is here.
    """

    journal_id: str
    path: Path | None
    position: int
    end: int
    damaged: int = 0

    @property
    def is_lost(self) -> bool:
        """Whether lines are missing that the database knows of."""
        return self.path is None or self.end < self.position

    @property
    def missed(self) -> int:
        """How many departures the database has yet to hear of."""
        return max(0, self.end - self.position)


@dataclass(frozen=True)
class Keeper:
    """Keeps the journal of one database in one folder."""

    database: Database
    folder: Path
    suppression_key: str

    def keep(self, now: datetime) -> Replayed:
        """Replay what the database lacks, then copy out what the journal lacks; begin a journal where there is none."""
        replayed = self.catch_up(now)
        journal = self._journal(now)
        while batch := self._next():
            end = journal.append([entry for _, entry in batch])
            self._know(journal, end, [key for key, _ in batch], now)
        return replayed

    def catch_up(self, now: datetime) -> Replayed:
        """Replay the lines that the database does not know of, from all journals that are here."""
        total = Replayed()
        for journal, position in self._behind():
            fates = _fates(journal, after=position, total=total)
            self._suppress(fates, total, now)
            self._replay(fates, total, now)
            self._know(journal, journal.end(), [], now)
        if total.lines:
            log.warning("departures replayed after a restore: %s", total)
        return total

    def would_replay(self) -> Replayed:
        """Return what `catch_up` would do; changes nothing."""
        total = Replayed()
        for journal, position in self._behind():
            fates = _fates(journal, after=position, total=total)
            with self.database.reading() as session:
                total.suppressed += len(_unknown_digests(session, fates))
                for matched in self._matches(fates):
                    for subscriber_id, fate in matched:
                        total.add(fate.would_do(session, session.get_one(Subscriber, subscriber_id)))
        return total

    def states(self) -> list[JournalState]:
        """Return how every journal stands that is here, or that the database knows of."""
        with self.database.reading() as session:
            known = {row.journal_id: row for row in session.scalars(select(DepartureJournal))}
        here = {journal.journal_id: journal for journal in self._found(known.values())}
        states = []
        for journal_id in sorted(known.keys() | here.keys()):
            position = known[journal_id].position if journal_id in known else 0
            journal = here.get(journal_id)
            if journal is None:
                states.append(JournalState(journal_id, None, position, 0))
            else:
                states.append(JournalState(journal_id, journal.path, position, journal.end(), journal.count_damaged()))
        return states

    def count_waiting(self) -> int:
        """Return how many departures are yet to be copied out."""
        with self.database.reading() as session:
            return session.scalar(select(sa.func.count()).select_from(Departure)) or 0

    def _found(self, rows: Collection[DepartureJournal]) -> list[Journal]:
        """Return the journals that are here of the database that has `rows`."""
        database_id = next((row.database_id for row in rows), None)
        return find_journals(self.folder, database_id) if database_id else []

    def _behind(self) -> list[tuple[Journal, int]]:
        """Return the journals with lines that the database does not know of, and how many it knows."""
        with self.database.reading() as session:
            rows = session.scalars(select(DepartureJournal)).all()
        positions = {row.journal_id: row.position for row in rows}
        found = [(journal, positions.get(journal.journal_id, 0)) for journal in self._found(rows)]
        return [(journal, position) for journal, position in found if journal.end() > position]

    def _journal(self, now: datetime) -> Journal:
        """Return the journal to write to: the one that is here, or a new one that begins with all there ever were."""
        with self.database.reading() as session:
            rows = session.scalars(select(DepartureJournal)).all()
        lost = {row.journal_id for row in rows if row.position}
        for journal in self._found(rows):
            if journal.end() >= next((row.position for row in rows if row.journal_id == journal.journal_id), 0):
                return journal
        if lost:
            log.error("the journal of departures is not in %s: a new one begins", self.folder)
        database_id = rows[0].database_id if rows else new_public_id()
        journal = begin_journal(self.folder, database_id=database_id, now=now)
        with self.database.transaction() as session:
            session.add(DepartureJournal(journal_id=journal.journal_id, database_id=database_id, begun_at=now))
            _note_all(session)
        return journal

    def _next(self) -> list[tuple[int, Entry]]:
        """Return the first departures that wait to be copied out, their addresses hashed."""
        rows = (
            select(Departure, Subscriber.email_key, ConsentArchive.address_hmac)
            .outerjoin(Subscriber, Subscriber.chain_id == Departure.chain_id)
            .outerjoin(ConsentArchive, ConsentArchive.chain_id == Departure.chain_id)
            .order_by(Departure.id)
            .limit(LINES)
        )
        with self.database.reading() as session:
            return [(row.id, self._entry(row, key, archived)) for row, key, archived in session.execute(rows)]

    def _entry(self, departure: Departure, email_key: str | None, archived_hmac: str | None) -> Entry:
        digest = departure.address_hmac or archived_hmac
        if digest is None and email_key is not None:
            digest = address_hmac(self.suppression_key, email_key)
        return Entry(
            departure.at, departure.chain_id, digest, departure.newsletter_id, departure.reason, departure.is_restricted
        )

    def _know(self, journal: Journal, end: int, copied: Sequence[int], now: datetime) -> None:
        """Let the database know of the journal's lines up to `end`."""
        with self.database.transaction() as session:
            session.execute(sa.delete(Departure).where(Departure.id.in_(copied)))
            row = session.get(DepartureJournal, journal.journal_id, with_for_update=True)
            if row is None:
                row = DepartureJournal(
                    journal_id=journal.journal_id, database_id=journal.database_id, position=0, begun_at=now
                )
                session.add(row)
            row.position = max(row.position, end)

    def _suppress(self, fates: "_Fates", total: Replayed, now: datetime) -> None:
        """Suppress all addresses that the lines name, whether there is a reader or not."""
        with self.database.reading() as session:
            unknown = _unknown_digests(session, fates)
        for begin in range(0, len(unknown), LINES):
            with self.database.transaction() as session:
                for digest, fate in unknown[begin : begin + LINES]:
                    assert fate.reason is not None
                    suppress_digest(session, digest=digest, reason=fate.reason, source="restore", now=now)
        total.suppressed += len(unknown)

    def _replay(self, fates: "_Fates", total: Replayed, now: datetime) -> None:
        for matched in self._matches(fates):
            for begin in range(0, len(matched), REPLAYED):
                with self.database.transaction() as session:
                    for subscriber_id, fate in matched[begin : begin + REPLAYED]:
                        done = bring_about(session, subscriber_id, fate, suppression_key=self.suppression_key, now=now)
                        total.add(done)

    def _matches(self, fates: "_Fates") -> Iterator[list[tuple[int, Fate]]]:
        """Yield, in batches, the readers whom the lines concern: by their chain, or by the hash of their address."""
        after = 0
        while rows := self._readers(after):
            after = rows[-1][0]
            found = [
                (key, fates.of(chain_id, address_hmac(self.suppression_key, email))) for key, chain_id, email in rows
            ]
            yield [(key, fate) for key, fate in found if fate is not None]

    def _readers(self, after: int) -> Sequence[sa.Row[int, str, str]]:
        rows = (
            select(Subscriber.id, Subscriber.chain_id, Subscriber.email_key)
            .where(Subscriber.id > after)
            .order_by(Subscriber.id)
            .limit(READERS)
        )
        with self.database.reading() as session:
            return session.execute(rows).all()


@dataclass
class _Fates:
    """What the lines say, by the hash of the address and by chain."""

    by_digest: dict[str, Fate] = field(default_factory=dict)
    by_chain: dict[str, Fate] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Add one line."""
        for fates, key in ((self.by_digest, entry.address_hmac), (self.by_chain, entry.chain_id)):
            if key is not None:
                fates.setdefault(key, Fate()).add(entry)

    def of(self, chain_id: str, digest: str) -> Fate | None:
        """Return what happened to one reader, or None."""
        found = [fate for fate in (self.by_digest.get(digest), self.by_chain.get(chain_id)) if fate is not None]
        return Fate.joined(found) if found else None


def _fates(journal: Journal, *, after: int, total: Replayed) -> _Fates:
    fates = _Fates()
    for _, entry in journal.entries(after=after):
        total.lines += 1
        fates.add(entry)
    return fates


def _unknown_digests(session: Session, fates: _Fates) -> list[tuple[str, Fate]]:
    """Return the hashes that are to be suppressed and are not, or for a weaker reason."""
    reasons = {digest: fate.reason for digest, fate in sorted(fates.by_digest.items()) if fate.reason is not None}
    wanted, standing = list(reasons), set[str]()
    for begin in range(0, len(wanted), LINES):
        of_these = Suppression.address_hmac.in_(wanted[begin : begin + LINES])
        known = session.scalars(select(Suppression).where(of_these))
        standing |= {each.address_hmac for each in known if not each.yields_to(reasons[each.address_hmac])}
    return [(digest, fates.by_digest[digest]) for digest in wanted if digest not in standing]


def _note_all(session: Session) -> None:
    """Note every departure that the rows still tell of, oldest first, for a journal that begins."""
    columns = ["chain_id", "address_hmac", "newsletter_id", "reason", "at", "is_restricted"]
    nothing, no_reason = sa.null(), sa.cast(sa.null(), sa.String(20))
    no_restriction = sa.cast(sa.null(), sa.Boolean)
    left = (
        select(
            Subscriber.chain_id, sa.cast(nothing, sa.String(64)), Subscription.newsletter_id, no_reason,
            Subscription.unsubscribed_at, no_restriction,
        )
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(Subscription.status == SubscriptionStatus.UNSUBSCRIBED, Subscription.unsubscribed_at.is_not(None))
    )  # fmt: skip
    archived = select(
        ConsentArchive.chain_id, ConsentArchive.address_hmac, sa.cast(nothing, sa.Integer), no_reason,
        ConsentArchive.left_at, no_restriction,
    )  # fmt: skip
    suppressed = select(
        sa.cast(nothing, sa.String(22)), Suppression.address_hmac, sa.cast(nothing, sa.Integer), Suppression.reason,
        Suppression.created_at, no_restriction,
    )  # fmt: skip
    restricted = select(
        Subscriber.chain_id, sa.cast(nothing, sa.String(64)), sa.cast(nothing, sa.Integer), no_reason,
        Subscriber.restricted_at, sa.true(),
    ).where(Subscriber.restricted_at.is_not(None))  # fmt: skip
    oldest_first: sa.SelectBase = sa.union_all(left, archived, suppressed, restricted).order_by(sa.text("5"))
    session.execute(sa.insert(Departure).from_select(columns, oldest_first))
