"""The queue in the database: put copies in, claim them, settle what came of them, take back what a dead owner held.

Nothing here commits or sends. A claim is the only way into `sending`, `settle` the only way out.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from app.delivery.models import WAITING, Delivery, DeliveryHold, DeliveryState
from app.mail.pacing import retry_at
from app.mail.transport import Outcome, OutcomeKind

#: How long a copy that met a fault of the route waits, so that it is not the first to try the route again.
ROUTE_FAULT_DELAY = timedelta(seconds=5)

#: States in which the outcome of the last claim is not known.
UNTOLD = (DeliveryState.SENDING, DeliveryState.UNCERTAIN)

#: How long it waits where the fault came after its recipient was named: it may be the cause, and others must pass it.
NAMED_RECIPIENT_DELAY = timedelta(minutes=5)

#: As the partial index says it, literally: a bound parameter would keep SQLite from using the index.
_CLAIMABLE = sa.text("deliveries.state IN ('queued', 'deferred', 'uncertain')")


@dataclass(frozen=True)
class Withheld:
    """A copy that must not go, because consent ended or the address is suppressed since it was queued."""

    reason: str


@dataclass(frozen=True)
class Unsent:
    """A claimed copy of which nothing left the house: it goes back as if it had never been claimed."""


@dataclass(frozen=True)
class Settlement:
    """How one claim ended; `attempt` says which claim of the delivery it was."""

    key: int
    attempt: int
    ending: Outcome | Withheld | Unsent


def enqueue(
    session: Session,
    *,
    kind: str,
    language: str,
    now: datetime,
    newsletter_id: int | None = None,
    subscriber_id: int | None = None,
    edition_id: int | None = None,
    address: str | None = None,
    reference: str | None = None,
    priority: int = 5,
) -> Delivery:
    """Queue one letter in the transaction of its cause; a lower `priority` overtakes."""
    delivery = Delivery(
        kind=kind,
        priority=priority,
        edition_id=edition_id,
        newsletter_id=newsletter_id,
        subscriber_id=subscriber_id,
        address=address,
        reference=reference,
        language=language,
        state=DeliveryState.QUEUED,
        attempt=0,
        is_repeatable=True,
        next_attempt_at=now,
        created_at=now,
    )
    session.add(delivery)
    session.flush()
    return delivery


def cancel_waiting(
    session: Session,
    *,
    now: datetime,
    subscriber_id: int | None = None,
    newsletter_id: int | None = None,
    edition_id: int | None = None,
) -> int:
    """Cancel the waiting copies that match every id given (at least one), and return how many there were.

    An uncertain copy may have arrived: it stays uncertain, but is not sent again.
    """
    given = {"subscriber_id": subscriber_id, "newsletter_id": newsletter_id, "edition_id": edition_id}
    matches = [getattr(Delivery, name) == value for name, value in given.items() if value is not None]
    if not matches:
        raise ValueError("cancelling everything is never meant")
    _update(session, Delivery.state == DeliveryState.UNCERTAIN, *matches, is_repeatable=False)
    return _update(session, Delivery.state.in_(WAITING), *matches, state=DeliveryState.CANCELLED, settled_at=now)


def hold_edition(session: Session, *, edition_id: int, now: datetime) -> None:
    """Keep an edition's waiting copies from being claimed; what is in hand is finished."""
    if session.get(DeliveryHold, edition_id) is None:
        session.add(DeliveryHold(edition_id=edition_id, held_at=now))
        session.flush()


def release_edition(session: Session, *, edition_id: int) -> None:
    """Let a held edition's copies be claimed again."""
    session.execute(delete(DeliveryHold).where(DeliveryHold.edition_id == edition_id))


def has_due(session: Session, *, now: datetime) -> bool:
    """Return whether there is anything to claim; spares an idle engine the write lock."""
    return session.scalar(_due(now).limit(1)) is not None


def claim(session: Session, *, owner: str, now: datetime, limit: int, lease: timedelta) -> list[Delivery]:
    """Take up to `limit` due copies for `owner` until `now + lease`, most urgent first, in one guarded statement.

    Of two that claim at once, on PostgreSQL each skips the rows of the other; on SQLite one waits for the other.
    """
    due = _due(now).order_by(Delivery.priority, Delivery.id).limit(limit).with_for_update(skip_locked=True).cte("due")
    claimed = session.scalars(
        update(Delivery)
        .where(Delivery.id.in_(select(due.c.id)))
        .values(
            is_repeatable=sa.and_(Delivery.is_repeatable, Delivery.state != DeliveryState.UNCERTAIN),
            state=DeliveryState.SENDING,
            owner=owner,
            lease_until=now + lease,
            attempt=Delivery.attempt + 1,
        )
        .returning(Delivery),
        execution_options={"synchronize_session": False, "populate_existing": True},
    )
    return sorted(claimed, key=lambda delivery: (delivery.priority, delivery.id))


def renew(session: Session, *, owner: str, now: datetime, lease: timedelta) -> int:
    """Prolong what `owner` holds until `now + lease`; return how many copies that is."""
    return _update(session, Delivery.state == DeliveryState.SENDING, Delivery.owner == owner, lease_until=now + lease)


def is_held(session: Session, delivery: Delivery) -> bool:
    """Return whether the claim that `delivery` was returned by still stands."""
    held = select(Delivery.id).where(
        Delivery.id == delivery.id,
        Delivery.owner == delivery.owner,
        Delivery.attempt == delivery.attempt,
        Delivery.state == DeliveryState.SENDING,
    )
    return session.scalar(held) is not None


