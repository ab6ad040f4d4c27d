"""Trying copies of an edition once more, by an explicit act of an admin."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from app.delivery.retry import count_copies_that, is_rejected_for_our_fault, is_uncertain_for_good, requeue
from app.editions.audience import change_status
from app.editions.events import record_event
from app.editions.models import EditionAct, EditionStatus
from app.errors import TransitionRefused


class Retry(StrEnum):
    """Which copies are meant. `uncertain`: some readers may get them twice."""

    UNCERTAIN = "uncertain"
    REJECTED = "rejected"


_MEANT: Mapping[Retry, tuple[ColumnElement[bool], EditionAct]] = {
    Retry.UNCERTAIN: (is_uncertain_for_good(), EditionAct.RETRIED_UNCERTAIN),
    Retry.REJECTED: (is_rejected_for_our_fault(), EditionAct.RETRIED_REJECTED),
}


def count_retry(session: Session, *, edition_id: int, retry: Retry) -> int:
    """Return how many copies would be queued once more."""
    return count_copies_that(session, _MEANT[retry][0], edition_id=edition_id)


def retry_copies(session: Session, *, edition_id: int, retry: Retry, actor: str, now: datetime) -> int:
    """Queue copies of an edition once more, which reopens it, and return how many there are.

    Raises TransitionRefused where there are none, or the edition was not sent or is paused.
    """
    is_meant, act = _MEANT[retry]
    change_status(
        session, edition_id, from_statuses=(EditionStatus.SENDING, EditionStatus.SENT), to=EditionStatus.SENDING
    )
    copies = requeue(session, is_meant, edition_id=edition_id, now=now)
    if copies == 0:
        raise TransitionRefused("no copy of the edition is to be tried once more")
    record_event(session, edition_id=edition_id, act=act, actor=actor, copies=copies, now=now)
    return copies
