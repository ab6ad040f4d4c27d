"""Starting what was approved, once its time has come: looked at once more, and started exactly once."""

import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.db import Database
from app.delivery.queue import Announce, announce_nothing
from app.editions.audience import change_status
from app.editions.models import Edition, EditionStatus
from app.errors import TransitionRefused
from app.gate.approvals import due_approvals, end_started, hold_approved, void_scheduled
from app.gate.holding import hold_edition_back
from app.gate.looking import Look, look_at, read_sight
from app.gate.models import Approval
from app.gate.passing import start_passed
from app.links import Links
from config import Config

log = logging.getLogger(__name__)


def start_approved(
    database: Database, *, now: datetime, config: Config, links: Links, announce: Announce = announce_nothing
) -> Sequence[int]:
    """Start the approved editions whose time to be stopped is over; return their ids.

    Each is set outside a transaction. What is no longer as it was approved, or no longer passes, becomes a draft again.
    Of several schedulers, and of a stop at the same moment, one counts.
    """
    with database.reading() as session:
        due = due_approvals(session, now)
    return [
        approval.edition_id
        for approval in due
        if _start(database, approval, now=now, config=config, links=links, announce=announce)
    ]


def _start(
    database: Database, approval: Approval, *, now: datetime, config: Config, links: Links, announce: Announce
) -> bool:
    try:
        with database.reading() as session:
            edition = session.get_one(Edition, approval.edition_id)
            sight = read_sight(session, edition, config=config, now=now)
        look = look_at(sight, config=config, links=links, now=now)
        with database.transaction() as session:
            hold_approved(session, approval)
            if look.fingerprint != approval.fingerprint or look.blocking:
                _give_back(session, look, now)
                return False
            # A draft for the length of this transaction: from there all editions start alike.
            change_status(session, edition.id, from_statuses=(EditionStatus.SCHEDULED,), to=EditionStatus.DRAFT)
            actor = approval.answered_by or approval.asked_by
            start_passed(session, look, actor=actor, config=config, now=now, announce=announce)
            end_started(session, edition.id)
    except TransitionRefused as refusal:
        log.info("edition %d is not started: %s", approval.edition_id, refusal)  # stopped, started, or changed just now
        return False
    return True


def _give_back(session: Session, look: Look, now: datetime) -> None:
    void_scheduled(session, edition_id=look.edition.id, now=now)
    hold_edition_back(session, look.edition.id, look.fingerprint, look.blocking, now=now)
