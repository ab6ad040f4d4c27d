"""Senders whose mail server does not let them send: one row each, for people to see, while that lasts."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app import clock
from app.db import Database, insert_into
from app.delivery.senders import SenderState
from app.mail.transport import Outcome

#: A sender that lives and has something to send tries again long before; another one's row tells nothing any more.
STALE_AFTER = timedelta(minutes=10)

#: Told what stopped all sending, or None once letters go again, and in how many seconds it is tried again.
OnRoute = Callable[[Outcome | None, float], None]


def route_log(database: Database, *, name: str) -> OnRoute:
    """Return what keeps the row of the sender `name`, each time in a transaction of its own."""

    def note(fault: Outcome | None, wait_s: float) -> None:
        now = clock.now()
        with database.transaction() as session:
            note_route(session, name=name, fault=fault, next_try_at=now + timedelta(seconds=wait_s), now=now)

    return note


def note_route(session: Session, *, name: str, fault: Outcome | None, next_try_at: datetime, now: datetime) -> None:
    """Write what stops a sender, or that nothing does."""
    if fault is None:
        session.execute(delete(SenderState).where(SenderState.name == name))
        return
    told = {"code": fault.code, "text": fault.text, "fault": fault.fault or "", "next_try_at": next_try_at}
    # Two workers of one machine bear one name, and may meet the same fault at the same moment.
    session.execute(insert_into(session, SenderState).values(name=name, since=now, **told).on_conflict_do_nothing())
    is_named = SenderState.name == name
    stale = update(SenderState).where(is_named, SenderState.next_try_at < now - STALE_AFTER).values(since=now)
    session.execute(stale)
    session.execute(update(SenderState).where(is_named).values(**told))


def stopped_senders(session: Session, *, now: datetime) -> Sequence[SenderState]:
    """Return the senders that cannot send, the one that waits longest first."""
    told = select(SenderState).where(SenderState.next_try_at > now - STALE_AFTER)
    return session.scalars(told.order_by(SenderState.since, SenderState.name)).all()
