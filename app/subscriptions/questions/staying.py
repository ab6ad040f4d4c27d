"""Readers of whom nothing was heard for years are asked once whether they stay; silence deletes them.

Opening a letter is no sign of theirs, and nothing here knows of it. Letters are paced, so that old readers who were
brought in together are not asked on one day.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.subscriptions.archive import archive_reader
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.locking import lock, lock_readers_of
from app.subscriptions.models import Subscriber, Subscription, gets_letters
from app.subscriptions.questions.asking import BATCH, DAY, ask, asked_since, lapse_silent
from app.subscriptions.questions.models import Question, QuestionKind, QuestionState
from app.subscriptions.rights.log import is_left_alone

_IS_CONFIRMED = sa.text("subscriptions.status = 'confirmed'")


def note_act(session: Session, *, subscriber_id: int, at: datetime) -> None:
    """Remember that a reader did something themselves of which the chain does not tell, like replying to a letter."""
    is_older = sa.or_(Subscription.acted_at.is_(None), Subscription.acted_at < at)
    session.execute(
        sa.update(Subscription).where(Subscription.subscriber_id == subscriber_id, is_older).values(acted_at=at)
    )


def inactive_before(before: datetime, now: datetime) -> sa.Select[int, datetime | None]:
    """Select the subscriptions of which nothing was heard since `before` and which were not asked yet, and since when.

    Whoever gets no letters at present, for a pause or a suppression, is not asked either.
    """
    is_asked = select(Question.id).where(
        Question.subscription_id == Subscription.id,
        Question.kind == QuestionKind.STAY,
        Question.state == QuestionState.OPEN,
    )
    return select(Subscription.id, Subscription.acted_at).where(
        _IS_CONFIRMED, Subscription.acted_at < before, gets_letters(now), ~is_asked.exists()
    )


def ask_inactive(session: Session, *, before: datetime, stay_days: int, per_day: int, now: datetime) -> int:
    """Ask a batch of them, at most `per_day` within 24 hours; return how many were asked."""
    left = per_day - asked_since(session, QuestionKind.STAY, now - DAY)
    due = inactive_before(before, now).order_by(Subscription.acted_at, Subscription.id).limit(max(0, min(left, BATCH)))
    asked, found = 0, session.execute(due).scalars().all()
    lock_readers_of(session, found)
    for key in found:
        subscription = session.get(Subscription, key)
        if subscription is None or not lock(session, subscription) or not _is_due(subscription, before):
            continue
        ask(session, subscription, kind=QuestionKind.STAY, answer_until=now + timedelta(days=stay_days), now=now)
        asked += 1
    return asked


def lapse_unanswered(session: Session, *, suppression_key: str, now: datetime) -> int:
    """Delete a batch of the readers who did not answer in time; return how many questions were looked at.

    Their proofs go into the archive at once. A reader who has another subscription keeps that one, and who awaits an
    answer of ours stays until they have it.
    """
    looked_at, ended = lapse_silent(session, kind=QuestionKind.STAY, now=now)
    for subscription in ended:
        others = select(Subscription.id).where(
            Subscription.subscriber_id == subscription.subscriber_id,
            Subscription.status != SubscriptionStatus.UNSUBSCRIBED,
        )
        alone = select(is_left_alone()).where(Subscriber.id == subscription.subscriber_id)
        if session.scalar(others.limit(1)) is None and not session.scalar(alone):
            subscriber = session.get_one(Subscriber, subscription.subscriber_id)
            archive_reader(session, subscriber, left_at=now, suppression_key=suppression_key, now=now)
    return looked_at


def _is_due(subscription: Subscription, before: datetime) -> bool:
    return (
        subscription.status is SubscriptionStatus.CONFIRMED
        and not subscription.is_withheld
        and subscription.acted_at is not None
        and subscription.acted_at < before
    )
