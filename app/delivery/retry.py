"""Copies that came to an end and are to be tried once more, because a person says so. Nothing here commits or sends."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement, CursorResult, select, update
from sqlalchemy.orm import Session

from app.delivery.claims import lock_chunks, redate
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.mail.dkim import LIFE, LIFE_MIN
from app.mail.pacing import GIVE_UP_AFTER
from app.mail.transport import Fault

#: How long after it was queued a copy may be: its bytes stay, and its signature ends with its life.
REQUEUED_WITHIN = LIFE - LIFE_MIN
#: Faults that were ours and may be mended by now; another try never mends an address or a mailbox.
OUR_FAULTS = (Fault.SENDER, Fault.CONTENT, Fault.HOST, Fault.AUTHENTICATION)


def is_uncertain_for_good() -> ColumnElement[bool]:
    """Return the condition that nobody knows whether a copy arrived, and that it is not sent again by itself."""
    return sa.and_(Delivery.state == DeliveryState.UNCERTAIN, ~Delivery.is_repeatable)


def is_rejected_for_our_fault() -> ColumnElement[bool]:
    """Return the condition that a copy was refused, and that its reader had no part in it."""
    return sa.and_(Delivery.state == DeliveryState.REJECTED, Delivery.fault.in_(OUR_FAULTS))


def count_copies_that(session: Session, is_meant: ColumnElement[bool], *, edition_id: int) -> int:
    """Return how many copies of an edition are meant."""
    copies = (
        select(sa.func.count())
        .join_from(Delivery, Chunk, Chunk.id == Delivery.chunk_id)
        .where(Chunk.edition_id == edition_id, is_meant)
    )
    return session.scalar(copies) or 0


def requeue(session: Session, is_meant: ColumnElement[bool], *, edition_id: int, now: datetime) -> int:
    """Queue the copies of an edition that are meant once more, and return how many there are.

    Their ids stay, and so do their Message-ID and their bytes. What may have arrived is not repeatable, and is
    uncertain again where this try, too, ends without a reply. From now on they have the usual time to be sent in.
    """
    lock_chunks(session, Chunk.edition_id == edition_id)
    chunks = select(Chunk.id).where(Chunk.edition_id == edition_id)
    queued = session.execute(
        update(Delivery)
        .where(Delivery.chunk_id.in_(chunks), is_meant)
        .values(state=DeliveryState.QUEUED, settled_at=None, next_attempt_at=None),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(queued, CursorResult)
    session.execute(
        update(Chunk).where(Chunk.edition_id == edition_id).values(expires_at=now + GIVE_UP_AFTER),
        execution_options={"synchronize_session": False},
    )
    redate(session, Chunk.edition_id == edition_id, Chunk.lease_until.is_(None), now=now)
    return queued.rowcount
