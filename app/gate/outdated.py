"""Open requests for approval, and which count no longer: the edition is another one than what its second person was
asked about.

Nobody can agree to it then; where the edition is brought back to what it was, the request counts again. What was agreed
to and became a draft again, for an embargo, is to be asked for anew in any case.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, selectinload

from app.editions.draft import fingerprint
from app.editions.models import Edition, EditionItem, EditionStatus
from app.gate.models import Approval, ApprovalState


@dataclass(frozen=True)
class Request:
    """What was asked about an edition, and whether that was changed since."""

    approval: Approval
    is_outdated: bool


def outdated_requests(session: Session) -> Sequence[Approval]:
    """Return what was asked about drafts that were changed since."""
    found = _requests(session, Edition.status == EditionStatus.DRAFT)
    return [request.approval for request in found if request.is_outdated]


def open_request(session: Session, edition: Edition) -> Request | None:
    """Return what was asked about an edition and waits for an answer, or was taken back."""
    return next(iter(_requests(session, Edition.id == edition.id)), None)


def _requests(session: Session, wanted: ColumnElement[bool]) -> Sequence[Request]:
    is_taken_back = and_(Approval.state == ApprovalState.APPROVED, Edition.status == EditionStatus.DRAFT)
    asked = select(Approval, Edition).join(Edition, Edition.id == Approval.edition_id)
    asked = asked.where(or_(Approval.state == ApprovalState.ASKED, is_taken_back), wanted)
    rows = session.execute(asked.options(selectinload(Edition.items).joinedload(EditionItem.also)))
    return [
        Request(approval, approval.state is ApprovalState.APPROVED or approval.fingerprint != fingerprint(edition))
        for approval, edition in rows
    ]
