"""Requests for approval that count no longer: the edition is another one than what its second person was asked about.

Nobody can agree to it then; where the edition is brought back to what it was, the request counts again. What was agreed
to and became a draft again, for an embargo, is to be asked for anew in any case.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, selectinload

from app.editions.draft import fingerprint
from app.editions.models import Edition, EditionItem, EditionStatus
from app.gate.models import Approval, ApprovalState


def outdated_requests(session: Session) -> Sequence[Approval]:
    """Return what was asked about drafts that were changed since."""
    return _outdated(session, Edition.status == EditionStatus.DRAFT)


def outdated_request(session: Session, edition: Edition) -> Approval | None:
    """Return what was asked about an edition, where that was changed since."""
    return next(iter(_outdated(session, Edition.id == edition.id)), None)


def _outdated(session: Session, wanted: ColumnElement[bool]) -> Sequence[Approval]:
    is_taken_back = and_(Approval.state == ApprovalState.APPROVED, Edition.status == EditionStatus.DRAFT)
    asked = select(Approval, Edition).join(Edition, Edition.id == Approval.edition_id)
    asked = asked.where(or_(Approval.state == ApprovalState.ASKED, is_taken_back), wanted)
    rows = session.execute(asked.options(selectinload(Edition.items).joinedload(EditionItem.also)))
    return [
        approval
        for approval, edition in rows
        if approval.state is ApprovalState.APPROVED or approval.fingerprint != fingerprint(edition)
    ]
