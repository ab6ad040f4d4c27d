"""After a restore: what may have left since the dump does not leave by itself once more.

A restored database knows nothing of what was sent since. Digests whose period has come would be compiled again, and
copies that waited would go again. Single letters are left alone: a second confirmation harms nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.digests.coverage import call_off
from app.digests.schedule import CATCH_UP
from app.digests.scheduling import leave_out_due
from app.editions.audience import pause_edition
from app.editions.events import explain_act
from app.editions.lines import Schedule
from app.editions.models import IS_UNDER_WAY, Edition, EditionStatus
from app.gate.approvals import stop_scheduled
from app.retold import RESTORED


@dataclass(frozen=True)
class Leaving:
    """What leaves by itself as soon as a process starts: the ids of schedules, and of editions.

    `compiled` are digests that a schedule made and has not started; `approved` wait to leave; of those `under_way`
    copies wait.
    """

    schedules: Sequence[int]
    compiled: Sequence[int]
    approved: Sequence[int]
    under_way: Sequence[int]


def find_leaving(session: Session, now: datetime) -> Leaving:
    """Find what would leave by itself."""
    due = select(Schedule.id).where(Schedule.is_active, Schedule.next_run_at <= now).order_by(Schedule.id)
    made = _editions(EditionStatus.DRAFT).where(Edition.is_automatic, Edition.created_at > now - CATCH_UP)
    return Leaving(
        schedules=session.scalars(due).all(),
        compiled=session.scalars(made).all(),
        approved=session.scalars(_editions(EditionStatus.SCHEDULED)).all(),
        under_way=session.scalars(_editions(EditionStatus.SENDING)).all(),
    )


def keep_from_leaving(session: Session, leaving: Leaving, *, actor: str, now: datetime) -> None:
    """Leave periods out as missed, call compiled digests off, make approved editions drafts, and pause the others.

    Raises TransitionRefused where a process that runs all the same was first.
    """
    for schedule_id in leaving.schedules:
        leave_out_due(session, schedule_id=schedule_id, now=now)
    for edition_id in leaving.compiled:
        call_off(session, edition_id=edition_id, actor=actor, now=now)
    for edition_id in leaving.approved:
        stop_scheduled(session, edition_id=edition_id, actor=actor, now=now)
    for edition_id in leaving.under_way:
        pause_edition(session, edition_id=edition_id, actor=actor, now=now)
    for edition_id in (*leaving.compiled, *leaving.approved, *leaving.under_way):
        explain_act(session, edition_id, RESTORED)


def _editions(status: EditionStatus) -> Select[int]:
    return select(Edition.id).where(IS_UNDER_WAY, Edition.status == status).order_by(Edition.id)
