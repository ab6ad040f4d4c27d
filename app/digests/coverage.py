"""Until when articles were looked through for each reader, so that no change of theirs makes a gap.

Mostly that is the end of their schedule's last window, and their row says nothing. It does where they came from another
rhythm, or were left out when their digest went: then they catch up with the next.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from app.db import is_among
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.digests.circles import Key, are_due, are_of, has_key, letter_id
from app.editions.audience import cancel_edition
from app.editions.lines import FIRST_WINDOW, Line, end_of_last_window
from app.editions.models import Edition, EditionKind, EditionStatus
from app.gate.approvals import end_approval
from app.gate.models import ApprovalState
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.locking import lock_reader
from app.subscriptions.models import Subscription

#: Keys of one statement.
_KEYS = 200
_UNSYNCHRONIZED = {"synchronize_session": False}


def covered_since(session: Session, subscription: Subscription, now: datetime) -> datetime:
    """Return until when a reader has been looked after: what arrived since is still to come to them.

    A digest that is a draft has reached nobody yet: who chooses another rhythm meanwhile would miss its window.
    """
    if subscription.covered_until is not None:
        return subscription.covered_until
    line = Line(subscription.newsletter_id, subscription.language, subscription.rhythm_id)
    return end_of_last_window(session, line, but=(EditionStatus.CANCELLED, EditionStatus.DRAFT)) or now - FIRST_WINDOW


@contextmanager
def without_gap(session: Session, subscriber_id: int, now: datetime) -> Iterator[None]:
    """Hold a reader; whatever line they are of after the block, what came since they were last looked after comes."""
    lock_reader(session, subscriber_id)
    theirs = select(Subscription).where(
        Subscription.subscriber_id == subscriber_id, Subscription.status == SubscriptionStatus.CONFIRMED
    )
    subscriptions = session.scalars(theirs.execution_options(populate_existing=True)).all()
    before = [covered_since(session, subscription, now) for subscription in subscriptions]
    yield
    for subscription, since in zip(subscriptions, before, strict=True):
        if covered_since(session, subscription, now) > since:
            subscription.covered_until = since
    session.flush()


def settle_coverage(session: Session, line: Line, keys: Iterable[Key], *, since: datetime, now: datetime) -> None:
    """Note who has been looked after with a digest whose window began at `since`, given the `keys` it was planned for.

    Whoever had their own time no longer has; whoever is left out, because they pause or chose anew this moment, gets
    the window's beginning.
    """
    keys = list(keys)
    planned = {key.profile_id for key in keys if key.covered_until is None}
    is_planned = sa.or_(
        is_among(Subscription.__table__.c.profile_id, "planned"),
        Subscription.profile_id.is_(None) if None in planned else sa.false(),
    )
    left_out = sa.and_(
        are_of(line),
        Subscription.status == SubscriptionStatus.CONFIRMED,
        Subscription.covered_until.is_(None),
        sa.func.coalesce(sa.and_(are_due(line, now), is_planned), sa.false()).is_(False),
    )
    session.execute(
        update(Subscription).where(left_out).values(covered_until=since),
        {"planned": json.dumps(sorted(filter(None, planned)))},
        execution_options=_UNSYNCHRONIZED,
    )
    for some in _batches([key for key in keys if key.covered_until is not None]):
        served = sa.and_(are_due(line, now), sa.or_(*map(has_key, some)))
        session.execute(
            update(Subscription).where(served).values(covered_until=None), execution_options=_UNSYNCHRONIZED
        )


def give_back(session: Session, chunk_ids: Sequence[int], now: datetime) -> None:
    """Let readers whose copies of digests or flashes expired just now catch up with the next digest."""
    lost = Delivery.chunk_id.in_(chunk_ids) & (Delivery.state == DeliveryState.EXPIRED)
    _catch_up(session, lost & (Delivery.settled_at == now), now)


def call_off(session: Session, *, edition_id: int, actor: str, now: datetime) -> int:
    """Cancel an edition as `cancel_edition` does, and withdraw its approval.

    Whoever caught up with it does so with the next digest.
    """
    cancelled = cancel_edition(session, edition_id=edition_id, actor=actor, now=now)
    end_approval(session, edition_id, ApprovalState.STOPPED)
    edition = session.get_one(Edition, edition_id)
    lost = (Delivery.state == DeliveryState.CANCELLED) & (Delivery.settled_at == now) & (Chunk.edition_id == edition_id)
    if edition.status is EditionStatus.CANCELLED:
        lost &= Edition.since != edition.since  # for all others, its window is one that nobody looked through
    _catch_up(session, lost, now)
    return cancelled


def _catch_up(session: Session, lost: ColumnElement[bool], now: datetime) -> None:
    """Let the readers of the copies that were `lost` be looked after from the beginning of those letters' windows."""
    copies = (
        select(Delivery.subscriber_id, Edition.since, Edition.newsletter_id)
        .join_from(Delivery, Chunk, Chunk.id == Delivery.chunk_id)
        .join(Edition, Edition.id == letter_id())
        .where(lost, Edition.schedule_id.is_not(None) | (Edition.kind == EditionKind.FLASH))
    )
    windows = copies.with_only_columns(Edition.since, Edition.newsletter_id).distinct()
    for since, newsletter_id in session.execute(windows).all():
        theirs = copies.with_only_columns(Delivery.subscriber_id).where(Edition.since == since)
        behind = update(Subscription).where(
            Subscription.newsletter_id == newsletter_id,
            Subscription.subscriber_id.in_(theirs.where(Edition.newsletter_id == newsletter_id)),
            sa.func.coalesce(Subscription.covered_until, now) > since,
        )
        session.execute(behind.values(covered_until=since), execution_options=_UNSYNCHRONIZED)


def _batches(keys: Sequence[Key]) -> Iterable[Sequence[Key]]:
    return (keys[start : start + _KEYS] for start in range(0, len(keys), _KEYS))
