"""How renewals stand, told by what came of their questions; those of many readers are counted beforehand."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Database, insert_into
from app.subscriptions.questions.models import Question, QuestionState, Renewal, RenewalCount

#: The questions of so many readers are counted as a page is made, within some ten milliseconds.
COUNTED_AT_ONCE = 20_000
#: A kept count is good for this long: of a renewal under way, and of one that has ended, to which few answers come.
KEPT, KEPT_AFTER_END = timedelta(minutes=10), timedelta(days=1)


@dataclass(frozen=True)
class RenewalReport:
    """How a renewal stands: readers by what came of their question, as counted at `counted_at`.

    That is None where they were counted for this report.
    """

    renewal: Renewal
    open: int
    agreed: int
    lapsed: int
    void: int
    counted_at: datetime | None

    @property
    def asked(self) -> int:
        """How many were asked so far."""
        return self.open + self.agreed + self.lapsed + self.void


def count_renewal(session: Session, newsletter_id: int) -> RenewalReport | None:
    """Return how the last renewal of a newsletter stands, or None where there never was one."""
    renewal = _last_renewal(session, newsletter_id)
    return _counted(session, renewal) if renewal else None


def read_renewal(session: Session, newsletter_id: int) -> RenewalReport | None:
    """As `count_renewal`, but of many readers what was counted last: they are asked over days."""
    renewal = _last_renewal(session, newsletter_id)
    if renewal is None:
        return None
    if renewal.readers <= COUNTED_AT_ONCE:
        return _counted(session, renewal)
    kept = session.get(RenewalCount, renewal.id)
    if kept is None:
        return RenewalReport(renewal, 0, 0, 0, 0, counted_at=renewal.started_at)
    return RenewalReport(renewal, kept.open, kept.agreed, kept.lapsed, kept.void, counted_at=kept.counted_at)


def keep_renewals(database: Database, now: datetime) -> None:
    """Count anew the last renewal of each newsletter where it asks many readers and its count is old."""
    last = select(sa.func.max(Renewal.id)).group_by(Renewal.newsletter_id)
    is_of_many = sa.and_(Renewal.id.in_(last), Renewal.readers > COUNTED_AT_ONCE)
    is_over = Renewal.ended_at <= RenewalCount.counted_at
    is_fresh = sa.or_(RenewalCount.counted_at > now - KEPT, is_over & (RenewalCount.counted_at > now - KEPT_AFTER_END))
    fresh = select(RenewalCount.renewal_id).join(Renewal, Renewal.id == RenewalCount.renewal_id).where(is_fresh)
    with database.reading() as session:
        due = session.scalars(select(Renewal.id).where(is_of_many, Renewal.id.not_in(fresh))).all()
    for renewal_id in due:
        with database.reading() as session:
            values = {**_count(session, renewal_id), "counted_at": now}
        with database.transaction() as session:
            keeping = insert_into(session, RenewalCount).values(renewal_id=renewal_id, **values)
            session.execute(keeping.on_conflict_do_update(index_elements=["renewal_id"], set_=values))


def _last_renewal(session: Session, newsletter_id: int) -> Renewal | None:
    last = select(Renewal).where(Renewal.newsletter_id == newsletter_id).order_by(Renewal.id.desc()).limit(1)
    return session.scalars(last).one_or_none()


def _counted(session: Session, renewal: Renewal) -> RenewalReport:
    return RenewalReport(renewal, **_count(session, renewal.id), counted_at=None)


def _count(session: Session, renewal_id: int) -> dict[str, int]:
    states = select(Question.state, sa.func.count()).where(Question.renewal_id == renewal_id).group_by(Question.state)
    counts: dict[QuestionState, int] = dict(session.execute(states).all())
    return {state.value: counts.get(state, 0) for state in QuestionState}
