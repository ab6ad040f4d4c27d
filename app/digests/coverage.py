"""Until when articles were looked through for each reader, so that no change of theirs makes a gap.

Mostly that is the end of their schedule's last window, and their row says nothing. It does where they came from another
rhythm, or were left out when their digest went: then they catch up with the next.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db import is_among
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.digests.circles import Key, are_due, are_of, has_key
from app.editions.compile import FIRST_WINDOW, Line, end_of_last_window
from app.editions.models import Edition, EditionKind
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscription

#: Keys of one statement.
_KEYS = 200
_UNSYNCHRONIZED = {"synchronize_session": False}


def covered_since(session: Session, subscription: Subscription, now: datetime) -> datetime:
    """Return until when a reader has been looked after: what arrived since is still to come to them."""
    if subscription.covered_until is not None:
        return subscription.covered_until
    line = Line(subscription.newsletter_id, subscription.language, subscription.rhythm_id)
    return end_of_last_window(session, line) or now - FIRST_WINDOW


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
    expired = (
        select(Delivery.subscriber_id, sa.func.min(Edition.since).label("since"), Edition.newsletter_id)
        .join_from(Delivery, Chunk, Chunk.id == Delivery.chunk_id)
        .join(Edition, Edition.id == Chunk.edition_id)
        .where(Delivery.chunk_id.in_(chunk_ids), Delivery.state == DeliveryState.EXPIRED, Delivery.settled_at == now)
        .where(Edition.schedule_id.is_not(None) | (Edition.kind == EditionKind.FLASH))
        .group_by(Delivery.subscriber_id, Edition.newsletter_id)
    )
    for subscriber_id, since, newsletter_id in session.execute(expired):
        theirs = update(Subscription).where(
            Subscription.subscriber_id == subscriber_id,
            Subscription.newsletter_id == newsletter_id,
            sa.func.coalesce(Subscription.covered_until, now) > since,
        )
        session.execute(theirs.values(covered_until=since), execution_options=_UNSYNCHRONIZED)


def _batches(keys: Sequence[Key]) -> Iterable[Sequence[Key]]:
    return (keys[start : start + _KEYS] for start in range(0, len(keys), _KEYS))
