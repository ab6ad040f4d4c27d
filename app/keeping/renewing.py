"""Renewals as they go on by themselves: who is asked, reminded and no longer mailed, batch by batch."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select

from app.db import Database
from app.subscriptions.questions.concerned import keep_concerned
from app.subscriptions.questions.counts import keep_renewals
from app.subscriptions.questions.models import Renewal
from app.subscriptions.questions.renewal import ask_readers, end_renewal, lapse_readers, remind_readers

#: Batches of each kind in one run; the next one goes on.
BATCHES = 20


def run_renewals(database: Database, now: datetime) -> dict[str, int]:
    """Take every renewal under way as far as it may go now; return how many questions were asked, reminded, closed.

    Whom the next one would concern, and how each stands, is counted too.
    """
    done = {"asked": 0, "reminded": 0, "closed": 0}
    keep_concerned(database, now)
    with database.reading() as session:
        under_way = session.scalars(select(Renewal.id).where(Renewal.ended_at.is_(None))).all()
    for renewal_id in under_way:
        done["asked"] += _repeated(database, renewal_id, ask_readers, now)
        done["reminded"] += _repeated(database, renewal_id, remind_readers, now)
    for _ in range(BATCHES):
        with database.transaction() as session:
            closed = lapse_readers(session, now=now)
        done["closed"] += closed
        if closed == 0:
            break
    for renewal_id in under_way:
        with database.transaction() as session:
            end_renewal(session, session.get_one(Renewal, renewal_id), now=now)
    keep_renewals(database, now)
    return done


def _repeated(database: Database, renewal_id: int, step: Callable[..., int], now: datetime) -> int:
    total = 0
    for _ in range(BATCHES):
        with database.transaction() as session:
            renewal = session.get_one(Renewal, renewal_id)
            number = 0 if renewal.ended_at else step(session, renewal, now=now)
        total += number
        if number == 0:
            break
    return total
