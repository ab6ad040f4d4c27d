"""Requests for approval that count no longer: the edition is another one than what its second person was asked about.

Nobody can agree to it then; where the edition is brought back to what it was, the request counts again.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, selectinload

from app.editions.draft import fingerprint
from app.editions.models import Edition, EditionItem, EditionStatus
from app.gate.models import Approval, ApprovalState


def outdated_requests(session: Session) -> Sequence[Approval]:
    """Return what is asked about drafts that were changed since."""
    return _outdated(session, Edition.status == EditionStatus.DRAFT)


def outdated_request(session: Session, edition: Edition) -> Approval | None:
    """Return what is asked about an edition, where that was changed since."""
    return next(iter(_outdated(session, Edition.id == edition.id)), None)


def _outdated(session: Session, wanted: ColumnElement[bool]) -> Sequence[Approval]:
    asked = select(Approval, Edition).join(Edition, Edition.id == Approval.edition_id)
    shown = selectinload(Edition.items).joinedload(EditionItem.also)
    rows = session.execute(asked.where(Approval.state == ApprovalState.ASKED, wanted).options(shown))
    return [approval for approval, edition in rows if approval.fingerprint != fingerprint(edition)]
