"""Starting editions: at once as they were looked at, or, once their time has come, as they were approved."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.db import Database
from app.delivery.queue import Announce, announce_nothing
from app.editions.audience import change_status
from app.editions.compose import newsletter_of
from app.editions.models import Edition, EditionStatus
from app.errors import ApprovalRefused, TransitionRefused
from app.gate.approvals import due_approvals, end_approval, hold_approved, void_scheduled
from app.gate.holding import hold_edition_back
from app.gate.looking import Look, look_at, read_sight
from app.gate.models import Approval, ApprovalState
from app.gate.passing import open_gate, start_passed
from app.links import Links
from app.newsletters.templates import hold_newsletter
from config import Config

log = logging.getLogger(__name__)


def start_looked_at(
    session: Session,
    look: Look,
    *,
    actor: str,
    reason: str = "",
    shown: Collection[str] = (),
    config: Config,
    now: datetime,
    announce: Announce = announce_nothing,
) -> int:
    """Start an edition at once as it was looked at, for `reason` in spite of what fails; return how many copies.

    A request for somebody's approval is over with that. Raises ApprovalRefused where its newsletter wants a second
    person, and as `open_gate` and `start_edition` do.
    """
    hold_newsletter(session, look.edition.newsletter_id)  # before the edition, as an embargo and extras do
    if newsletter_of(session, look.edition).needs_approval:
        raise ApprovalRefused("editions of this newsletter want somebody else's approval")
    open_gate(session, look, actor=actor, reason=reason, shown=shown, now=now)
    copies = start_passed(session, look, actor=actor, config=config, now=now, announce=announce)
    end_approval(session, look.edition.id, ApprovalState.VOID)
    return copies


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
        with database.snapshot() as session:
            edition = session.get_one(Edition, approval.edition_id)
            sight = read_sight(session, edition, config=config, now=now)
        look = look_at(sight, config=config, links=links, now=now)
        with database.transaction() as session:
            hold_newsletter(session, edition.newsletter_id)
            hold_approved(session, approval)
            if look.fingerprint != approval.fingerprint or look.blocking:
                _give_back(session, look, now)
                return False
            # A draft for the length of this transaction: from there all editions start alike.
            change_status(session, edition.id, from_statuses=(EditionStatus.SCHEDULED,), to=EditionStatus.DRAFT)
            actor = approval.answered_by or approval.asked_by
            start_passed(session, look, actor=actor, config=config, now=now, announce=announce)
            end_approval(session, edition.id, ApprovalState.STARTED)
    except TransitionRefused as refusal:
        log.info("edition %d is not started: %s", approval.edition_id, refusal)  # stopped, started, or changed just now
        return False
    return True


def _give_back(session: Session, look: Look, now: datetime) -> None:
    void_scheduled(session, edition_id=look.edition.id, now=now)
    hold_edition_back(session, look.edition.id, look.fingerprint, look.blocking, now=now)
