"""Asking a reader by letter, and taking silence for an answer: what staying and renewing have in common.

A question is asked, and where no answer comes in time the subscription lapses. Nothing lapses for want of a letter that
never went or was refused, nor for a reader who did something meanwhile.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.models import WAITING, Delivery, DeliveryState
from app.delivery.queue import cancel_reader, enqueue
from app.errors import NotFound, TransitionRefused
from app.newsletters.wordings import ShownTexts
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.ledger import Act, record_act
from app.subscriptions.locking import lock, lock_readers_of
from app.subscriptions.models import Subscription
from app.subscriptions.questions.models import Question, QuestionKind, QuestionState, Renewal

#: Questions of one call; its caller calls again.
BATCH = 100
#: A pace of so many letters a day holds over any such time.
DAY = timedelta(days=1)
#: How long we look again later, where a question's letter has not gone yet or the reader's data may not be used.
PUT_OFF = timedelta(days=7)
#: These letters wait behind those that somebody sits waiting for, and go with the editions.
PRIORITY = 5
#: What became of a letter that nobody can have read.
_NEVER_ARRIVED = frozenset({DeliveryState.CANCELLED, DeliveryState.EXPIRED, DeliveryState.REJECTED})
_IS_OPEN = sa.text("questions.state = 'open'")


def ask(
    session: Session,
    subscription: Subscription,
    *,
    kind: QuestionKind,
    answer_until: datetime,
    now: datetime,
    renewal: Renewal | None = None,
    shown: ShownTexts | None = None,
) -> Question:
    """Ask the reader of `subscription`, whose row is held; an older question of the same kind gives way.

    `shown` are the texts to which the letter asks for consent.
    """
    known = (Question.subscription_id == subscription.id, Question.kind == kind)
    session.execute(sa.delete(Question).where(*known))
    question = Question(
        kind=kind,
        subscription_id=subscription.id,
        renewal_id=renewal.id if renewal else None,
        language=subscription.language,
        wording_id=shown.wording_id if shown else None,
        policy_id=shown.policy_id if shown else None,
        asked_at=now,
        answer_until=answer_until,
    )
    session.add(question)
    session.flush()
    record_act(session, subscription, act_of(question, ConsentKind.ASKED, ConsentMethod.CLOCK, now))
    queue_letter(session, question, subscription, kind=kind.value, now=now)
    return question


def queue_letter(session: Session, question: Question, subscription: Subscription, *, kind: str, now: datetime) -> None:
    """Queue a letter about `question`."""
    enqueue(
        session,
        kind=kind,
        language=question.language,
        newsletter_id=subscription.newsletter_id,
        subscriber_id=subscription.subscriber_id,
        reference=question.public_id,
        priority=PRIORITY,
        now=now,
    )


def hold_question(session: Session, public_id: str) -> tuple[Question, Subscription]:
    """Return the question that a letter's link names, as it is now, and its subscription, whose reader is held.

    Raises NotFound where it, or its reader, has gone.
    """
    query = question_by_public_id(public_id)
    question = session.scalars(query).one_or_none()
    if question is None or not lock(session, question.subscription):
        raise NotFound("no such question")
    question = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if question is None:
        raise NotFound("no such question")
    return question, question.subscription


def agree(session: Session, *, public_id: str, kind: QuestionKind, now: datetime) -> Question:
    """Take a reader's yes; the same press twice finds its own success.

    A late one takes back the end that silence brought, unless anything happened since. Raises NotFound, and
    TransitionRefused for somebody who has left.
    """
    question, subscription = hold_question(session, public_id)
    if question.kind is not kind:
        raise NotFound("no such question")
    if question.state is QuestionState.AGREED and subscription.status is SubscriptionStatus.CONFIRMED:
        return question
    if subscription.status is not SubscriptionStatus.CONFIRMED:
        _take_back(question, subscription, now)
    said = ConsentKind.STAYED if kind is QuestionKind.STAY else ConsentKind.RENEWED
    page = ConsentMethod.STAY_PAGE if kind is QuestionKind.STAY else ConsentMethod.RENEWAL_PAGE
    record_act(session, subscription, act_of(question, said, page, now))
    question.close(QuestionState.AGREED, now)
    session.flush()
    return question


def lapse_silent(session: Session, *, kind: QuestionKind, now: datetime) -> tuple[int, list[Subscription]]:
    """Close a batch of the questions whose time is over; return how many there were, and the subscriptions that ended.

    The readers of these are held until the transaction ends.
    """
    lapsed, looked_at = [], 0
    for question in _overdue(session, kind, now):
        looked_at += 1
        if _closes(session, question, now):
            lapsed.append(question.subscription)
    session.flush()
    return looked_at, lapsed


def silent_questions(kind: QuestionKind, now: datetime) -> sa.Select[int, datetime | None]:
    """Select the open questions of a kind whose time is over at `now`, and when it was."""
    return select(Question.id, Question.answer_until).where(
        _IS_OPEN, Question.kind == kind, Question.answer_until <= now
    )


def asked_since(session: Session, kind: QuestionKind, since: datetime) -> int:
    """Return how many questions of a kind were asked after `since`."""
    asked = select(sa.func.count()).where(Question.kind == kind, Question.asked_at > since)
    return session.scalar(asked) or 0


def closed_before(before: datetime) -> sa.Select[int, datetime | None]:
    """Select the questions that were closed before `before`, and when they were."""
    return select(Question.id, Question.closed_at).where(Question.closed_at < before)


def drop_closed(session: Session, *, before: datetime) -> int:
    """Delete a batch of the questions closed before `before`; return how many there were."""
    ids = session.execute(closed_before(before).order_by(Question.closed_at).limit(BATCH)).scalars().all()
    session.execute(sa.delete(Question).where(Question.id.in_(ids)))
    return len(ids)


def question_by_public_id(public_id: str) -> sa.Select[Question]:
    """Select the question that a letter's link names."""
    return select(Question).where(Question.public_id == public_id)


