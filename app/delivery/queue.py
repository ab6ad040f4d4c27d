"""Into the queue and out of it again unsent: enqueue, cancel, hold. Nothing here commits or sends."""

from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement, CursorResult, delete, insert, literal, select, update
from sqlalchemy.orm import Session

from app.delivery.claims import UNTOLD, awaits_try, lock_chunks, redate
from app.delivery.models import WAITING, Chunk, Delivery, DeliveryHold, DeliveryState
from app.mail.pacing import GIVE_UP_AFTER

#: Copies of an edition that have a chunk in common.
CHUNK_COPIES = 500

#: Built once, and past the mappers: they run with every sign-up.
_INSERT_CHUNK, _INSERT_COPY = insert(Chunk).returning(Chunk.id), insert(Delivery).returning(Delivery.id)

#: Called with the ids of new chunks, in the transaction that queues them, to wake senders that do not poll.
Announce = Callable[[Session, Sequence[int]], None]


def announce_nothing(_session: Session, _chunk_ids: Sequence[int]) -> None:
    """Wake nobody: for senders that poll."""


def enqueue(
    session: Session,
    *,
    kind: str,
    language: str,
    now: datetime,
    newsletter_id: int | None = None,
    subscriber_id: int | None = None,
    address: str | None = None,
    reference: str | None = None,
    priority: int = 5,
) -> int:
    """Queue one letter in the transaction of its cause, and return its id; a lower `priority` overtakes."""
    session.flush()
    connection = session.connection()
    chunk = {
        "kind": kind,
        "priority": priority,
        "copies": 1,
        "newsletter_id": newsletter_id,
        "language": language,
        "created_at": now,
        "next_attempt_at": now,
    }
    chunk_id = connection.execute(_INSERT_CHUNK, chunk).scalar_one()
    copy = {"chunk_id": chunk_id, "subscriber_id": subscriber_id, "address": address, "reference": reference}
    return connection.execute(_INSERT_COPY, copy).scalar_one()


