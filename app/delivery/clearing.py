"""What the ledger forgets: after a while what servers replied, and altogether the letters that were no edition's.

Copies of editions stay, as counts and as what each reader was sent. Chunks are taken in the order of their age.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.delivery.claims import lock_chunks
from app.delivery.models import Chunk, Delivery

#: Chunks of one call: of editions, which hold hundreds of copies each, and of one-off letters, which hold one.
EDITION_CHUNKS = 10
ONE_OFF_CHUNKS = 500
#: Literally, as the partial index says it.
_IS_UNCLEARED = sa.text("chunks.cleared_at IS NULL")


def edition_chunks_before(before: datetime) -> sa.Select[int, datetime]:
    """Select the chunks of editions made before `before` whose copies still tell what servers replied."""
    return _settled(before, Chunk.edition_id.is_not(None))


def one_off_chunks_before(before: datetime) -> sa.Select[int, datetime]:
    """Select the one-off letters made before `before`, by their chunks."""
    return _settled(before, Chunk.edition_id.is_(None))


def clear_replies(session: Session, *, before: datetime, now: datetime) -> int:
    """Delete the replies and plain addresses of a batch of old copies; return how many chunks there were."""
    held = _hold(session, edition_chunks_before(before), EDITION_CHUNKS)
    told = sa.or_(Delivery.reply_text.is_not(None), Delivery.address.is_not(None))
    unsynchronized = {"synchronize_session": False}
    session.execute(
        sa.update(Delivery).where(Delivery.chunk_id.in_(held), told).values(reply_text=None, address=None),
        execution_options=unsynchronized,
    )
    session.execute(sa.update(Chunk).where(Chunk.id.in_(held)).values(cleared_at=now), execution_options=unsynchronized)
    return len(held)


def delete_one_offs(session: Session, *, before: datetime) -> int:
    """Delete a batch of old one-off letters; return how many there were."""
    held = _hold(session, one_off_chunks_before(before), ONE_OFF_CHUNKS)
    unsynchronized = {"synchronize_session": False}
    session.execute(sa.delete(Delivery).where(Delivery.chunk_id.in_(held)), execution_options=unsynchronized)
    session.execute(sa.delete(Chunk).where(Chunk.id.in_(held)), execution_options=unsynchronized)
    return len(held)


def _settled(before: datetime, *matches: ColumnElement[bool]) -> sa.Select[int, datetime]:
    """Select chunks made before `before` of which no copy waits or is in hand."""
    return select(Chunk.id, Chunk.created_at).where(
        _IS_UNCLEARED, Chunk.created_at < before, Chunk.next_attempt_at.is_(None), Chunk.lease_until.is_(None), *matches
    )


def _hold(session: Session, due: sa.Select[int, datetime], limit: int) -> Sequence[int]:
    """Hold the oldest of the chunks that are `due`, and return those that still are."""
    found = session.execute(due.order_by(Chunk.created_at, Chunk.id).limit(limit)).scalars().all()
    is_settled = sa.and_(Chunk.next_attempt_at.is_(None), Chunk.lease_until.is_(None))
    return lock_chunks(session, Chunk.id.in_(found), Chunk.cleared_at.is_(None), is_settled)
