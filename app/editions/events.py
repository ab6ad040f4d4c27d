"""What was done with an edition, by whom and why: written with the act itself, never changed."""

import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.editions.records import EditionAct, EditionEvent
from app.mail.pacing import PauseReason

log = logging.getLogger(__name__)

#: Acts on one edition that the desk shows, the newest ones.
SHOWN_EVENTS = 20


def record_event(
    session: Session,
    *,
    edition_id: int,
    act: EditionAct,
    actor: str | None,
    now: datetime,
    reason: PauseReason | None = None,
    copies: int | None = None,
    note: str | None = None,
) -> None:
    """Note an act; nobody's act (`actor` is None) has a reason, or a note that tells it."""
    session.add(
        EditionEvent(edition_id=edition_id, at=now, act=act, actor=actor, reason=reason, copies=copies, note=note)
    )
    session.flush()
    log.log(
        logging.WARNING if actor is None else logging.INFO,
        "edition %d: %s by %s%s%s",
        edition_id,
        act.value,
        actor or "itself",
        f", {reason.value}" if reason else "",
        f", {copies} copies" if copies is not None else "",
    )


def explain_act(session: Session, edition_id: int, note: str) -> None:
    """Say why the last act on an edition was done, in the transaction that does it."""
    newest = select(EditionEvent).where(EditionEvent.edition_id == edition_id).order_by(EditionEvent.id.desc())
    session.scalars(newest.limit(1)).one().note = note
    session.flush()


def events_of(session: Session, edition_id: int) -> Sequence[EditionEvent]:
    """Return the last acts on an edition, the newest first."""
    newest = select(EditionEvent).where(EditionEvent.edition_id == edition_id).order_by(EditionEvent.id.desc())
    return session.scalars(newest.limit(SHOWN_EVENTS)).all()


def pause_reason(session: Session, edition_id: int) -> PauseReason | None:
    """Return why an edition that is paused paused by itself, or None where somebody paused it."""
    pauses = select(EditionEvent.reason).where(
        EditionEvent.edition_id == edition_id, EditionEvent.act == EditionAct.PAUSED
    )
    return session.scalar(pauses.order_by(EditionEvent.id.desc()).limit(1))


def has_paused_for(session: Session, edition_id: int, reason: PauseReason) -> bool:
    """Return whether an edition paused for `reason` before; whoever resumed it has seen it."""
    same = select(EditionEvent.id).where(EditionEvent.edition_id == edition_id, EditionEvent.reason == reason)
    return session.scalar(same.limit(1)) is not None
