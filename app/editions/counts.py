"""Keeping the counts of editions' copies: of those on their way every now and then, of the others once at their end.

A copy that has come to an end changes no more, unless somebody has it tried once more; then its edition is on its way
again, and ends anew.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.db import Database, insert_into
from app.delivery.models import OPEN, Chunk, Delivery, DeliveryState
from app.delivery.retry import is_rejected_for_our_fault, is_uncertain_for_good
from app.editions.models import Edition, EditionCount, EditionStatus, whole_editions
from app.editions.outcomes import count_outcomes

#: Editions counted in one go.
BATCH = 20
_ON_ITS_WAY = (EditionStatus.SENDING, EditionStatus.PAUSED)


def count_editions(database: Database, *, now: datetime) -> int:
    """Count the copies of the editions on their way and of those that ended since; return how many these are."""
    with database.reading() as session:
        due = session.execute(_due()).all()
    for edition_id, status in due:
        with database.reading() as session:
            counts = dict(session.execute(_counts(edition_id)).one()._mapping)
        with database.transaction() as session:
            if status not in _ON_ITS_WAY:
                count_outcomes(session, edition_id=edition_id)
            values = {**counts, "counted_at": now}
            keeping = insert_into(session, EditionCount).values(edition_id=edition_id, **values)
            session.execute(keeping.on_conflict_do_update(index_elements=["edition_id"], set_=values))
    return len(due)


def counted(session: Session, edition_ids: Sequence[int]) -> dict[int, EditionCount]:
    """Return the counts that are kept of some editions, by edition."""
    found = session.scalars(select(EditionCount).where(EditionCount.edition_id.in_(edition_ids)))
    return {count.edition_id: count for count in found}


def _due() -> sa.Select[int, EditionStatus]:
    is_on_its_way = Edition.status.in_(_ON_ITS_WAY)
    has_ended = sa.and_(
        Edition.started_at.is_not(None),
        Edition.finished_at.is_not(None),
        sa.or_(EditionCount.counted_at.is_(None), EditionCount.counted_at <= Edition.finished_at),
    )
    joined = whole_editions().with_only_columns(Edition.id, Edition.status).outerjoin(EditionCount)
    return joined.where(sa.or_(is_on_its_way, has_ended)).order_by(Edition.id.desc()).limit(BATCH)


def _counts(edition_id: int) -> sa.Select[*tuple[int, ...]]:
    return (
        select(
            sa.func.count().label("copies"),
            _number(Delivery.state == DeliveryState.ACCEPTED).label("accepted"),
            _number(Delivery.state.in_(OPEN)).label("open"),
            _number(is_uncertain_for_good()).label("uncertain"),
            _number(is_rejected_for_our_fault()).label("for_our_fault"),
        )
        .join_from(Chunk, Delivery, Delivery.chunk_id == Chunk.id)
        .where(Chunk.edition_id == edition_id)
    )


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)
