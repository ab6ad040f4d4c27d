"""Election by a row: among many schedulers, one holds the lease and works, the others wait for it to lapse."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.clock import CLOCKS_APART
from app.db import Database
from app.jobs.models import Lease

#: A dead holder is replaced after this long; a live one renews at every tick.
LIFE = timedelta(seconds=45)


def hold(database: Database, *, name: str, owner: str, now: datetime) -> bool:
    """Take or renew the lease `name` for `owner`, in a transaction of its own; return whether it is held."""
    try:
        with database.transaction() as session:
            return _take(session, name=name, owner=owner, now=now)
    except IntegrityError:
        return False  # another process made the row in the same moment: it holds the lease


def release(database: Database, *, name: str, owner: str) -> None:
    """Give the lease up, so that the next process need not wait for it to lapse."""
    with database.transaction() as session:
        session.execute(sa.delete(Lease).where(Lease.name == name, Lease.owner == owner))


def _take(session: Session, *, name: str, owner: str, now: datetime) -> bool:
    # A holder renews by its own clock: what lies further ahead is left from one that was wrong.
    is_free = sa.or_(Lease.until < now, Lease.until > now + LIFE + CLOCKS_APART)
    free_for_us = sa.or_(Lease.owner == owner, is_free)
    update = sa.update(Lease).where(Lease.name == name, free_for_us).values(owner=owner, until=now + LIFE)
    if session.execute(update).rowcount:  # type: ignore[attr-defined]
        return True
    if session.get(Lease, name) is not None:
        return False
    session.add(Lease(name=name, owner=owner, until=now + LIFE))
    session.flush()
    return True
