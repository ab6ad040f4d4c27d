"""Readers as a list to take out: CSV (RFC 4180), read and written batch by batch, so that a million take no room.

Our own import reads it back. What readers follow is not in it: it may tell of their opinions (GDPR art. 9).
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import aliased

from app.choices.models import Rhythm
from app.db import Database
from app.newsletters.models import Newsletter
from app.readership.filters import ReaderFilter, find_readers
from app.subscriptions.kinds import ConsentKind, SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.newcomers.cells import guard
from app.subscriptions.records import ConsentEvent

#: Rows of one query.
BATCH = 2_000
#: What stands in place of the status of who gets no letters, though not unsubscribed: the address is suppressed, or the
#: data may not be used. Our own import takes no such row.
WITHHELD = "withheld"
HEADER = ("email", "status", "language", "source", "consented_on", "requested_at", "confirmed_at", "unsubscribed_at",
          "cadence", "newsletter")  # fmt: skip


def export_readers(database: Database, wanted: ReaderFilter) -> Iterator[str]:
    """Yield the list, some thousand rows at a time, its header first; readers in the order in which they came.

    Each piece is as of its own moment: who leaves meanwhile may stand in it as subscribed.
    """
    yield _written([HEADER])
    last, found = 0, BATCH
    while found == BATCH:
        with database.reading() as session:
            rows = session.execute(_some(wanted, last)).all()
        found = len(rows)
        if rows:
            last = rows[-1].id
            yield _written([_cells(row) for row in rows])


def _some(wanted: ReaderFilter, last: int) -> Select[*tuple[object, ...]]:
    later, earlier = aliased(ConsentEvent), aliased(ConsentEvent)
    first = select(earlier.id).where(earlier.subscription_id == Subscription.id).order_by(earlier.id).limit(1)
    is_first = ConsentEvent.id == first.scalar_subquery()
    was_confirmed = (later.chain_id == Subscriber.chain_id, later.seq > 1, later.at == Subscription.confirmed_at)
    confirmed_by = select(later.method).where(*was_confirmed).order_by(later.seq.desc()).limit(1).scalar_subquery()
    slug = select(Newsletter.slug).where(Newsletter.id == Subscription.newsletter_id).scalar_subquery()
    found = find_readers(replace(wanted, newsletter=None))
    if wanted.newsletter:
        found = found.where(slug == wanted.newsletter)  # by its id SQLite would read and sort all of it for each piece
    return (
        found
        .with_only_columns(
            Subscription.id, Subscriber.email, Subscription.status, Subscription.language, Subscription.requested_at,
            Subscription.confirmed_at, Subscription.unsubscribed_at, ConsentEvent.kind, ConsentEvent.method,
            ConsentEvent.detail, Rhythm.cadence, Subscription.is_withheld, confirmed_by.label("confirmed_by"),
            slug.label("newsletter"),
        )
        .outerjoin(ConsentEvent, is_first)
        .outerjoin(Rhythm, Rhythm.id == Subscription.rhythm_id)
        .where(Subscription.id > last)
        .order_by(Subscription.id)
        .limit(BATCH)
    )  # fmt: skip


def _cells(row: Row[*tuple[object, ...]]) -> list[str]:
    source, day = _provenance(row)
    times = (row.requested_at, row.confirmed_at, row.unsubscribed_at)
    written = [at.isoformat(timespec="seconds") if at else "" for at in times]
    status = WITHHELD if row.is_withheld and row.status is not SubscriptionStatus.UNSUBSCRIBED else row.status.value
    cells = [row.email, status, row.language, source, day, *written, row.cadence.value if row.cadence else "",
             row.newsletter]  # fmt: skip
    return [guard(cell) for cell in cells]


def _provenance(row: Row[*tuple[object, ...]]) -> tuple[str, str]:
    """Return where and on which day consent was given, or nothing where nothing proves it."""
    if row.confirmed_at is None or row.kind is None:
        return "", ""
    confirmed_on = row.confirmed_at.date().isoformat()
    if row.kind is not ConsentKind.IMPORTED:
        return row.method.value, confirmed_on
    day, _, source = (row.detail or "").partition(": ")
    if day == confirmed_on:
        return source, day
    return (row.confirmed_by.value, confirmed_on) if row.confirmed_by else ("", "")  # held, or gone, and came since


def _written(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