def settle(session: Session, *, owner: str, settlements: Iterable[Settlement], now: datetime) -> list[Delivery]:
    """Record how claims of `owner` ended, and return the deliveries that changed.

    Guarded by owner and attempt: an ending of an earlier claim changes nothing. A late outcome still replaces
    "uncertain" as long as nobody claimed the copy since.
    """
    by_key = {settlement.key: settlement for settlement in settlements}
    held = session.scalars(
        select(Delivery)
        .where(Delivery.id.in_(by_key), Delivery.owner == owner)
        .where(Delivery.state.in_(UNTOLD))
        .order_by(Delivery.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    settled = [delivery for delivery in held if delivery.attempt == by_key[delivery.id].attempt]
    for delivery in settled:
        _apply(delivery, by_key[delivery.id].ending, now)
    session.flush()
    return settled


def held_by(session: Session, *, owner: str) -> Sequence[Delivery]:
    """Return the copies of which `owner` may still tell the outcome."""
    return session.scalars(select(Delivery).where(Delivery.owner == owner, Delivery.state.in_(UNTOLD))).all()


def expire_leases(session: Session, *, living: Iterable[str], now: datetime) -> int:
    """Make uncertain what owners hold beyond their lease, save the `living`; return how many copies that is.

    For owners whose journal cannot be read, on a machine that is gone: whether their copies went, nobody knows.
    """
    unheard = Outcome(OutcomeKind.UNCERTAIN, text="its sender was not heard of again")
    overdue: defaultdict[str, list[Settlement]] = defaultdict(list)
    for key, attempt, owner in session.execute(
        select(Delivery.id, Delivery.attempt, Delivery.owner).where(
            Delivery.state == DeliveryState.SENDING, Delivery.lease_until < now, Delivery.owner.not_in(set(living))
        )
    ):
        overdue[str(owner)].append(Settlement(key, attempt, unheard))
    return sum(
        len(settle(session, owner=owner, settlements=settlements, now=now)) for owner, settlements in overdue.items()
    )


def _due(now: datetime) -> sa.Select[int]:
    is_held = select(DeliveryHold.edition_id).where(DeliveryHold.edition_id == Delivery.edition_id).exists()
    return select(Delivery.id).where(
        _CLAIMABLE,
        sa.or_(Delivery.state != DeliveryState.UNCERTAIN, Delivery.is_repeatable),
        Delivery.next_attempt_at <= now,
        ~is_held,
    )


def _update(session: Session, *matches: sa.ColumnElement[bool], **values: object) -> int:
    updated = session.execute(
        update(Delivery).where(*matches).values(values), execution_options={"synchronize_session": "fetch"}
    )
    assert isinstance(updated, CursorResult)
    return updated.rowcount


def _apply(delivery: Delivery, ending: Outcome | Withheld | Unsent, now: datetime) -> None:
    delivery.lease_until = None
    if isinstance(ending, Unsent):
        _put_back(delivery, delivery.next_attempt_at)
    elif isinstance(ending, Withheld):
        # What was uncertain once may have arrived, and does not become "cancelled" for being held back now.
        _close(delivery, DeliveryState.CANCELLED if delivery.is_repeatable else DeliveryState.UNCERTAIN, now)
        delivery.reply_text = ending.reason
    else:
        delivery.reply_code, delivery.fault = ending.code, ending.fault
        delivery.reply_text = ending.text
        _apply_outcome(delivery, ending, now)


def _apply_outcome(delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    due = retry_at(
        attempt=delivery.attempt,
        outcome=outcome,
        first_at=delivery.created_at,
        now=now,
        jitter=random.uniform(-1, 1),  # noqa: S311 - spreads load, hides nothing
    )
    if outcome.kind is OutcomeKind.ACCEPTED:
        _close(delivery, DeliveryState.ACCEPTED, now)
    elif outcome.kind is OutcomeKind.UNCERTAIN:
        _await_repetition(delivery, due, now)
    elif outcome.kind is OutcomeKind.REJECTED and not outcome.concerns_route:
        _close(delivery, DeliveryState.REJECTED, now)
    elif due is None:
        _close(delivery, DeliveryState.EXPIRED, now)
    elif outcome.concerns_route:
        _put_back(delivery, now + (NAMED_RECIPIENT_DELAY if outcome.names_recipient else ROUTE_FAULT_DELAY))
    else:
        delivery.state, delivery.next_attempt_at = DeliveryState.DEFERRED, due


def _await_repetition(delivery: Delivery, due: datetime | None, now: datetime) -> None:
    """Let an uncertain copy be sent once more; after that it stays uncertain."""
    delivery.state = DeliveryState.UNCERTAIN
    if due is not None and delivery.is_repeatable:
        delivery.next_attempt_at = due
    else:
        delivery.is_repeatable = False
        delivery.settled_at = now


def _put_back(delivery: Delivery, due: datetime) -> None:
    """Undo the claim."""
    delivery.attempt -= 1
    delivery.state = DeliveryState.DEFERRED if delivery.attempt else DeliveryState.QUEUED
    delivery.owner = None
    delivery.next_attempt_at = due


def _close(delivery: Delivery, state: DeliveryState, now: datetime) -> None:
    delivery.state = state
    delivery.settled_at = now
