"""Whom asking for consent anew concerns: confirmed readers who never agreed to the wording in force.

To count them, each confirmed subscription is held against its proofs: a page does so for a small newsletter only.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Database, insert_into
from app.newsletters.models import ConsentWording, Newsletter, WordingPurpose
from app.subscriptions.kinds import ConsentKind
from app.subscriptions.models import Subscription
from app.subscriptions.questions.models import Prospect
from app.subscriptions.records import ConsentEvent

#: So many subscriptions are looked through as a page is made, within some ten milliseconds.
COUNTED_AT_ONCE = 10_000
#: A kept count is good for this long, or until there is a new wording.
KEPT = timedelta(minutes=10)
_IS_CONFIRMED = sa.text("subscriptions.status = 'confirmed'")


def concerned(session: Session, newsletter_id: int) -> sa.Select[int]:
    """Select the confirmed subscriptions whose reader never agreed to the newest wording of any language."""
    is_ours = _is_of_form(newsletter_id)
    newest = select(ConsentWording.language, sa.func.max(ConsentWording.version)).where(is_ours)
    version = sa.tuple_(ConsentWording.language, ConsentWording.version)
    of_newest = version.in_(newest.group_by(ConsentWording.language))
    in_force = session.scalars(select(ConsentWording.id).where(is_ours, of_newest)).all()
    has_agreed = select(ConsentEvent.id).where(
        ConsentEvent.subscription_id == Subscription.id,
        ConsentEvent.kind.in_((ConsentKind.CONFIRMED, ConsentKind.RENEWED)),
        ConsentEvent.wording_id.in_(in_force),
    )
    return select(Subscription.id).where(
        _IS_CONFIRMED, Subscription.newsletter_id == newsletter_id, ~has_agreed.exists()
    )


def count_concerned(session: Session, newsletter_id: int) -> int:
    """Return how many readers are concerned, in any language."""
    return session.scalar(select(sa.func.count()).select_from(concerned(session, newsletter_id).subquery())) or 0


def read_concerned(session: Session, newsletter_id: int) -> int | None:
    """As `count_concerned`, but among many subscriptions what was counted last; None where that is yet to be done."""
    if (session.scalar(select(sa.func.max(Subscription.id))) or 0) <= COUNTED_AT_ONCE:
        return count_concerned(session, newsletter_id)
    kept = session.get(Prospect, newsletter_id)
    return kept.readers if kept and kept.wording_id == session.scalar(_newest_wording(newsletter_id)) else None


def keep_concerned(database: Database, now: datetime) -> None:
    """Count anew for each newsletter whose count is old, or of an older wording."""
    with database.reading() as session:
        newest = _newest_wording(Prospect.newsletter_id).correlate(Prospect).scalar_subquery()
        fresh = select(Prospect.newsletter_id).where(Prospect.counted_at > now - KEPT, Prospect.wording_id == newest)
        due = session.scalars(select(Newsletter.id).where(Newsletter.id.not_in(fresh))).all()
    for newsletter_id in due:
        with database.reading() as session:
            wording_id = session.scalar(_newest_wording(newsletter_id))
            readers = count_concerned(session, newsletter_id)
        values = {"readers": readers, "wording_id": wording_id, "counted_at": now}
        with database.transaction() as session:
            keeping = insert_into(session, Prospect).values(newsletter_id=newsletter_id, **values)
            session.execute(keeping.on_conflict_do_update(index_elements=["newsletter_id"], set_=values))


def _newest_wording(newsletter_id: int | sa.SQLColumnExpression[int]) -> sa.Select[int]:
    """Select the newest wording of a newsletter's form, or 0 where it has none."""
    return select(sa.func.coalesce(sa.func.max(ConsentWording.id), 0)).where(_is_of_form(newsletter_id))


def _is_of_form(newsletter_id: int | sa.SQLColumnExpression[int]) -> sa.ColumnElement[bool]:
    return sa.and_(ConsentWording.newsletter_id == newsletter_id, ConsentWording.purpose == WordingPurpose.NEWSLETTER)
