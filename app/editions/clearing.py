"""What editions forget: after a while the letters that were made for what some readers chose.

There may be thousands of them a day, each with the text of all its articles, and one may tell what a single reader
follows. What they carried stays, and the letters that everybody got.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.editions.lines import Schedule
from app.editions.models import Edition, EditionContent, EditionStatus

#: Letters that one call drops.
LETTERS = 200
#: Literally, as the partial index says it: what a schedule made and has its letter still.
_IS_UNCLEARED = sa.text("editions.schedule_id IS NOT NULL AND editions.cleared_at IS NULL")


def letters_before(before: datetime) -> sa.Select[int, datetime | None]:
    """Select the editions for some readers' choices that ended before `before` and have letters still, and when."""
    of_rhythm = select(Schedule.id).where(Schedule.rhythm_id.is_not(None))
    is_chosen = Edition.variant_of.is_not(None) | Edition.schedule_id.in_(of_rhythm)
    is_over = Edition.status.in_((EditionStatus.SENT, EditionStatus.CANCELLED))
    return select(Edition.id, Edition.finished_at).where(
        _IS_UNCLEARED, Edition.finished_at < before, is_over, is_chosen
    )


def drop_letters(session: Session, *, before: datetime, now: datetime) -> int:
    """Delete the letters of a batch of them, the oldest first; return how many editions there were."""
    due = letters_before(before).order_by(Edition.finished_at).limit(LETTERS)
    ids = [edition_id for edition_id, _ in session.execute(due)]
    unsynchronized = {"synchronize_session": False}
    session.execute(delete(EditionContent).where(EditionContent.edition_id.in_(ids)), execution_options=unsynchronized)
    session.execute(update(Edition).where(Edition.id.in_(ids)).values(cleared_at=now), execution_options=unsynchronized)
    return len(ids)
