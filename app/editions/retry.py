"""Trying copies of an edition once more, by an explicit act of an admin."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from app.delivery.retry import (
    REQUEUED_WITHIN,
    count_copies_that,
    is_rejected_for_our_fault,
    is_uncertain_for_good,
    requeue,
)
from app.editions.audience import change_status
from app.editions.events import record_event
from app.editions.models import Edition, EditionStatus
from app.editions.outcomes import count_outcomes
from app.editions.records import EditionAct
from app.errors import TransitionRefused


class Retry(StrEnum):
    """Which copies are meant. `uncertain`: some readers may get them twice."""

    UNCERTAIN = "uncertain"
    REJECTED = "rejected"


_MEANT: Mapping[Retry, tuple[ColumnElement[bool], EditionAct]] = {
    Retry.UNCERTAIN: (is_uncertain_for_good(), EditionAct.RETRIED_UNCERTAIN),
    Retry.REJECTED: (is_rejected_for_our_fault(), EditionAct.RETRIED_REJECTED),
}


def is_too_old(edition: Edition, now: datetime) -> bool:
    """Return whether an edition was started too long ago for its copies to be tried again."""
    return edition.started_at is not None and now - edition.started_at > REQUEUED_WITHIN


def count_retry(session: Session, *, edition: Edition, retry: Retry, now: datetime) -> int:
    """Return how many copies would be queued once more."""
    return 0 if is_too_old(edition, now) else count_copies_that(session, _MEANT[retry][0], edition_id=edition.id)


def retry_copies(session: Session, *, edition_id: int, retry: Retry, actor: str, now: datetime) -> int:
    """Queue copies of an edition once more, which reopens it, and return how many there are.

    Raises TransitionRefused where there are none, the edition is too old, was not sent or is paused, NotFound.
    """
    is_meant, act = _MEANT[retry]
    change_status(
        session, edition_id, from_statuses=(EditionStatus.SENDING, EditionStatus.SENT), to=EditionStatus.SENDING
    )
    if is_too_old(session.get_one(Edition, edition_id), now):
        raise TransitionRefused(f"copies are tried once more within {REQUEUED_WITHIN.days} days of the edition's start")
    copies = requeue(session, is_meant, edition_id=edition_id, now=now)
    if copies == 0:
        raise TransitionRefused("no copy of the edition is to be tried once more")
    count_outcomes(session, edition_id=edition_id)
    record_event(session, edition_id=edition_id, act=act, actor=actor, copies=copies, now=now)
    return copies
