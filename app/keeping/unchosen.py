"""Choices that nobody has any more: the rows that readers share go once the last of them chose otherwise or is gone."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from app.choices.models import Profile, Rhythm
from app.db import Database
from app.editions.lines import Compilation, Schedule
from app.subscriptions.models import Subscription

BATCH = 500

_HAS_RUN = sa.exists().where(Compilation.schedule_id == Schedule.id)
_IS_NOBODYS_PROFILE = ~sa.exists().where(Subscription.profile_id == Profile.id)
_IS_NOBODYS_RHYTHM = sa.and_(
    ~sa.exists().where(Subscription.rhythm_id == Rhythm.id),
    ~sa.exists().where(Schedule.rhythm_id == Rhythm.id, _HAS_RUN),
)


def drop_unchosen(database: Database) -> int:
    """Delete the profiles and rhythms that no reader has, in batches of a transaction each; return how many.

    A rhythm by which digests were compiled stays, since these name its schedule.
    """
    return sum(_dropped(database, drop_batch) for drop_batch in (_drop_profiles, _drop_rhythms))


def _dropped(database: Database, drop_batch: Callable[[Session], int]) -> int:
    dropped, done = 0, 1
    while done:
        with database.transaction() as session:
            done = drop_batch(session)
        dropped += done
    return dropped


def _drop_profiles(session: Session) -> int:
    return _drop(session, Profile, _hold(session, Profile, _IS_NOBODYS_PROFILE), _IS_NOBODYS_PROFILE)


def _drop_rhythms(session: Session) -> int:
    held = _hold(session, Rhythm, _IS_NOBODYS_RHYTHM)
    of_nobody = select(Rhythm.id).where(Rhythm.id.in_(held), _IS_NOBODYS_RHYTHM)
    session.execute(
        delete(Schedule).where(Schedule.rhythm_id.in_(of_nobody)), execution_options={"synchronize_session": False}
    )
    return _drop(session, Rhythm, held, _IS_NOBODYS_RHYTHM)


def _hold(session: Session, table: type[Profile | Rhythm], is_nobodys: ColumnElement[bool]) -> Sequence[int]:
    """Hold some rows that seem nobody's. One may just have been chosen: whoever deletes them looks again."""
    seen = select(table.id).where(is_nobodys).order_by(table.id).limit(BATCH).with_for_update(skip_locked=True)
    return session.scalars(seen).all()


def _drop(session: Session, table: type[Profile | Rhythm], held: Sequence[int], is_nobodys: ColumnElement[bool]) -> int:
    done: sa.CursorResult[Any] = session.execute(  # type: ignore[assignment]
        delete(table).where(table.id.in_(held), is_nobodys), execution_options={"synchronize_session": False}
    )
    return done.rowcount
