"""Keeping the counts of editions' copies: of those on their way every now and then, of the others once at their end.

A large one is counted the more seldom, the longer counting takes, and more seldom still while it waits for retries.

A copy that has come to an end changes no more, unless somebody has it tried once more; then its edition is on its way
again, and ends anew.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Database, insert_into
from app.delivery.models import OPEN, Chunk, DeliveryState
from app.delivery.outcomes import PULSE
from app.delivery.senders import Pulse
from app.editions.models import Edition, EditionStatus, whole_editions
from app.editions.outcomes import Outcomes, keep_standings, read_standings
from app.editions.progress import Group, Progress, count_groups, count_progress, progress_of
from app.editions.records import EditionCount
from app.mail.meanings import Meaning

#: Editions that ended, counted in one go.
BATCH = 20
#: An edition of so many copies is counted as a page is made, within some ten milliseconds.
COUNTED_AT_ONCE = 20_000
#: A larger one on its way waits for its next count a second for so many copies, or for so many where none has ended
#: since the last: counting ten millions takes five seconds or more, and their retries go on for days.
RECOUNTED_PER_S = 100_000
QUIET_RECOUNTED_PER_S = 10_000
_ON_ITS_WAY = (EditionStatus.SENDING, EditionStatus.PAUSED)


def count_editions(database: Database, *, now: datetime) -> int:
    """Count the copies of the editions on their way and of those that ended since; return how many these are."""
    with database.reading() as session:
        on_their_way = session.scalars(_on_their_way()).all()
        counts = counted(session, on_their_way)
        due = [key for key in on_their_way if key not in counts or _is_due(session, counts[key], now)]
        ended = session.scalars(_ended()).all()
    for edition_id in (*due, *ended):
        has_ended = edition_id in ended
        # Read before anything is written: reading millions of copies must keep no other writer waiting.
        with database.reading() as session:
            values = {**_counts(count_groups(session, edition_id, now=now)), "counted_at": now}
            standings = read_standings(session, edition_id=edition_id) if has_ended else {}
        with database.transaction() as session:
            if has_ended and not _is_still_over(session, edition_id):
                continue
            if has_ended:
                keep_standings(session, standings, edition_id=edition_id)
            keeping = insert_into(session, EditionCount).values(edition_id=edition_id, **values)
            session.execute(keeping.on_conflict_do_update(index_elements=["edition_id"], set_=values))
    return len(due) + len(ended)


def read_progress(session: Session, *, edition: Edition, outcomes: Outcomes, now: datetime) -> Progress:
    """Read the figures of an edition for a page.

    Those of a small one are counted now. Of a large one, `outcomes` tell how its copies stand, as far as senders know,
    and the rest is what the last count found.
    """
    told = outcomes.counts()
    is_small = 0 < sum(told.values()) <= COUNTED_AT_ONCE
    kept = None if is_small else session.get(EditionCount, edition.id)
    if is_small or (not told and (kept is None or kept.copies <= COUNTED_AT_ONCE)):
        return count_progress(session, edition=edition, now=now)
    counted_at = kept.counted_at if kept else now
    groups = _read(kept.groups) if kept else []
    progress = progress_of(session, edition=edition, groups=groups, now=counted_at)
    return replace(progress, counts=_as_told(told, progress.counts), counted_at=counted_at)


def counted(session: Session, edition_ids: Sequence[int]) -> dict[int, EditionCount]:
    """Return the counts that are kept of some editions, by edition."""
    found = session.scalars(select(EditionCount).where(EditionCount.edition_id.in_(edition_ids)))
    return {count.edition_id: count for count in found}


def _on_their_way() -> sa.Select[int]:
    return whole_editions().with_only_columns(Edition.id).where(Edition.status.in_(_ON_ITS_WAY))


def _is_due(session: Session, last: EditionCount, now: datetime) -> bool:
    """Return whether an edition on its way is to be counted again. After a clock that went back it is."""
    age_s = (now - last.counted_at).total_seconds()
    if last.copies <= COUNTED_AT_ONCE or age_s < 0 or age_s >= last.copies / QUIET_RECOUNTED_PER_S:
        return True
    since = select(Pulse.at).where(Pulse.edition_id == last.edition_id, Pulse.at > last.counted_at - PULSE)
    return age_s >= last.copies / RECOUNTED_PER_S and bool(session.scalar(select(since.exists())))


def _is_still_over(session: Session, edition_id: int) -> bool:
    """Hold an edition that had ended, and return whether nobody has had copies of it tried once more since."""
    status = select(Edition.status).where(Edition.id == edition_id).with_for_update(key_share=True)
    return session.scalar(status) not in (*_ON_ITS_WAY, None)


def _ended() -> sa.Select[int]:
    """Select editions to be counted for the last time; what is in hand of one that was called off still has an end."""
    is_new = sa.or_(EditionCount.counted_at.is_(None), EditionCount.counted_at <= Edition.finished_at)
    in_hand = select(Chunk.id).where(Chunk.edition_id == Edition.id, Chunk.lease_until.is_not(None))
    joined = whole_editions().with_only_columns(Edition.id).outerjoin(EditionCount)
    return (
        joined.where(Edition.started_at.is_not(None), Edition.finished_at.is_not(None))
        .where(Edition.status.not_in(_ON_ITS_WAY), is_new, ~in_hand.exists())
        .order_by(Edition.id.desc())
        .limit(BATCH)
    )


def _counts(groups: Sequence[Group]) -> dict[str, object]:
    """Return the columns of a count."""
    return {
        "copies": sum(group.copies for group in groups),
        "accepted": sum(group.copies for group in groups if group.state is DeliveryState.ACCEPTED),
        "open": sum(group.copies for group in groups if group.state in OPEN),
        "uncertain": sum(group.for_good for group in groups),
        "for_our_fault": sum(group.for_our_fault for group in groups),
        "groups": json.dumps([group._asdict() for group in groups], default=_written),
    }


def _written(value: Meaning | datetime) -> str:
    return value.name if isinstance(value, Meaning) else value.isoformat()


def _read(groups: str) -> list[Group]:
    """Return groups as they were kept."""
    return [
        Group(
            **{
                **row,
                "state": DeliveryState(row["state"]),
                "meaning": Meaning.__members__.get(row["meaning"] or ""),
                **{name: row[name] and datetime.fromisoformat(row[name]) for name in ("warming_until", "last_due")},
            }
        )
        for row in json.loads(groups)
    ]


def _as_told(told: Mapping[DeliveryState, int], counted: Mapping[DeliveryState, int]) -> Mapping[DeliveryState, int]:
    """Return the counts that senders tell, with what they do not tell as it was counted: which of the waiting copies
    are in hand, and which of those given up had no time left.
    """
    parts = {DeliveryState.SENDING: DeliveryState.QUEUED, DeliveryState.EXPIRED: DeliveryState.CANCELLED}
    counts = dict(told or counted)
    for part, whole in parts.items() if told else ():
        counts[part] = min(counted.get(part, 0), counts[whole])
        counts[whole] -= counts[part]
    return counts
