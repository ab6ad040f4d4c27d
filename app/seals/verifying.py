"""Verifying the ledger: every event, link, text, seal and audit entry, in one walk and constant memory.

What is found: any change, deletion or gap behind a seal that somebody keeps elsewhere, and most of it without one; of
chains that prove no consent, whose time is short, only what is left once they are pruned.
Who holds the database and the keys can rewrite a chain and all seals since; then only a seal kept elsewhere tells.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from sqlalchemy.orm import Session

from app.admins.audit import chained_entries, faults_of_entry, first_kept_day
from app.clock import CLOCKS_APART
from app.db import Database
from app.seals.chains import faults_of_chain, read_chains
from app.seals.documents import digest_of, document_of, say
from app.seals.kinds import unreadable_rows
from app.seals.making import DAY, GENESIS, GRACE, tally_audit
from app.seals.models import ConsentSeal, all_seals
from app.seals.problems import Report
from app.seals.tally import Tallies, TextLine, Window, digest_texts, read_texts, streamed
from app.signing import Document, ProofKeys

#: The scheduler may be away for a while before a missing seal is a problem.
LATE = timedelta(days=1)

#: What of a seal's document says what of its time.
_PARTS = {
    "chains": ("ends_digest", "chains", "events"),
    "texts": ("texts_digest",),
    "audit entries": ("audit_digest", "audit_entries"),
}

SealFile = tuple[Document, Window]


def verify_ledger(
    database: Database,
    *,
    keys: ProofKeys,
    now: datetime,
    kept_since: datetime,
    log_months: int,
    files: Sequence[SealFile] = (),
) -> Report:
    """Verify all that the ledger holds as of one moment, and hold it against seals that were kept elsewhere.

    Of chains pruned before `kept_since` not even hashes are kept, of audit entries purged after `log_months` nothing:
    of seals from before, only what they say is checked. Where a value cannot be read, nothing else is looked at.
    """
    report = Report(files=len(files))
    with database.snapshot() as session:
        if _finds_unreadable(report, session):
            return report
        texts = read_texts(session)
        _check_texts(report, texts)
        seals = session.scalars(all_seals()).all()
        _check_order(report, seals, keys, now)
        tallies = Tallies({*(_window(seal) for seal in seals), *(window for _, window in files)})
        oldest = _check_chains(report, session, tallies, now)
        _check_audit(report, session)
        _check_lateness(report, seals, oldest, now)
        parts = _Parts(session, tallies, texts, first_kept_day(session, now=now, log_months=log_months), kept_since)
        for seal in seals:
            _compare(report, f"seal {seal.day}", document_of(seal), _window(seal), parts)
            report.past_seals += not parts.has_chains(_window(seal))
        stored = {seal.day: seal for seal in seals}
        for document, window in files:
            _check_file(report, document, window, stored, keys)
            _compare(report, f"file {window.day}", document, window, parts)
    return report


def verify_audit(database: Database) -> Report:
    """Verify the chains of the audit log alone."""
    report = Report()
    with database.snapshot() as session:
        if _finds_unreadable(report, session):
            return report
        _check_audit(report, session)
    return report


class _Parts:
    """What a seal over a window would say today."""

    def __init__(
        self, session: Session, tallies: Tallies, texts: list[TextLine], first_kept: str, kept_since: datetime
    ) -> None:
        self._session, self._tallies, self._texts = session, tallies, texts
        self._first_kept, self._kept_since = first_kept, kept_since

    def has_chains(self, window: Window) -> bool:
        """Return whether all chains of a window are kept, if only as hashes."""
        return window.begins_at >= self._kept_since

    def say(self, window: Window, sealed: Document) -> Document:
        """Return it; of what is not kept any more, and of the seal before, what `sealed` says."""
        ends_digest, chains, events = str(sealed["ends_digest"]), int(str(sealed["chains"])), int(str(sealed["events"]))
        if self.has_chains(window):
            ends = self._tallies.of[window]
            ends_digest, chains, events = ends.digest.hexdigest(), ends.chains, ends.events
        audit_digest, audit_entries = str(sealed["audit_digest"]), int(str(sealed["audit_entries"]))
        if window.first_audited_day >= self._first_kept:
            audit = tally_audit(self._session, window)
            audit_digest, audit_entries = audit.digest.hexdigest(), audit.events
        texts = digest_texts(self._texts, window.until)
        return say(
            window,
            chains=chains,
            events=events,
            audit_entries=audit_entries,
            digests=(ends_digest, texts, audit_digest, str(sealed["previous_digest"])),
        )


def _finds_unreadable(report: Report, session: Session) -> bool:
    for table, row_number in unreadable_rows(session):
        report.add(f"{table} row {row_number}", None, "it holds what cannot be read")
    return bool(report.problem_count)


def _check_texts(report: Report, texts: list[TextLine]) -> None:
    for text in texts:
        if not text.is_true:
            report.add(text.name, None, "its hash is not that of its words")


def _check_order(report: Report, seals: Sequence[ConsentSeal], keys: ProofKeys, now: datetime) -> None:
    """Check that each seal is signed, follows from the one before, and is whole in itself.

    One of days to come, as a clock that was wrong makes it, keeps those days from being sealed when they are over.
    """
    previous: ConsentSeal | None = None
    for seal in seals:
        where = f"seal {seal.day}"
        if (fault := keys.fault_of(document_of(seal))) is not None:
            report.add(where, None, fault)
        if seal.since != (previous.until if previous else None) or seal.day != _window(seal).day:
            report.add(where, None, "the seals before it are missing" if seal.since else "it is a second first seal")
        if seal.previous_digest != (previous.digest if previous else GENESIS):
            report.add(where, None, "it does not follow from the seal before it")
        if seal.until > now + CLOCKS_APART:
            report.add(where, None, "its day is not over")
        previous = seal
    report.seals = len(seals)
    report.sealed_until = previous.day if previous else None


def _check_chains(report: Report, session: Session, tallies: Tallies, now: datetime) -> datetime | None:
    """Check every chain and feed the tallies; return the time of the oldest event."""
    oldest: datetime | None = None
    for rows in read_chains(session):
        ends = rows.ends()
        tallies.add(rows.chain_id, ends)
        report.chains += bool(ends)
        report.events += len(rows.events)
        report.stubs += len(rows.stubs)
        if ends and (oldest is None or ends[0].at < oldest):
            oldest = ends[0].at
        for seq, what in faults_of_chain(rows, now):
            report.add(f"chain {rows.chain_id}", seq, what)
    return oldest


def _check_audit(report: Report, session: Session) -> None:
    """Check the audit log; an entry is named by its day and number, not by whose it is."""
    entries = streamed(session, chained_entries())
    for _, chain in groupby(entries, key=attrgetter("day", "actor")):
        before = None
        for entry in chain:
            report.audit_entries += 1
            for what in faults_of_entry(entry, before):
                report.add(f"audit entry {entry.day}/{entry.id}", entry.seq, what)
            before = entry


def _check_lateness(report: Report, seals: Sequence[ConsentSeal], oldest: datetime | None, now: datetime) -> None:
    since = seals[-1].until if seals else oldest
    if since is not None and now - since > DAY + GRACE + LATE:
        report.add("seals", None, f"none was made after {seals[-1].day}" if seals else "none was ever made")


def _check_file(
    report: Report, document: Document, window: Window, stored: dict[str, ConsentSeal], keys: ProofKeys
) -> None:
    """Check a seal that was kept elsewhere against those in the database."""
    where = f"file {window.day}"
    if (fault := keys.fault_of(document)) is not None:
        report.add(where, None, fault)
    if window.day not in stored:
        report.add(where, None, "the database has no seal of this day")
    elif stored[window.day].digest != document.get("digest"):
        report.add(where, None, "the database has another seal of this day")


def _compare(report: Report, where: str, sealed: Document, window: Window, parts: _Parts) -> None:
    """Compare what a seal says with what it would say if it were made now, and tell the parts that differ."""
    try:
        said = parts.say(window, sealed)
    except (KeyError, ValueError):
        report.add(where, None, "it is not whole")
        return
    differing = [what for what, names in _PARTS.items() if any(said[name] != sealed.get(name) for name in names)]
    for what in differing:
        report.add(where, None, f"the {what} of its time are not what was sealed")
    if not differing and digest_of(said) != sealed.get("digest"):
        report.add(where, None, "its digest is not that of what it says")


def _window(seal: ConsentSeal) -> Window:
    return Window(seal.since, seal.until)