def act_of(question: Question, kind: ConsentKind, method: ConsentMethod, at: datetime) -> Act:
    """Return what the chain of the question's reader records of it."""
    return Act(
        kind=kind,
        method=method,
        at=at,
        language=question.language,
        wording_id=question.wording_id,
        policy_id=question.policy_id,
        detail=question.kind.value,
    )


def _take_back(question: Question, subscription: Subscription, now: datetime) -> None:
    is_lapsed = question.state is QuestionState.LAPSED and subscription.unsubscribed_at == question.closed_at
    if not is_lapsed or subscription.is_withheld:
        raise TransitionRefused("not subscribed")
    subscription.resume(now)


def _overdue(session: Session, kind: QuestionKind, now: datetime) -> Iterator[Question]:
    """Yield a batch of questions of which it is time to look, each with its reader held, as it is then."""
    due = silent_questions(kind, now).order_by(Question.answer_until, Question.id).limit(BATCH)
    found = session.execute(due.with_only_columns(Question.id, Question.subscription_id)).all()
    lock_readers_of(session, [subscription_id for _, subscription_id in found])
    for key, _ in found:
        question = session.get(Question, key)
        if question is None or not lock(session, question.subscription):
            continue
        session.refresh(question)
        if question.state is QuestionState.OPEN:
            yield question


def _closes(session: Session, question: Question, now: datetime) -> bool:
    """Close one question whose reader is held, or put it off; return whether its subscription ended."""
    subscription = question.subscription
    letter = _letter_state(session, question, subscription)
    if _has_lost_its_point(session, question):
        question.close(QuestionState.VOID, now)
    elif letter in _NEVER_ARRIVED:
        session.delete(question)  # and asked anew
    elif letter in WAITING or subscription.subscriber.restricted_at is not None:
        question.answer_until = now + PUT_OFF
    else:
        _lapse(session, question, now)
        return True
    return False


def _lapse(session: Session, question: Question, now: datetime) -> None:
    subscription = question.subscription
    cancel_reader(session, subscriber_id=subscription.subscriber_id, newsletter_id=subscription.newsletter_id, now=now)
    record_act(session, subscription, act_of(question, ConsentKind.LAPSED, ConsentMethod.CLOCK, now))
    subscription.unsubscribe(now)
    question.close(QuestionState.LAPSED, now)


def _has_lost_its_point(session: Session, question: Question) -> bool:
    """Whether the reader left, subscribed or, asked whether they stay, did anything since; or the renewal has ended."""
    subscription, asked_at = question.subscription, question.asked_at
    if subscription.status is not SubscriptionStatus.CONFIRMED:
        return True
    if question.renewal_id is not None and session.get_one(Renewal, question.renewal_id).ended_at is not None:
        return True
    answered_at = subscription.acted_at if question.kind is QuestionKind.STAY else subscription.confirmed_at
    return answered_at is not None and answered_at > asked_at


def _letter_state(session: Session, question: Question, subscription: Subscription) -> DeliveryState | None:
    """Return what became of the letter that asked; None where its row has gone."""
    letters = (
        select(Delivery.state)
        .where(Delivery.subscriber_id == subscription.subscriber_id, Delivery.reference == question.public_id)
        .order_by(Delivery.id)
        .limit(1)
    )
    return session.scalar(letters)
