"""Settling: what became of the copies of a claim is written to their rows, many at a time.

Guarded by the chunk's owner and by the number of the try: an ending of an earlier claim changes nothing. A late
outcome still replaces "uncertain" as long as nobody claimed the chunk since.
"""

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import ColumnElement, CursorResult, bindparam, select, update
from sqlalchemy.orm import Session

from app.db import rows_of, time_text
from app.delivery.claims import UNTOLD, Copy
from app.delivery.endings import OnSettled, Settlement, Unsent, Withheld
from app.delivery.models import Chunk, Delivery, DeliveryState, Failures
from app.mail.pacing import GIVE_UP_AFTER, retry_at
from app.mail.replies import meaning_of
from app.mail.transport import Outcome, OutcomeKind

#: How long a copy that met a fault of the route waits, so that it is not the first to try the route again.
ROUTE_FAULT_DELAY = timedelta(seconds=5)
#: How long it waits where the fault came after its recipient was named: it may be the cause, and others must pass it.
NAMED_RECIPIENT_DELAY = timedelta(minutes=5)
_OWNED_CHUNKS = (
    select(Chunk.id, Chunk.expires_at)
    .where(Chunk.id.in_(bindparam("chunk_ids", expanding=True)), Chunk.owner == bindparam("claimed_by"))
    .order_by(Chunk.id)  # as `lock_chunks` does
    .with_for_update()
)
#: States over which the outcome of a try is written; a copy cancelled while it was on the wire has left all the same.
_OPEN_TO_OUTCOMES = (*UNTOLD, DeliveryState.CANCELLED)

#: Of an accepted copy: its id, the number of its try, the reply's code and text.
_Accepted = tuple[int, int, int | None, str]
#: Of a copy of which nothing left: its id, the number of its try, its state before that, and until when it waits.
_PutBack = tuple[int, int, DeliveryState, str | None]
#: A copy whose ending needs thought.
_Other = tuple[Copy, Outcome | Withheld]


def settle(
    session: Session,
    *,
    owner: str,
    settlements: Sequence[Settlement],
    now: datetime,
    on_settled: OnSettled | None = None,
) -> int:
    """Record how copies of `owner` ended; return how many rows changed."""
    owned = _owned_chunks(session, owner, {settlement.copy.chunk.id for settlement in settlements})
    mine = [settlement for settlement in settlements if settlement.copy.chunk.id in owned]
    accepted, unsent, others = _parted(mine)
    changed = _accept(session, accepted, now) + _put_all_back(session, unsent)
    changed += _settle_singly(session, others, owned, now)
    if on_settled is not None:
        on_settled(session, mine if len(accepted) < len(mine) else mine[-1:], now)
    return changed


def _owned_chunks(session: Session, owner: str, chunk_ids: set[int]) -> dict[int, datetime | None]:
    """Return the chunks that are still the owner's, and when they expire, which may be sooner than at the claim."""
    owned = session.execute(_OWNED_CHUNKS, {"chunk_ids": list(chunk_ids), "claimed_by": owner})
    return {chunk_id: expires_at for chunk_id, expires_at in owned}  # noqa: C416 - a Row is no tuple to mypy


def _parted(settlements: Iterable[Settlement]) -> tuple[list[_Accepted], list[_PutBack], dict[int, _Other]]:
    """Return what `_ACCEPT` and `_PUT_BACK` are told, and the other endings by the ids of their copies."""
    accepted: list[_Accepted] = []
    unsent: list[_PutBack] = []
    others: dict[int, _Other] = {}
    for copy, ending in settlements:
        if isinstance(ending, Outcome) and ending.kind is OutcomeKind.ACCEPTED:
            accepted.append((copy.id, copy.attempt, ending.code, ending.text))
        elif isinstance(ending, Unsent):
            until = None if ending.until is None else time_text(ending.until)
            unsent.append((copy.id, copy.attempt, _state_before(copy), until))
        else:
            others[copy.id] = copy, ending
    return accepted, unsent, others


def _accept(session: Session, accepted: Sequence[_Accepted], now: datetime) -> int:
    """Write what nearly every letter ends in, in one statement."""
    if not accepted:
        return 0
    written = session.execute(_ACCEPT, {"told": json.dumps(accepted), "now": now})
    assert isinstance(written, CursorResult)
    return written.rowcount


