"""The audit log: what admins did, and who tried to become one, in chains that show any later change (GDPR art. 32).

One chain for all would make every act wait for every other, and a stranger who guesses passwords would hold up the
desk. So each actor has a chain of its own, and strangers share one; a chain lasts a day (UTC), so that what is too old
to be kept goes as a whole and nothing that stays loses its beginning. Its end is sealed with the consent ledger's.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.orm import Session

from app import logs
from app.admins.models import AuditAct, AuditEntry, AuditResult
from app.clock import CLOCKS_APART
from app.db import insert_into

#: Whoever is not signed in. What a stranger typed is not kept: people type passwords into the wrong field.
STRANGER = "stranger"
#: Who purges.
SCHEDULER = "scheduler"
#: What the first entry of a chain holds in place of an earlier one's hash.
GENESIS = ""
#: Nobody counts the tries that are turned away unread; one entry in this time tells that they go on.
REFUSALS_APART = timedelta(minutes=1)
#: Entries among which it is looked for.
LOOKED_BACK = 50
#: Days of a month of keeping, the longest.
MONTH_DAYS = 31
TARGET_MAX, DETAIL_MAX = 200, 500
#: A run of this many letters and digits may be a key: ids of ours have 22, secrets 43, hashes 64.
_KEY = re.compile(r"[A-Za-z0-9_-]{40,}")
#: Names the form of what is hashed; another form would be another name.
_FORM = "vigie.audit.1"
_LAST = (
    select(AuditEntry.seq, AuditEntry.hash)
    .where(AuditEntry.day == bindparam("day"), AuditEntry.actor == bindparam("actor"))
    .order_by(AuditEntry.seq.desc())
    .limit(1)
)


class Said(NamedTuple):
    """What the hash of an entry covers, in this order, after the name of its form."""

    day: str
    actor: str
    seq: int
    previous_hash: str
    at: datetime
    act: str
    target: str | None
    result: str
    detail: str | None


def record_audit(
    session: Session,
    *,
    actor: str,
    act: AuditAct,
    now: datetime,
    target: str | None = None,
    result: AuditResult = AuditResult.OK,
    detail: str | None = None,
) -> None:
    """Add to the log that `actor` (an admin's address, "cli:" and a name, or STRANGER) did `act`, in the act's own
    transaction: either both are there or neither.

    `target` names what it was done to, as "edition:7" or "reader:" and a public id: never an address. `detail` says
    more, as "copies 1200". What is not printable is escaped, what may be a key is masked (OWASP ASVS 16.2.5, 16.4.1).
    Call it last: the actor's next entry waits until this transaction ends.
    """
    day, actor = now.astimezone(UTC).date().isoformat(), plain(actor)[:254]
    target, detail = _masked(target, TARGET_MAX), _masked(detail, DETAIL_MAX)
    is_added = False
    while not is_added:
        last = session.execute(_LAST, {"day": day, "actor": actor}).one_or_none()
        seq, previous_hash = (last.seq, last.hash) if last else (0, GENESIS)
        said = Said(day, actor, seq + 1, previous_hash, now, act, target, result, detail)
        # The place in the chain is the lock: who comes second waits at the unique key, and takes the next place.
        insert = insert_into(session, AuditEntry).on_conflict_do_nothing().returning(AuditEntry.id)
        is_added = session.scalar(insert, {**said._asdict(), "hash": said_hash(said)}) is not None


def record_refusal(
    session: Session, *, actor: str, act: AuditAct, result: AuditResult, target: str | None, now: datetime
) -> None:
    """Add that somebody was turned away, unless the last minute has such an entry: nobody may fill the log."""
    newest = select(AuditEntry).where(AuditEntry.actor == actor).order_by(AuditEntry.id.desc()).limit(LOOKED_BACK)
    told = (entry for entry in session.scalars(newest) if entry.at > now - REFUSALS_APART)
    if (act, result, target) not in {(entry.act, entry.result, entry.target) for entry in told}:
        record_audit(session, actor=actor, act=act, target=target, result=result, now=now)


def said_hash(said: Said) -> str:
    """Return the SHA-256, in hex, over what an entry says, its place in the chain and the hash before it.

    The form is a JSON array in UTF-8 without blanks; times are UTC to the microsecond.
    """
    at = said.at.astimezone(UTC).isoformat(timespec="microseconds")
    written = [_FORM, *said[:4], at, *said[5:]]
    return hashlib.sha256(json.dumps(written, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def find_entries(*, actor: str | None, act: AuditAct | None) -> Select[AuditEntry]:
    """Select entries, those of one actor or of one kind where these are named."""
    query = select(AuditEntry)
    if actor:
        query = query.where(AuditEntry.actor == actor)
    return query.where(AuditEntry.act == act) if act else query


def chained_entries() -> Select[*tuple[Any, ...]]:
    """Select all that `faults_of_entry` wants to know, chain by chain; acts and results come as they are stored."""
    return select(
        AuditEntry.id,
        AuditEntry.day,
        AuditEntry.actor,
        AuditEntry.seq,
        AuditEntry.previous_hash,
        AuditEntry.at,
        sa.type_coerce(AuditEntry.act, sa.String()).label("act"),
        AuditEntry.target,
        sa.type_coerce(AuditEntry.result, sa.String()).label("result"),
        AuditEntry.detail,
        AuditEntry.hash,
    ).order_by(AuditEntry.day, AuditEntry.actor, AuditEntry.seq)


def faults_of_entry(entry: Row[*tuple[Any, ...]], before: Row[*tuple[Any, ...]] | None) -> Iterator[str]:
    """Yield what is wrong with an entry, or with its place behind the one before it in its chain."""
    if entry.seq != (before.seq + 1 if before else 1):
        yield f"the entry before it is number {before.seq}" if before else "the entries before it are missing"
    if entry.previous_hash != (before.hash if before else GENESIS):
        yield "it does not follow from the entry before it"
    if entry.hash != said_hash(Said(**{name: getattr(entry, name) for name in Said._fields})):
        yield "its hash is not that of what it says"
    if entry.day != entry.at.date().isoformat():
        yield "its time is on another day"
    if before and entry.at < before.at - CLOCKS_APART:
        yield "it is older than the entry before it"


def old_entries(now: datetime, *, log_months: int) -> Select[int, datetime]:
    """Select the entries that `purge_audit` deletes, and since when they are kept."""
    return select(AuditEntry.id, AuditEntry.at).where(AuditEntry.day < _end_of_keeping(now, log_months))


def purge_audit(session: Session, *, now: datetime, log_months: int) -> int:
    """Delete the chains of days that are over `log_months` old (GDPR art. 5(1)(e)); return how many entries.

    That, too, is in the log: else nobody could tell it from a deletion that was not due.
    """
    before = _end_of_keeping(now, log_months)
    old = sa.delete(AuditEntry).where(AuditEntry.day < before)
    purged = len(session.scalars(old.returning(AuditEntry.id)).all())
    if purged:
        detail = f"entries {purged}"
        record_audit(session, actor=SCHEDULER, act=AuditAct.LOG_PURGED, target=before, detail=detail, now=now)
    return purged


def first_kept_day(session: Session, *, now: datetime, log_months: int) -> str:
    """Return the first day (UTC) of which no entry was purged; none is before its time, whatever an entry claims."""
    purges = select(AuditEntry.target).where(AuditEntry.act == AuditAct.LOG_PURGED).order_by(AuditEntry.id.desc())
    return min(session.scalar(purges.limit(1)) or "", _end_of_keeping(now, log_months))


def _end_of_keeping(now: datetime, log_months: int) -> str:
    """Return the first day (UTC) that is still kept."""
    return (now.astimezone(UTC) - timedelta(days=MONTH_DAYS * log_months)).date().isoformat()


def plain(text: str) -> str:
    """Return `text` on one line, tokens masked, with an escape for each character that shows nothing by itself."""
    return "".join(
        f"\\u{ord(character):04x}" if unicodedata.category(character)[0] == "C" else character
        for character in logs.without_tokens(text)
    )


def _masked(text: str | None, length: int) -> str | None:
    return None if text is None else _KEY.sub("…", plain(text))[:length]
