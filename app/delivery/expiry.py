"""The end of what was not sent in time. Nothing here commits or sends."""

from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from app.delivery.claims import awaits_try, lock_chunks
from app.delivery.models import Chunk, Delivery, DeliveryState, Failures
from app.delivery.warm_ups import awaits_warm_up, warming_newsletters
from app.mail.meanings import Meaning

#: Chunks that expire in one transaction: SQLite has one writer, and others want their turn.
EXPIRED_AT_ONCE = 20
#: More than so many copies that wait are many, and no page counts them.
WAITING_COUNTED = 20_000
#: Called in the transaction in which chunks expired, with their ids.
OnExpired = Callable[[Session, Sequence[int], datetime], None]
_UNSYNCHRONIZED = {"synchronize_session": False}
#: What becomes of copies that are not sent in time.
_FAILS = Failures.EXPIRED | Failures.UNCERTAIN


def count_waiting(*, editions: sa.Select[int]) -> sa.Select[int]:
    """Select how many copies of the editions selected by id still wait, or are in hand, up to `WAITING_COUNTED`."""
    copies = select(Delivery.id).join_from(Delivery, Chunk, Chunk.id == Delivery.chunk_id)
    waiting = copies.where(_is_open(editions), awaits_try()).limit(WAITING_COUNTED)
    return select(sa.func.count()).select_from(waiting.subquery())


def end_earlier_editions(session: Session, *, editions: sa.Select[int], edition_id: int, now: datetime) -> None:
    """Let what is open of the editions selected, save `edition_id`, expire now; what is on the wire is finished."""
    earlier = lock_chunks(session, _is_open(editions), Chunk.edition_id != edition_id)
    act = update(Chunk).where(Chunk.id.in_(earlier)).values(expires_at=now)
    session.execute(act, execution_options=_UNSYNCHRONIZED)


def expire_copies(
    session: Session, *, now: datetime, limit: int = EXPIRED_AT_ONCE, on_expired: OnExpired | None = None
) -> int:
    """End the waiting copies of up to `limit` free chunks whose time is over; return how many chunks there were.

    What may have arrived does not become expired for that: it stays uncertain. What waited for its newsletter's warm-up
    says so.
    """
    is_over = sa.and_(Chunk.lease_until.is_(None), Chunk.next_attempt_at.is_not(None), Chunk.expires_at <= now)
    chunks = session.scalars(select(Chunk.id).where(is_over).limit(limit).with_for_update(skip_locked=True)).all()
    if not chunks:
        return 0
    may_have_arrived = (Delivery.state == DeliveryState.UNCERTAIN) | ~Delivery.is_repeatable
    kind = Delivery.__table__.c.state.type
    end = sa.case(
        (may_have_arrived, sa.literal(DeliveryState.UNCERTAIN, kind)), else_=sa.literal(DeliveryState.EXPIRED, kind)
    )
    session.execute(
        update(Delivery)
        .where(Delivery.chunk_id.in_(chunks), awaits_try())
        .values(
            state=end,
            meaning=_why_expired(chunks, now),
            is_repeatable=~may_have_arrived,
            settled_at=now,
            next_attempt_at=None,
        ),
        execution_options=_UNSYNCHRONIZED,
    )
    session.execute(
        update(Chunk)
        .where(Chunk.id.in_(chunks))
        .values(next_attempt_at=None, failures=Chunk.failures.bitwise_or(_FAILS)),
        execution_options=_UNSYNCHRONIZED,
    )
    if on_expired is not None:
        on_expired(session, chunks, now)
    return len(chunks)


def _why_expired(chunks: Sequence[int], now: datetime) -> ColumnElement[Meaning | None]:
    warming_up = (
        select(Delivery.id)
        .join(Chunk, Chunk.id == Delivery.chunk_id)
        .where(Delivery.chunk_id.in_(chunks), awaits_warm_up(now), Chunk.newsletter_id.in_(warming_newsletters()))
    )
    reason = sa.literal(Meaning.WARMING_UP, Delivery.__table__.c.meaning.type)
    return sa.case((Delivery.id.in_(warming_up), reason), else_=Delivery.meaning)


def _is_open(editions: sa.Select[int]) -> ColumnElement[bool]:
    is_unfinished = Chunk.next_attempt_at.is_not(None) | Chunk.lease_until.is_not(None)
    return sa.and_(Chunk.edition_id.in_(editions), is_unfinished)