def _put_all_back(session: Session, unsent: Sequence[_PutBack]) -> int:
    """Let copies be as before their tries, in one statement: a limit may put most of a claim back."""
    if not unsent:
        return 0
    written = session.execute(_PUT_BACK, {"unsent": json.dumps(unsent)})
    assert isinstance(written, CursorResult)
    return written.rowcount


def _awaits(attempt: ColumnElement[int] | int) -> ColumnElement[bool]:
    """Whether a row waits for the outcome of try number `attempt`, or is unsure of it."""
    return sa.or_(
        sa.and_(Delivery.attempt == attempt - 1, Delivery.state.in_(_OPEN_TO_OUTCOMES)),
        sa.and_(Delivery.attempt == attempt, Delivery.state == DeliveryState.UNCERTAIN),
    )


_DELIVERIES = Delivery.__table__
#: A copy whose reader was erased while it was on the wire: no reply is kept, since it often quotes the address.
_IS_NOBODYS = sa.and_(Delivery.subscriber_id.is_(None), Delivery.address.is_(None))
_TOLD = rows_of("told", key=sa.BigInteger(), attempt=sa.SmallInteger(), code=sa.SmallInteger(), text=sa.Text())
_ACCEPT = (
    update(_DELIVERIES)  # type: ignore[arg-type]
    .where(Delivery.id == _TOLD.c.key, _awaits(_TOLD.c.attempt))
    .values(
        state=DeliveryState.ACCEPTED,
        attempt=_TOLD.c.attempt,
        reply_code=_TOLD.c.code,
        reply_text=sa.case((_IS_NOBODYS, None), else_=_TOLD.c.text),
        fault=None,
        meaning=None,
        next_attempt_at=None,
        settled_at=bindparam("now", type_=_DELIVERIES.c.settled_at.type),
    )
)
_UNSENT = rows_of(
    "unsent",
    key=sa.BigInteger(),
    attempt=sa.SmallInteger(),
    state=_DELIVERIES.c.state.type,
    until=_DELIVERIES.c.next_attempt_at.type,
)
#: As `_was_cancelled`.
_WAS_CANCELLED = sa.or_(
    Delivery.state == DeliveryState.CANCELLED,
    sa.and_(Delivery.state == DeliveryState.UNCERTAIN, ~Delivery.is_repeatable, Delivery.attempt < _UNSENT.c.attempt),
)
_PUT_BACK = (
    update(_DELIVERIES)  # type: ignore[arg-type]
    .where(Delivery.id == _UNSENT.c.key, _awaits(_UNSENT.c.attempt), ~_WAS_CANCELLED)
    .values(
        state=_UNSENT.c.state,
        attempt=_UNSENT.c.attempt - 1,
        is_repeatable=sa.or_(Delivery.is_repeatable, _UNSENT.c.state == DeliveryState.UNCERTAIN),
        next_attempt_at=sa.func.coalesce(
            _UNSENT.c.until, sa.case((Delivery.attempt < _UNSENT.c.attempt, Delivery.next_attempt_at))
        ),
    )
)