def enqueue_edition(
    session: Session,
    *,
    audience: sa.Select[int],
    kind: str,
    edition_id: int,
    newsletter_id: int,
    language: str,
    now: datetime,
    priority: int = 5,
    chunk_copies: int = CHUNK_COPIES,
    variant_id: int | None = None,
    announce: Announce = announce_nothing,
) -> int:
    """Queue one copy for each subscriber id that `audience` selects, and return how many there are.

    Where `audience` selects a time as well, the copies of the latest go first; else those of the lowest ids do.
    The database writes the rows by itself, in one statement. Readers who come between counting and that statement are
    in the last chunk. `variant_id` names the letter of these copies where it is not the edition's own; an edition is
    queued once for each of its letters.
    """
    session.flush()
    connection = session.connection()
    counted = select(sa.func.count()).select_from(audience.subquery())
    following = select(sa.func.coalesce(sa.func.max(Chunk.number) + 1, 0)).where(Chunk.edition_id == edition_id)
    count, first = connection.execute(select(counted.scalar_subquery(), following.scalar_subquery())).one()
    numbers = range(first, first + max(1, -(-count // chunk_copies)))
    shared = {"kind": kind, "priority": priority, "edition_id": edition_id, "variant_id": variant_id,
              "newsletter_id": newsletter_id, "language": language, "created_at": now,
              "expires_at": now + GIVE_UP_AFTER, "next_attempt_at": now}  # fmt: skip
    sizes = (min(chunk_copies, count - start) for start in range(0, max(1, count), chunk_copies))
    rows = [{**shared, "number": number, "copies": size} for number, size in zip(numbers, sizes, strict=True)]
    chunk_ids = connection.scalars(_INSERT_CHUNK, rows).all()
    copies = _insert_copies(session, audience, edition_id=edition_id, numbers=numbers, chunk_copies=chunk_copies)
    if copies == 0:
        redate(session, sa.and_(Chunk.edition_id == edition_id, Chunk.number >= first), now=now)
    else:
        announce(session, chunk_ids)
    return copies


def cancel_reader(session: Session, *, subscriber_id: int, newsletter_id: int, now: datetime) -> int:
    """Cancel one reader's waiting copies of a newsletter, and return how many there were."""
    return _cancel_of(session, subscriber_id, Chunk.newsletter_id == newsletter_id, now=now)


def cancel_recipient(session: Session, *, subscriber_id: int, now: datetime) -> int:
    """Cancel all of one reader's waiting copies, and return how many there were."""
    return _cancel_of(session, subscriber_id, now=now)


def cancel_edition_copies(session: Session, *, edition_id: int, now: datetime) -> int:
    """Cancel the copies of an edition that still wait, and return how many there were."""
    lock_chunks(session, Chunk.edition_id == edition_id)
    chunks = select(Chunk.id).where(Chunk.edition_id == edition_id)
    cancelled = _cancel(session, Delivery.chunk_id.in_(chunks), now=now)
    session.execute(
        update(Chunk).where(Chunk.edition_id == edition_id, Chunk.lease_until.is_(None)).values(next_attempt_at=None),
        execution_options={"synchronize_session": False},
    )
    return cancelled


def hold_edition(session: Session, *, edition_id: int, now: datetime) -> None:
    """Keep an edition's waiting copies from being claimed; what is on the wire is finished."""
    if session.get(DeliveryHold, edition_id) is None:
        session.add(DeliveryHold(edition_id=edition_id, held_at=now))
        session.flush()


def release_edition(session: Session, *, edition_id: int) -> None:
    """Let a held edition's copies be claimed again."""
    session.execute(delete(DeliveryHold).where(DeliveryHold.edition_id == edition_id))


def _insert_copies(
    session: Session, audience: sa.Select[int], *, edition_id: int, numbers: range, chunk_copies: int
) -> int:
    """Spread the audience over these chunks of an edition, in its order, and return how many copies that makes."""
    reader, *latest = audience.subquery().c
    place = sa.func.row_number().over(order_by=[*(time.desc() for time in latest), reader]) - 1
    placed = select(reader.label("subscriber_id"), place.label("place")).subquery()
    in_turn = numbers.start + placed.c.place // chunk_copies
    chunk_number = sa.case((placed.c.place < len(numbers) * chunk_copies, in_turn), else_=numbers.stop - 1)
    columns = {
        "chunk_id": Chunk.id,
        "subscriber_id": placed.c.subscriber_id,
        "edition_id": literal(edition_id),
        "attempt": sa.literal_column("0"),
        "is_repeatable": sa.true(),
        "state": literal(DeliveryState.QUEUED, Delivery.__table__.c.state.type),
    }
    copies = (
        select(*columns.values())
        .join_from(placed, Chunk, sa.and_(Chunk.edition_id == edition_id, Chunk.number == chunk_number))
        .order_by(placed.c.place)
    )
    inserted = session.execute(
        insert(Delivery).from_select(list(columns), copies), execution_options={"preserve_rowcount": True}
    )
    assert isinstance(inserted, CursorResult)
    return inserted.rowcount


def _cancel_of(session: Session, subscriber_id: int, *chunks_match: ColumnElement[bool], now: datetime) -> int:
    untold = select(Delivery.chunk_id).where(Delivery.subscriber_id == subscriber_id, Delivery.state.in_(UNTOLD))
    chunks = lock_chunks(session, Chunk.id.in_(untold), *chunks_match)
    cancelled = _cancel(session, Delivery.subscriber_id == subscriber_id, Delivery.chunk_id.in_(chunks), now=now)
    redate(session, Chunk.id.in_(chunks), Chunk.lease_until.is_(None), now=now)
    return cancelled


def _cancel(session: Session, *matches: ColumnElement[bool], now: datetime) -> int:
    """Cancel what waits. What may have arrived is uncertain, whatever came of it since, but is not sent again."""
    may_have_arrived = (Delivery.state == DeliveryState.UNCERTAIN) | ~Delivery.is_repeatable
    unsure = (
        update(Delivery)
        .where(awaits_try(), may_have_arrived, *matches)
        .values(state=DeliveryState.UNCERTAIN, is_repeatable=False, next_attempt_at=None, settled_at=now)
    )
    waiting = (
        update(Delivery)
        .where(Delivery.state.in_(WAITING), *matches)
        .values(state=DeliveryState.CANCELLED, settled_at=now)
    )
    unsynchronized = {"synchronize_session": False}
    session.execute(unsure, execution_options=unsynchronized)
    cancelled = session.execute(waiting, execution_options=unsynchronized)
    assert isinstance(cancelled, CursorResult)
    return cancelled.rowcount
