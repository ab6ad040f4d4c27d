"""How many readers agreed to which wording and policy, counted once from the ledger as its events grow old enough.

It tells of what was done and not of who is a reader now: who agreed and left is counted, and so is who agreed twice.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import insert_into
from app.readership.models import Agreement, ReadershipCursor, ShownText
from app.readership.tallies import BATCH, LAG
from app.subscriptions.kinds import ConsentKind
from app.subscriptions.records import ConsentEvent

#: What a reader does who agrees to what they are shown.
AGREEING = frozenset({ConsentKind.CONFIRMED, ConsentKind.RENEWED, ConsentKind.COUNTING_ALLOWED})
_CURSOR = 2
_EVENT = ConsentEvent.__table__.c


def advance_agreements(session: Session, *, now: datetime) -> int:
    """Count the next events that are old enough, once, and return how many they were."""
    begun = insert_into(session, ReadershipCursor).values(id=_CURSOR, event_id=0).on_conflict_do_nothing()
    session.execute(begun)
    cursor = session.get_one(ReadershipCursor, _CURSOR, with_for_update=True, populate_existing=True)
    cursor.counted_at = now
    columns = select(_EVENT.id, _EVENT.at, _EVENT.kind, _EVENT.wording_id, _EVENT.policy_id)
    due = []
    for row in session.execute(columns.where(_EVENT.id > cursor.event_id).order_by(_EVENT.id).limit(BATCH)):
        if row.at > now - LAG:
            break  # ids become visible out of order: see `tallies`
        due.append(row)
    if due:
        _add(session, Counter(text for row in due if row.kind in AGREEING for text in _shown(row)))
        cursor.event_id = due[-1].id
    return len(due)


def read_agreements(session: Session) -> dict[tuple[ShownText, int], int]:
    """Return how often readers agreed to each text, by its kind and id; a text to which nobody did has no entry."""
    return {(each.text, each.text_id): each.number for each in session.scalars(select(Agreement))}


def _shown(row: sa.Row[*tuple[Any, ...]]) -> Iterator[tuple[ShownText, int]]:
    if row.wording_id is not None:
        yield ShownText.WORDING, row.wording_id
    if row.policy_id is not None:
        yield ShownText.POLICY, row.policy_id


def _add(session: Session, counts: Counter[tuple[ShownText, int]]) -> None:
    if not counts:
        return
    rows = [{"text": text, "text_id": text_id, "number": number} for (text, text_id), number in sorted(counts.items())]
    adding = insert_into(session, Agreement)
    added = {"number": Agreement.__table__.c.number + adding.excluded["number"]}
    session.execute(adding.on_conflict_do_update(index_elements=["text", "text_id"], set_=added), rows)
