"""What engines that died left behind: their journals say what went, what may have gone, and what never did."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from app.db import Database
from app.delivery.batch import OnOutcome, record_settlements
from app.delivery.journal import Record, journals, opened_if_abandoned
from app.delivery.models import Delivery, DeliveryState
from app.delivery.queue import Settlement, Unsent, expire_leases, held_by
from app.mail.transport import Outcome, OutcomeKind

log = logging.getLogger(__name__)


def recover(database: Database, folder: Path, *, now: datetime, on_outcome: OnOutcome | None = None) -> int:
    """Settle what dead owners held; return how many copies that concerned.

    An ended copy gets its outcome; one that began and did not end is uncertain; one that never began goes back to the
    queue. What was held elsewhere, beyond its lease and without a journal to read, is uncertain as well.
    """
    recovered, living = 0, set()
    for path in journals(folder):
        with opened_if_abandoned(path) as record:
            if record is None:
                living.add(path.stem)
                continue
            recovered += _replay(database, record, now=now, on_outcome=on_outcome)
    with database.transaction() as session:
        recovered += expire_leases(session, living=living, now=now)
    if recovered:
        log.warning("recovered %d copies of senders that had ended", recovered)
    return recovered


def _replay(database: Database, record: Record, *, now: datetime, on_outcome: OnOutcome | None) -> int:
    with database.transaction() as session:
        settlements = list(_settlements(held_by(session, owner=record.owner), record))
        return record_settlements(session, owner=record.owner, settlements=settlements, now=now, on_outcome=on_outcome)


def _settlements(held: Sequence[Delivery], record: Record) -> Iterator[Settlement]:
    unknown = Outcome(OutcomeKind.UNCERTAIN, text="the sender ended before the reply came")
    for delivery in held:
        claim = delivery.id, delivery.attempt
        outcome = record.outcomes.get(claim)
        if outcome is not None:
            yield Settlement(*claim, outcome)
        elif delivery.state is DeliveryState.SENDING:
            never_began = record.is_complete and claim not in record.outcomes
            yield Settlement(*claim, Unsent() if never_began else unknown)
