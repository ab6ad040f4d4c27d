"""Spikes: where much of what goes to one provider comes back as dead, the provider is doubted before the readers are.

Large providers have called living addresses dead for hours. So their hard bounces are held, what was applied in the
last hour is undone, and an admin looks.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import ColumnElement, CursorResult, select, update
from sqlalchemy.orm import Session

from app.db import Database
from app.delivery.models import Delivery, DeliveryState
from app.errors import TransitionRefused
from app.feedback.models import EventState, FeedbackEvent
from app.feedback.notices import NoticeKind
from app.feedback.policy import is_spike
from app.mail.providers import provider_of_domain
from app.settings.feedback import FeedbackSettings
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SuppressionReason
from app.subscriptions.locking import lock_reader
from app.subscriptions.models import Subscriber, domain_of
from app.subscriptions.records import Suppression
from app.subscriptions.suppression import end_suppression, find_suppression, record_change

#: What was heard of within this time is judged together, however late it was told: what waits in a mailbox or at a
#: mail provider comes all at once, when the hour in which it happened is long over.
WINDOW = timedelta(hours=1)
#: What happened longer ago is of letters that were given up; no provider is doubted for it now.
OLDEST = timedelta(days=5)
#: How many of the chunks from which copies came back are counted: all copies of a large edition would take seconds.
JUDGED_CHUNKS = 50
_HARD = FeedbackEvent.kind == NoticeKind.HARD
_IS_HELD = FeedbackEvent.state == EventState.HELD


@dataclass(frozen=True)
class HeldSpike:
    """The bounces of one provider that an admin is to look at."""

    provider: str
    number: int
    first_at: datetime
    last_at: datetime


def hold_spikes(database: Database, *, rules: FeedbackSettings, suppression_key: str, now: datetime) -> None:
    """Hold the hard bounces of providers of whose copies too many come back."""
    waiting = select(FeedbackEvent.provider).where(_HARD, FeedbackEvent.state == EventState.WAITING).distinct()
    with database.reading() as session:
        providers = sorted(provider for provider in session.scalars(waiting) if provider)
    for provider in providers:
        with database.transaction() as session:
            if not (_is_under_review(session, provider) or _has_spike(session, provider, rules, now)):
                continue
            _change(session, _of(provider), FeedbackEvent.state == EventState.WAITING, to=EventState.HELD)
            undoing = _undoable(session, provider, now)
        for event_id in undoing:
            with database.transaction() as session:
                _undo(session, event_id, suppression_key=suppression_key, now=now)


def held_spikes(session: Session) -> Sequence[HeldSpike]:
    """Return what waits for an admin, by provider."""
    rows = session.execute(
        select(
            FeedbackEvent.provider,
            sa.func.count(),
            sa.func.min(FeedbackEvent.at),
            sa.func.max(FeedbackEvent.at),
        )
        .where(_IS_HELD)
        .group_by(FeedbackEvent.provider)
        .order_by(FeedbackEvent.provider)
    )
    return [HeldSpike(provider or "", number, first, last) for provider, number, first, last in rows]


def approve_spike(session: Session, *, provider: str) -> int:
    """Let a provider's held bounces be applied after all; return how many there are.

    Raises TransitionRefused where none is held any more.
    """
    return _decide(session, provider, EventState.APPROVED)


def discard_spike(session: Session, *, provider: str) -> int:
    """Let a provider's held bounces be without consequence; return how many there are.

    Raises TransitionRefused where none is held any more.
    """
    return _decide(session, provider, EventState.DISCARDED)


def _has_spike(session: Session, provider: str, rules: FeedbackSettings, now: datetime) -> bool:
    """Whether too many of a provider's copies of editions came back; one-off letters go to addresses just typed."""
    returned = session.execute(
        select(Delivery.chunk_id, sa.func.count(FeedbackEvent.delivery_id.distinct()))
        .join(Delivery, Delivery.id == FeedbackEvent.delivery_id)
        .where(_of(provider), _is_fresh(now), FeedbackEvent.edition_id.is_not(None))
        .group_by(Delivery.chunk_id)
        .order_by(Delivery.chunk_id.desc())
    ).all()
    if sum(number for _, number in returned) < rules.spike_min:
        return False
    judged = dict(returned[:JUDGED_CHUNKS])
    sent = _sent_to(session, provider, judged)
    return is_spike(returned=sum(judged.values()), sent=sent, rules=rules)


def _sent_to(session: Session, provider: str, chunk_ids: Iterable[int]) -> int:
    """Return how many copies of some chunks went to a provider and came to an end."""
    domain = domain_of(session)
    rows = session.execute(
        select(domain, sa.func.count())
        .join(Delivery, Delivery.subscriber_id == Subscriber.id)
        .where(Delivery.chunk_id.in_(chunk_ids))
        .where(Delivery.state.in_((DeliveryState.ACCEPTED, DeliveryState.REJECTED)))
        .group_by(domain)
    )
    sent: Counter[str] = Counter()
    for name, number in rows:
        sent[provider_of_domain(name)] += number
    return sent[provider]


def _is_under_review(session: Session, provider: str) -> bool:
    return session.scalar(select(FeedbackEvent.id).where(_of(provider), _IS_HELD).limit(1)) is not None


def _undoable(session: Session, provider: str, now: datetime) -> Sequence[int]:
    applied = select(FeedbackEvent.id).where(_of(provider), FeedbackEvent.state == EventState.APPLIED, _is_fresh(now))
    return session.scalars(applied.order_by(FeedbackEvent.id)).all()


def _undo(session: Session, event_id: int, *, suppression_key: str, now: datetime) -> None:
    """Hold an event that was applied; its suppression ends, unless another reason stands by now.

    Copies that it called off stay so: their reader has missed them.
    """
    subscriber_id = session.scalar(select(FeedbackEvent.subscriber_id).where(FeedbackEvent.id == event_id))
    subscriber = None if subscriber_id is None else lock_reader(session, subscriber_id)
    event = session.get_one(FeedbackEvent, event_id, with_for_update=True, populate_existing=True)
    if subscriber is None or event.state is not EventState.APPLIED:
        return
    suppression = find_suppression(session, email_key=subscriber.email_key, suppression_key=suppression_key)
    if suppression is not None and _is_by(suppression, event):
        reason = suppression.reason
        record_change(session, subscriber, ConsentKind.LIFTED, ConsentMethod.BOUNCE, reason, now=now)
        end_suppression(session, subscriber, suppression)
    event.state, event.applied_at = EventState.HELD, None


def _is_by(suppression: Suppression, event: FeedbackEvent) -> bool:
    return suppression.reason is SuppressionReason.HARD_BOUNCE and suppression.created_at == event.applied_at


def _of(provider: str) -> ColumnElement[bool]:
    return sa.and_(FeedbackEvent.provider == provider, _HARD)


def _is_fresh(now: datetime) -> ColumnElement[bool]:
    """Return the condition that an event is judged with those that come in now; `at` bounds what is looked through."""
    return sa.and_(FeedbackEvent.at > now - OLDEST, FeedbackEvent.received_at > now - WINDOW)


def _decide(session: Session, provider: str, to: EventState) -> int:
    decided = _change(session, _of(provider), _IS_HELD, to=to)
    if decided == 0:
        raise TransitionRefused("no bounce of this provider is held")
    return decided


def _change(session: Session, *matches: ColumnElement[bool], to: EventState) -> int:
    changed = session.execute(
        update(FeedbackEvent).where(*matches).values(state=to), execution_options={"synchronize_session": False}
    )
    assert isinstance(changed, CursorResult)
    return changed.rowcount
