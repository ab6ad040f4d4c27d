"""Claiming: chunks are taken, kept, given back, and lost, each by guarded statements on their rows.

A claim is named by its owner. As long as nobody else has claimed the chunk since, its owner may tell what became of
its copies, even after the lease has lapsed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement, CursorResult, bindparam, select, update
from sqlalchemy.orm import Session

from app.delivery.models import Chunk, Delivery, DeliveryHold, DeliveryState

#: Dead senders whose journal cannot be read are replaced after this long.
LEASE = timedelta(seconds=45)

#: A claim takes chunks until they hold this many copies: the chunks of an edition of one letter are large, those of a
#: digest with many variants are small. A machine lost with its disk leaves the outcomes of at most two claims unknown.
CLAIM_COPIES = 1_000

#: As the partial indexes say it, literally: bound parameters would keep SQLite from using them.
_IS_FREE = sa.text("chunks.lease_until IS NULL AND chunks.next_attempt_at IS NOT NULL")
_IS_HELD = select(DeliveryHold.edition_id).where(DeliveryHold.edition_id == Chunk.edition_id).exists()
#: Stored states in which a copy may still go.
UNTOLD = (DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.UNCERTAIN)
_UNSYNCHRONIZED = {"synchronize_session": False}


class ClaimedChunk(NamedTuple):
    """What all copies of a chunk have in common. No entity: it is asked for several times for every copy there is."""

    id: int
    number: int
    kind: str
    priority: int
    edition_id: int | None
    variant_id: int | None
    newsletter_id: int | None
    created_at: datetime


class Copy(NamedTuple):
    """One copy of a claim, as it was when it was claimed; `attempt` counts the try that is about to be made."""

    id: int
    chunk: ClaimedChunk
    attempt: int
    subscriber_id: int | None
    address: str | None
    reference: str | None
    was_uncertain: bool


def has_due(session: Session, *, kinds: Collection[str], now: datetime) -> bool:
    """Return whether there is anything to claim; spares an idle engine the write lock."""
    return session.scalar(free_chunks(kinds, now).limit(1)) is not None


def claim(session: Session, *, owner: str, kinds: Collection[str], now: datetime, limit: int = 1) -> list[Copy]:
    """Take up to `limit` free chunks for `owner`, most urgent first, and return their copies that are due.

    No further one is taken once they were made for `CLAIM_COPIES` copies together.
    Of two that claim at once, on PostgreSQL each skips the chunks of the other; on SQLite one waits for the other.
    Chunks in which nothing is due after all are given back, and the next ones taken.
    """
    while chunks := _take(session, owner=owner, kinds=kinds, now=now, limit=limit):
        copies = _due_copies(session, chunks, now)
        release(session, owner=owner, chunk_ids=chunks.keys() - {copy.chunk.id for copy in copies}, now=now)
        if copies:
            return copies
    return []


def free_chunks(kinds: Collection[str], now: datetime) -> sa.Select[int]:
    """Return the query of the chunks that may be claimed now, by id."""
    return _FREE_CHUNKS.params(kinds=list(kinds), now=now)


def lock_chunks(session: Session, *matches: ColumnElement[bool]) -> Sequence[int]:
    """Hold the chunks that match until the transaction ends, and return their ids.

    Whoever changes copies holds their chunks first, in this order: so nobody waits in a circle, and the statements
    that follow see all that those did who held them before (READ COMMITTED looks anew for each statement).
    """
    return session.scalars(select(Chunk.id).where(*matches).order_by(Chunk.id).with_for_update()).all()


def renew(session: Session, *, owners: Collection[str], now: datetime) -> int:
    """Prolong the leases of `owners`; return how many chunks they still hold."""
    held = lock_chunks(session, Chunk.owner.in_(owners), Chunk.lease_until.is_not(None))
    return _changed(session, Chunk.id.in_(held), values={"lease_until": now + LEASE})


def release(session: Session, *, owner: str, chunk_ids: Collection[int], now: datetime) -> None:
    """Give chunks of `owner` back, dated by the first of their copies that still waits, if any."""
    if chunk_ids:
        redate(session, Chunk.id.in_(chunk_ids), Chunk.owner == owner, now=now)


def redate(session: Session, *matches: ColumnElement[bool], now: datetime) -> None:
    """Free the chunks that match, and date them by the first of their copies that waits: never, where none does."""
    due = (
        select(sa.func.min(sa.func.coalesce(Delivery.next_attempt_at, sa.bindparam("now", now))))
        .where(Delivery.chunk_id == Chunk.id, awaits_try())
        .correlate(Chunk)
        .scalar_subquery()
    )
    _changed(session, *matches, values={"lease_until": None, "next_attempt_at": due})


def still_wanted(session: Session, copies: Iterable[Copy], *, owner: str, now: datetime) -> set[int]:
    """Return the ids of the copies that may still go: claimed, not cancelled, not expired, of no held edition."""
    wanted = (
        select(Delivery.id)
        .join(Chunk, Chunk.id == Delivery.chunk_id)
        .where(Delivery.id.in_([copy.id for copy in copies]), awaits_try())
        .where(Chunk.owner == owner, Chunk.lease_until.is_not(None), ~_IS_HELD)
        .where(sa.or_(Chunk.expires_at.is_(None), Chunk.expires_at > now))
    )
    return set(session.scalars(wanted))


def overdue_owners(session: Session, *, living: Iterable[str], now: datetime) -> Sequence[str]:
    """Return the owners, save the `living`, who hold chunks beyond their lease."""
    owners = select(Chunk.owner).where(Chunk.lease_until.is_not(None), Chunk.lease_until < now).distinct()
    return sorted({owner for owner in session.scalars(owners) if owner is not None} - set(living))


def held_copies(session: Session, *, owner: str, now: datetime) -> list[Copy]:
    """Return the copies that `owner` had in hand and of which nothing was told yet."""
    is_held = sa.and_(Chunk.owner == owner, Chunk.lease_until.is_not(None))
    return _due_copies(session, chunks_where(session, is_held), now)


def chunks_where(session: Session, condition: ColumnElement[bool]) -> dict[int, ClaimedChunk]:
    """Return the chunks that fulfil a condition, by id."""
    return _by_id(session.execute(select(*_SHARED_COLUMNS).where(condition)))


def awaits_try() -> ColumnElement[bool]:
    """Return the condition that a copy is to be sent, now or later."""
    is_unsure = sa.and_(Delivery.state == DeliveryState.UNCERTAIN, Delivery.is_repeatable)
    return sa.or_(Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.DEFERRED)), is_unsure)


def _take(
    session: Session, *, owner: str, kinds: Collection[str], now: datetime, limit: int
) -> dict[int, ClaimedChunk]:
    """Mark free chunks as claimed in one guarded statement."""
    given = {"kinds": list(kinds), "now": now, "limit": limit, "new_owner": owner, "held_until": now + LEASE}
    return _by_id(session.execute(_TAKE, given, execution_options=_UNSYNCHRONIZED))


def _due_copies(session: Session, chunks: Mapping[int, ClaimedChunk], now: datetime) -> list[Copy]:
    # Fetched in one go: row by row takes twice as long.
    rows = session.execute(_DUE_COPIES, {"chunk_ids": list(chunks), "now": now}).all()
    copies = [
        Copy(key, chunks[chunk_id], attempt, subscriber_id, address, reference, was_uncertain)
        for key, chunk_id, attempt, subscriber_id, address, reference, was_uncertain in rows
    ]
    return sorted(copies, key=lambda copy: copy.chunk.priority)


def _by_id(rows: Iterable[sa.Row[Any]]) -> dict[int, ClaimedChunk]:
    return {row[0]: ClaimedChunk._make(row) for row in rows}


def _changed(session: Session, *matches: ColumnElement[bool], values: dict[str, object]) -> int:
    updated = session.execute(update(Chunk).where(*matches).values(values), execution_options=_UNSYNCHRONIZED)
    assert isinstance(updated, CursorResult)
    return updated.rowcount


# The statements of every claim, built once: building them takes as long as running them.
_SHARED_COLUMNS = tuple(Chunk.__table__.c[name] for name in ClaimedChunk._fields)
_FREE_CHUNKS = select(Chunk.id).where(
    _IS_FREE,
    Chunk.next_attempt_at <= bindparam("now"),
    Chunk.kind.in_(bindparam("kinds", expanding=True)),
    sa.or_(Chunk.expires_at.is_(None), Chunk.expires_at > bindparam("now")),
    ~_IS_HELD,
)
_TURN = (Chunk.priority, Chunk.next_attempt_at, Chunk.id)
_NEXT_CHUNKS = (
    _FREE_CHUNKS.with_only_columns(*_TURN, Chunk.copies)
    .order_by(*_TURN)
    .limit(bindparam("limit", type_=sa.Integer()))
    .with_for_update(skip_locked=True)
    .cte("next_chunks")
)
_BEFORE = sa.func.sum(_NEXT_CHUNKS.c.copies).over(order_by=[_NEXT_CHUNKS.c[column.key] for column in _TURN])
_IN_TURN = select(_NEXT_CHUNKS.c.id, (_BEFORE - _NEXT_CHUNKS.c.copies).label("before")).subquery("in_turn")
_TAKE = (
    update(Chunk)
    .where(Chunk.id.in_(select(_IN_TURN.c.id).where(_IN_TURN.c.before < CLAIM_COPIES)))
    .values(owner=bindparam("new_owner"), lease_until=bindparam("held_until"))
    .returning(*_SHARED_COLUMNS)
)
_COLUMNS = Delivery.__table__.c  # not the entity: rows as they come, for every copy there is
_DUE_COPIES = (
    select(
        _COLUMNS.id, _COLUMNS.chunk_id, _COLUMNS.attempt + 1, _COLUMNS.subscriber_id, _COLUMNS.address,
        _COLUMNS.reference, _COLUMNS.state == DeliveryState.UNCERTAIN,
    )
    .where(_COLUMNS.chunk_id.in_(bindparam("chunk_ids", expanding=True)), awaits_try())
    .where(sa.or_(_COLUMNS.next_attempt_at.is_(None), _COLUMNS.next_attempt_at <= bindparam("now")))
    .order_by(_COLUMNS.id)
)  # fmt: skip
