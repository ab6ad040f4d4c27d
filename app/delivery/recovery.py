"""What engines that died left behind: their journals say what went, what may have gone, and what never did."""

import logging
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import clock
from app.db import Database
from app.delivery.claims import ClaimedChunk, Copy, chunks_where, held_copies, overdue_owners, release
from app.delivery.endings import Ending, OnSettled, Settlement, Unsent
from app.delivery.journal import Entry, Record, journals, opened_if_abandoned
from app.delivery.models import Chunk
from app.delivery.settling import settle
from app.mail.transport import Outcome, OutcomeKind

log = logging.getLogger(__name__)

#: How often dead senders are looked for.
WATCH_EVERY_S = 10.0


def watch(database: Database, folder: Path, stop: threading.Event, *, on_settled: OnSettled | None = None) -> None:
    """Take over what dead senders held, again and again until `stop` is set."""
    while not stop.is_set():
        try:
            recover(database, folder, now=clock.now(), on_settled=on_settled)
        except OperationalError as error:
            log.warning("recovery waits for the database: %s", error.orig)
        except Exception:
            log.exception("recovery failed, and is tried again")
        stop.wait(WATCH_EVERY_S)


def recover(database: Database, folder: Path, *, now: datetime, on_settled: OnSettled | None = None) -> int:
    """Settle what dead owners held; return how many copies that changed.

    An ended copy gets its outcome; one that began and did not end is uncertain; one that never began is free again.
    What was held elsewhere, beyond its lease and without a journal to read, is uncertain as well.
    """
    recovered, living = 0, set()
    for path in journals(folder):
        with opened_if_abandoned(path) as record:
            if record is None:
                living.add(path.stem)
                continue
            recovered += _take_over(database, record, now=now, on_settled=on_settled)
    with database.reading() as session:
        owners = overdue_owners(session, living=living, now=now)
    for owner in owners:
        recovered += _take_over(database, Record(owner), now=now, on_settled=on_settled)
    if recovered:
        log.warning("recovered %d copies of senders that had ended", recovered)
    return recovered


def _take_over(database: Database, record: Record, *, now: datetime, on_settled: OnSettled | None) -> int:
    with database.transaction() as session:
        chunks = _chunks(session, record)
        settlements = list(_told(record, chunks))
        if not record.is_complete:
            settlements += _untold(session, record, now)
        changed = settle(session, owner=record.owner, settlements=settlements, now=now, on_settled=on_settled)
        release(session, owner=record.owner, chunk_ids=chunks.keys(), now=now)
    return changed


def _chunks(session: Session, record: Record) -> dict[int, ClaimedChunk]:
    """Return the chunks that the owner holds, and those of its journal that it gave back or lost."""
    is_held = sa.and_(Chunk.owner == record.owner, Chunk.lease_until.is_not(None))
    is_named = Chunk.id.in_({entry.chunk_id for entry in record.entries})
    return chunks_where(session, is_held | is_named)


def _told(record: Record, chunks: Mapping[int, ClaimedChunk]) -> Iterator[Settlement]:
    for entry in record.entries:
        if (chunk := chunks.get(entry.chunk_id)) is not None:
            copy = Copy(entry.key, chunk, entry.attempt, None, None, None, entry.was_uncertain)
            yield Settlement(copy, _ending(entry, is_complete=record.is_complete))


def _untold(session: Session, record: Record, now: datetime) -> Iterator[Settlement]:
    """What its journal does not tell of, or no journal can be read: whether it went, nobody knows."""
    unheard = Outcome(OutcomeKind.UNCERTAIN, text="its sender was not heard of again")
    told = {entry.key for entry in record.entries}
    for copy in held_copies(session, owner=record.owner, now=now):
        if copy.id not in told:
            yield Settlement(copy, unheard)


def _ending(entry: Entry, *, is_complete: bool) -> Ending:
    if entry.outcome is not None:
        return entry.outcome
    if is_complete and not entry.has_begun:
        return Unsent()
    return Outcome(OutcomeKind.UNCERTAIN, text="the sender ended before the reply came")
