"""Choices that nobody has any more: the rows that readers share go once the last of them chose otherwise or is gone."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from app.choices.models import Profile, Rhythm
from app.db import Database
from app.editions.models import Schedule
from app.subscriptions.models import Subscription

BATCH = 500

_NOBODYS: tuple[tuple[type[Profile | Rhythm], ColumnElement[bool]], ...] = (
    (Profile, ~sa.exists().where(Subscription.profile_id == Profile.id)),
    (
        Rhythm,
        sa.and_(
            ~sa.exists().where(Subscription.rhythm_id == Rhythm.id), ~sa.exists().where(Schedule.rhythm_id == Rhythm.id)
        ),
    ),
)


def drop_unchosen(database: Database) -> int:
    """Delete the profiles and rhythms that no reader has, in batches of a transaction each; return how many.

    A rhythm stays as long as a schedule is its.
    """
    dropped = 0
    for table, is_nobodys in _NOBODYS:
        is_over = False
        while not is_over:
            with database.transaction() as session:
                done = _drop_batch(session, table, is_nobodys)
            dropped += done
            is_over = done == 0
    return dropped


def _drop_batch(session: Session, table: type[Profile | Rhythm], is_nobodys: ColumnElement[bool]) -> int:
    """Hold some rows that seem nobody's, and delete those that still are: one may just have been chosen."""
    seen = select(table.id).where(is_nobodys).order_by(table.id).limit(BATCH).with_for_update(skip_locked=True)
    held = session.scalars(seen).all()
    done: sa.CursorResult[Any] = session.execute(delete(table).where(table.id.in_(held), is_nobodys))  # type: ignore[assignment]
    return done.rowcount
