"""The watch over editions under way: one that goes wrong pauses by itself, until an admin resumes it.

It hears of endings inside the transaction that settles them, so that no copy is claimed after the one too many.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.endings import Settlement
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.editions.audience import pause_edition
from app.editions.events import has_paused_for
from app.editions.models import Edition, EditionStatus
from app.mail.meanings import Meaning
from app.mail.pacing import JUDGED_RESULTS, PauseReason, Results
from app.mail.replies import meaning_of
from app.mail.transport import Fault, Outcome, OutcomeKind

#: The first results lie in the first chunks, which are claimed first: so many are ten senders' first claims. All chunks
#: of a large edition would take seconds to look through, while its copies are being settled.
JUDGED_CHUNKS = 400


class Watch:
    """What one process needs to remember of the editions that it sends: little, since the rows have the results.

    Refusals in a row are known by their copies: a transaction that is tried again counts none of them twice.
    """

    def __init__(self) -> None:
        self._refused: dict[int, set[int]] = {}
        self._judged: set[int] = set()

    def heed(self, session: Session, settlements: Sequence[Settlement], now: datetime) -> None:
        """Pause the editions of which these endings, in their order, are too much."""
        refusals: dict[int, list[Outcome]] = {}
        for settlement in settlements:
            edition_id, ending = settlement.copy.chunk.edition_id, settlement.ending
            if edition_id is None or not isinstance(ending, Outcome) or ending.concerns_route:
                continue
            self._count(edition_id, settlement.copy.id, ending)
            if ending.kind is OutcomeKind.REJECTED:
                refusals.setdefault(edition_id, []).append(ending)
        for edition_id, outcomes in refusals.items():
            reason = self._reason(session, edition_id, outcomes)
            if reason is not None:
                self._pause(session, edition_id, reason, now)

    def _count(self, edition_id: int, key: int, outcome: Outcome) -> None:
        if outcome.kind is OutcomeKind.ACCEPTED:
            self._refused.pop(edition_id, None)
        elif Results().including(outcome).refusals_in_a_row and not self._is_too_many(edition_id):
            self._refused.setdefault(edition_id, set()).add(key)

    def _is_too_many(self, edition_id: int) -> bool:
        in_a_row = Results(refusals_in_a_row=len(self._refused.get(edition_id, ())))
        return in_a_row.pause_reason is not None

    def _reason(self, session: Session, edition_id: int, outcomes: Sequence[Outcome]) -> PauseReason | None:
        if any(meaning_of(outcome) is Meaning.TOO_LARGE for outcome in outcomes) and not has_paused_for(
            session, edition_id, PauseReason.TOO_LARGE
        ):
            return PauseReason.TOO_LARGE
        if self._is_too_many(edition_id):
            return PauseReason.REFUSALS
        if edition_id in self._judged or all(outcome.fault is not Fault.ADDRESS for outcome in outcomes):
            return None
        return self._judge(session, edition_id)

    def _judge(self, session: Session, edition_id: int) -> PauseReason | None:
        """Judge the first results; what was judged well, or resumed in spite of it, is not judged again."""
        results = first_results(session, edition_id)
        if results.pause_reason is None:
            if results.count >= JUDGED_RESULTS:
                self._judged.add(edition_id)
            return None
        if has_paused_for(session, edition_id, results.pause_reason):
            self._judged.add(edition_id)
            return None
        return results.pause_reason

    def _pause(self, session: Session, edition_id: int, reason: PauseReason, now: datetime) -> None:
        # Whoever changes the edition at this moment waits for our rows: rather than wait for them, leave it at that.
        running = select(Edition.id).where(Edition.id == edition_id, Edition.status == EditionStatus.SENDING)
        if session.scalar(running.with_for_update(key_share=True, skip_locked=True)) is None:
            return
        pause_edition(session, edition_id=edition_id, actor=None, reason=reason, now=now)
        self._refused.pop(edition_id, None)


def pause_for_complaints(session: Session, edition_id: int, *, now: datetime) -> None:
    """Pause an edition of which readers complain, unless it does not run, or was resumed in spite of complaints."""
    running = select(Edition.id).where(Edition.id == edition_id, Edition.status == EditionStatus.SENDING)
    if session.scalar(running.with_for_update(key_share=True)) is None:
        return
    if not has_paused_for(session, edition_id, PauseReason.COMPLAINTS):
        pause_edition(session, edition_id=edition_id, actor=None, reason=PauseReason.COMPLAINTS, now=now)


def first_results(session: Session, edition_id: int) -> Results:
    """Return the first results of an edition, as many as are judged, from the chunks that anybody ever claimed."""
    first = (
        select(Delivery.fault)
        .join(Chunk, Chunk.id == Delivery.chunk_id)
        .where(Chunk.edition_id == edition_id, Chunk.number < JUDGED_CHUNKS, Chunk.owner.is_not(None))
        .where(Delivery.state.in_((DeliveryState.ACCEPTED, DeliveryState.REJECTED)))
        .order_by(Delivery.settled_at, Delivery.id)
        .limit(JUDGED_RESULTS)
        .subquery()
    )
    is_dead = sa.case((first.c.fault == Fault.ADDRESS, 1), else_=0)
    figures = select(sa.func.count(), sa.func.coalesce(sa.func.sum(is_dead), 0)).select_from(first)
    count, dead = session.execute(figures).one()
    return Results(count=count, dead_addresses=dead)
