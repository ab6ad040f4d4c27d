"""Making seals: one for each day (UTC) that is over, and the signed documents to keep elsewhere.

An event's time is when it was recorded. What is put in later with an earlier time is what verification must find, so a
day is sealed only when `GRACE` has passed: clocks of machines differ, and a transaction may begin before midnight and
end after it.
"""

from collections import deque
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from app.admins.models import AuditEntry
from app.db import Database, insert_into
from app.seals.documents import digest_of, say, time_text
from app.seals.models import ConsentSeal, newest_seal
from app.seals.tally import ChainedAt, Tallies, Tally, Window, digest_texts, is_consent, read_texts, streamed
from app.signing import Document, ProofKeys
from app.subscriptions.records import ConsentEvent, ConsentStub

#: What the first seal holds in place of an earlier one's digest.
GENESIS = ""
GRACE = timedelta(minutes=30)
DAY = timedelta(days=1)


def make_due_seals(database: Database, *, keys: ProofKeys, now: datetime) -> list[ConsentSeal]:
    """Make the seals of all days that are over and have none, oldest first; return those made.

    The first one covers all that there was. Reading is done outside of the transaction that writes; where two
    schedulers make the same seal, the first one's stands.
    """
    made = []
    with database.reading() as session:
        last = session.scalars(newest_seal()).one_or_none()
    for window in due_windows(last, now):
        with database.snapshot() as session:
            said = _say(session, window, last.digest if last else GENESIS)
        seal = _signed(said, window, keys, now)
        with database.transaction() as session:
            is_first = _put(session, seal)
            last = session.get_one(ConsentSeal, window.day)
        if is_first:
            made.append(last)
    return made


def due_windows(last: ConsentSeal | None, now: datetime) -> list[Window]:
    """Return what is to be sealed behind `last`."""
    today = (now.astimezone(UTC) - GRACE).replace(hour=0, minute=0, second=0, microsecond=0)
    if last is None:
        return [Window(None, today)]
    return [Window(last.until + DAY * n, last.until + DAY * (n + 1)) for n in range((today - last.until).days)]


def tally_audit(session: Session, window: Window) -> Tally:
    """Return the tally of the audit log's chains of the days in a window."""
    columns = (AuditEntry.day, AuditEntry.actor, AuditEntry.seq, AuditEntry.hash)
    query = select(*columns).where(AuditEntry.day.between(window.first_audited_day, window.day))
    tally = Tally()
    rows = streamed(session, query.order_by(AuditEntry.day, AuditEntry.actor, AuditEntry.seq))
    for (day, actor), entries in groupby(rows, key=itemgetter(0, 1)):
        count, last = deque(enumerate(entries, start=1), maxlen=1).pop()
        tally.events += count
        tally.chains += 1
        tally.digest.update(f"{day} {last.seq} {last.hash} {actor}\n".encode())
    return tally


def _put(session: Session, seal: ConsentSeal) -> bool:
    """Store a seal unless its day has one; return whether it was stored."""
    values = {column.key: getattr(seal, column.key) for column in ConsentSeal.__table__.c}
    insert = insert_into(session, ConsentSeal).on_conflict_do_nothing().returning(ConsentSeal.day)
    return session.scalar(insert, values) is not None


def _say(session: Session, window: Window, previous_digest: str) -> Document:
    """Read what a seal is to cover."""
    tallies = Tallies([window])
    for chain_id, rows in groupby(streamed(session, _chained(window)), key=itemgetter(0)):
        tallies.add(chain_id, [ChainedAt(row.seq, row.at, row.hash, is_consent(row.kind, row.detail)) for row in rows])
    ends, audit = tallies.of[window], tally_audit(session, window)
    texts = digest_texts(read_texts(session), window.until)
    return say(
        window,
        chains=ends.chains,
        events=ends.events,
        audit_entries=audit.events,
        digests=(ends.digest.hexdigest(), texts, audit.digest.hexdigest(), previous_digest),
    )


def _chained(window: Window) -> sa.Select[*tuple[Any, ...]]:
    """Select the events of a window, or what is kept of them, chain by chain in byte order."""
    event, stub, text = ConsentEvent.__table__.c, ConsentStub.__table__.c, sa.String()
    kind, detail = sa.type_coerce(event.kind, text).label("kind"), event.detail
    events = select(event.chain_id, event.seq, event.at, event.hash, kind, detail).where(event.at < window.until)
    stubs = select(stub.chain_id, stub.seq, stub.at, stub.hash, sa.literal("", text), sa.cast(sa.null(), text))
    stubs = stubs.where(stub.at < window.until)
    if window.since is not None:
        events, stubs = events.where(event.at >= window.since), stubs.where(stub.at >= window.since)
    both = union_all(events, stubs).subquery()
    return select(both).order_by(both.c.chain_id, both.c.seq)


def _signed(said: Document, window: Window, keys: ProofKeys, now: datetime) -> ConsentSeal:
    document = keys.sign({**said, "digest": digest_of(said), "made_at": time_text(now)})
    signature = document["signature"]
    assert isinstance(signature, dict)
    return ConsentSeal(
        day=window.day,
        since=window.since,
        until=window.until,
        chains=said["chains"],
        events=said["events"],
        audit_entries=said["audit_entries"],
        ends_digest=said["ends_digest"],
        texts_digest=said["texts_digest"],
        audit_digest=said["audit_digest"],
        previous_digest=said["previous_digest"],
        digest=document["digest"],
        key_id=signature["key_id"],
        signature=signature["value"],
        made_at=now,
    )