def _settle_singly(
    session: Session,
    by_key: Mapping[int, _Other],
    expiries: Mapping[int, datetime | None],
    now: datetime,
) -> int:
    """Write the endings that need thought, each by the rules of its kind."""
    held = session.scalars(
        select(Delivery)
        .where(Delivery.id.in_(by_key), Delivery.state.in_(_OPEN_TO_OUTCOMES))
        .order_by(Delivery.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    changed: list[Delivery] = []
    for delivery in held:
        copy, ending = by_key[delivery.id]
        is_unsure = delivery.state is DeliveryState.UNCERTAIN and delivery.attempt == copy.attempt
        if delivery.attempt != copy.attempt - 1 and not is_unsure:
            continue
        _apply(delivery, copy, ending, expiries[delivery.chunk_id], now)
        changed.append(delivery)
    session.flush()
    _note_failures(session, changed)
    return len(changed)


def _note_failures(session: Session, changed: Iterable[Delivery]) -> None:
    """Have chunks, which are locked, tell which of their copies' states are failures."""
    by_failures = defaultdict[Failures, set[int]](set)
    for delivery in changed:
        by_failures[Failures.of([delivery.state])].add(delivery.chunk_id)
    for failures, chunk_ids in by_failures.items():
        if failures:
            noting = update(Chunk).where(Chunk.id.in_(chunk_ids)).values(failures=Chunk.failures.bitwise_or(failures))
            session.execute(noting, execution_options={"synchronize_session": False})


def _apply(
    delivery: Delivery, copy: Copy, ending: Outcome | Withheld, expires_at: datetime | None, now: datetime
) -> None:
    if isinstance(ending, Withheld):
        # What was uncertain once may have arrived, and does not become "cancelled" for being held back now.
        delivery.attempt = copy.attempt
        may_have_arrived = copy.was_uncertain or not delivery.is_repeatable
        _close(delivery, DeliveryState.UNCERTAIN if may_have_arrived else DeliveryState.CANCELLED, now)
        delivery.is_repeatable = False
        delivery.reply_text = ending.reason
    else:
        is_nobodys = delivery.subscriber_id is None and delivery.address is None
        delivery.reply_code, delivery.fault = ending.code, ending.fault
        delivery.reply_text = None if is_nobodys else ending.text
        delivery.meaning = meaning_of(ending)
        _apply_outcome(delivery, copy, ending, expires_at, now)


def _apply_outcome(
    delivery: Delivery, copy: Copy, outcome: Outcome, expires_at: datetime | None, now: datetime
) -> None:
    due = retry_at(
        attempt=copy.attempt,
        outcome=outcome,
        first_at=copy.chunk.created_at if expires_at is None else expires_at - GIVE_UP_AFTER,
        now=now,
        jitter=random.uniform(-1, 1),  # noqa: S311 - spreads load, hides nothing
    )
    if outcome.concerns_route and outcome.kind is not OutcomeKind.UNCERTAIN:
        _wait_for_route(delivery, copy, outcome, due, now)
        return
    was_cancelled = _was_cancelled(delivery, copy)
    delivery.attempt = copy.attempt
    delivery.is_repeatable = delivery.is_repeatable and not copy.was_uncertain
    if outcome.kind is OutcomeKind.UNCERTAIN:
        _await_repetition(delivery, None if was_cancelled else due, now)
    elif outcome.kind is OutcomeKind.REJECTED:
        _close(delivery, DeliveryState.REJECTED, now)
    elif was_cancelled:
        return
    elif due is None:
        _give_up(delivery, now)
    else:
        delivery.state, delivery.next_attempt_at = DeliveryState.DEFERRED, due


def _wait_for_route(delivery: Delivery, copy: Copy, outcome: Outcome, due: datetime | None, now: datetime) -> None:
    if due is None:
        delivery.attempt = copy.attempt
        delivery.is_repeatable = delivery.is_repeatable and not copy.was_uncertain
        _give_up(delivery, now)
    else:
        _put_back(delivery, copy, now + (NAMED_RECIPIENT_DELAY if outcome.names_recipient else ROUTE_FAULT_DELAY))


def _await_repetition(delivery: Delivery, due: datetime | None, now: datetime) -> None:
    """Let an uncertain copy be sent once more; after that it stays uncertain."""
    delivery.state = DeliveryState.UNCERTAIN
    delivery.is_repeatable = delivery.is_repeatable and due is not None
    delivery.next_attempt_at = due if delivery.is_repeatable else None
    delivery.settled_at = None if delivery.is_repeatable else now


def _put_back(delivery: Delivery, copy: Copy, due: datetime | None) -> None:
    """Let a copy be as before its try, due at `due`; what was cancelled meanwhile stays so."""
    if _was_cancelled(delivery, copy):
        return
    delivery.attempt = copy.attempt - 1
    delivery.next_attempt_at = due
    delivery.state = _state_before(copy)
    delivery.is_repeatable = delivery.is_repeatable or copy.was_uncertain


def _was_cancelled(delivery: Delivery, copy: Copy) -> bool:
    """Whether a copy was cancelled while it was in hand; one that may have arrived is then uncertain for good."""
    is_for_good = delivery.state is DeliveryState.UNCERTAIN and not delivery.is_repeatable
    return delivery.state is DeliveryState.CANCELLED or (is_for_good and delivery.attempt < copy.attempt)


def _state_before(copy: Copy) -> DeliveryState:
    if copy.was_uncertain:
        return DeliveryState.UNCERTAIN
    return DeliveryState.DEFERRED if copy.attempt > 1 else DeliveryState.QUEUED


def _give_up(delivery: Delivery, now: datetime) -> None:
    """End a copy whose time is over. What may have arrived does not become expired for that."""
    _close(delivery, DeliveryState.EXPIRED if delivery.is_repeatable else DeliveryState.UNCERTAIN, now)


def _close(delivery: Delivery, state: DeliveryState, now: datetime) -> None:
    delivery.state = state
    delivery.settled_at = now
    delivery.next_attempt_at = None
