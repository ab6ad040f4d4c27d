"""Asking for consent anew: whoever agreed to an older wording is shown the one in force, and asked whether they agree.

Nobody is asked twice, and but for one reminder nobody is reminded. Silence until the date ends the subscription. A
reader who is away on a pause is asked when they are back, and has time to answer then.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import InputRefused, NotFound, TransitionRefused
from app.newsletters.models import (
    ConsentWording,
    Newsletter,
    PrivacyPolicy,
)
from app.newsletters.wordings import texts_in_force
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.locking import lock, lock_readers_of
from app.subscriptions.models import Subscription, gets_letters
from app.subscriptions.questions.asking import BATCH, DAY, ask, lapse_silent, queue_letter
from app.subscriptions.questions.concerned import concerned, read_concerned
from app.subscriptions.questions.models import Question, QuestionKind, QuestionState, Renewal

#: The reminder's kind of delivery; the first letter's is the question's own.
REMINDER = "renewal-reminder"
#: Whoever is asked last has so long to answer; a reader back from a pause too.
ANSWER_AT_LEAST = timedelta(days=14)
#: How far ahead the date may be: a link outlives it.
LONGEST = timedelta(days=180)
#: Ids of subscriptions that one call looks through: among so many, most may have agreed already.
STRETCH = 100_000


def start_renewal(
    session: Session,
    *,
    newsletter_id: int,
    until: datetime,
    per_day: int,
    remind_days: int | None,
    expected: int,
    actor: str,
    now: datetime,
) -> Renewal:
    """Start asking a newsletter's readers, at most `per_day` a day, and end at `until` what is not answered.

    `expected` is the number of readers that the admin was told of. Raises TransitionRefused where one is under way or
    the number is another by now, and InputRefused for a date that leaves no time to ask or to answer.
    """
    readers = _readers_to_ask(session, newsletter_id, expected)
    check_date(readers, until=until, per_day=per_day, now=now)
    if remind_days is not None and not now < until - timedelta(days=remind_days) < until:
        raise InputRefused("the reminder must fall between now and the date")
    renewal = Renewal(
        newsletter_id=newsletter_id,
        started_at=now,
        started_by=actor,
        until=until,
        per_day=per_day,
        readers=readers,
        remind_days=remind_days,
    )
    session.add(renewal)
    session.flush()
    return renewal


def end_of_day(day: date, zone: str) -> datetime:
    """Return the last second of the last day to answer, in the IANA zone `zone`."""
    return datetime.combine(day, time(23, 59, 59), ZoneInfo(zone))


def check_date(readers: int, *, until: datetime, per_day: int, now: datetime) -> None:
    """Raise InputRefused where not all can be asked in time to answer, or where the date is too far."""
    days = -(-readers // per_day)
    earliest = now + DAY * (days - 1) + ANSWER_AT_LEAST
    if until < earliest:
        raise InputRefused(
            f"{readers} readers at {per_day} letters a day can be asked by {(now + DAY * (days - 1)).date()}, and have "
            f"{ANSWER_AT_LEAST.days} days to answer: name {(earliest + DAY).date()} or later, or more letters a day"
        )
    if until > now + LONGEST:
        raise InputRefused(f"name a date within {LONGEST.days} days")


def stop_renewal(session: Session, *, newsletter_id: int, now: datetime) -> Renewal:
    """Ask nobody any more, and let nothing lapse; answers to letters that went still count. Raises NotFound."""
    renewal = open_renewal(session, newsletter_id)
    if renewal is None:
        raise NotFound("this newsletter is not asking its readers")
    renewal.ended_at = now
    session.flush()
    return renewal


def open_renewal(session: Session, newsletter_id: int) -> Renewal | None:
    """Return the renewal under way, or None."""
    query = select(Renewal).where(Renewal.newsletter_id == newsletter_id, Renewal.ended_at.is_(None))
    return session.scalars(query).one_or_none()


def ask_readers(session: Session, renewal: Renewal, *, now: datetime) -> int:
    """Ask a batch of the readers who were not asked yet, within the day's pace; return how many were asked.

    Where nobody in this stretch is to be asked, the next call looks through the next one, and in the end from the first
    again: who was passed over, for a pause or a suppression, may be asked by then.
    """
    left = min(_pace_left(session, renewal, now), BATCH)
    if left <= 0:
        return 0
    asked, found = 0, _next_readers(session, renewal, left, now)
    lock_readers_of(session, found)
    for key in found:
        subscription = session.get(Subscription, key)
        if subscription is None or not lock(session, subscription) or not _may_be_asked(subscription, now):
            continue
        shown = texts_in_force(session, renewal.newsletter_id, subscription.language)
        answer_until = max(renewal.until, now + ANSWER_AT_LEAST)
        kind = QuestionKind.RENEWAL
        ask(session, subscription, kind=kind, answer_until=answer_until, now=now, renewal=renewal, shown=shown)
        asked += 1
    return asked


def remind_readers(session: Session, renewal: Renewal, *, now: datetime) -> int:
    """Remind a batch of those who have not answered, once, when it is time and within the day's pace."""
    if renewal.remind_days is None or now < renewal.until - timedelta(days=renewal.remind_days):
        return 0
    left = max(0, min(_pace_left(session, renewal, now), BATCH))
    silent = (
        select(Question)
        .join(Subscription, Subscription.id == Question.subscription_id)
        .where(Question.renewal_id == renewal.id, Question.state == QuestionState.OPEN)
        .where(Question.reminded_at.is_(None), Question.answer_until > now, gets_letters(now))
        .order_by(Question.id)
        .limit(left)
    )
    reminded, found = 0, session.scalars(silent).all()
    lock_readers_of(session, [question.subscription_id for question in found])
    for question in found:
        subscription = question.subscription
        if lock(session, subscription) and _may_be_asked(subscription, now):
            queue_letter(session, question, subscription, kind=REMINDER, now=now)
            reminded += 1
        question.reminded_at = now
    session.flush()
    return reminded


def lapse_readers(session: Session, *, now: datetime) -> int:
    """End a batch of the subscriptions whose readers did not answer in time; return how many were looked at."""
    return lapse_silent(session, kind=QuestionKind.RENEWAL, now=now)[0]


def end_renewal(session: Session, renewal: Renewal, *, now: datetime) -> bool:
    """Note the end of a renewal whose date is over and that has nobody left to ask or to wait for."""
    if now < renewal.until:
        return False
    is_open = select(Question.id).where(Question.renewal_id == renewal.id, Question.state == QuestionState.OPEN)
    if session.scalar(is_open.limit(1)) is not None or session.scalar(_unasked(session, renewal).limit(1)) is not None:
        return False
    renewal.ended_at = now
    session.flush()
    return True


def shown_texts(session: Session, question: Question) -> tuple[ConsentWording, PrivacyPolicy]:
    """Return the texts to which a question asks for consent, as its letter and its page show them."""
    return session.get_one(ConsentWording, question.wording_id), session.get_one(PrivacyPolicy, question.policy_id)


def _readers_to_ask(session: Session, newsletter_id: int, expected: int) -> int:
    """Hold the newsletter, and return how many readers a renewal concerns that may start now.

    Raises TransitionRefused where none may, or where there are not as many as `expected`.
    """
    session.scalars(select(Newsletter.id).where(Newsletter.id == newsletter_id).with_for_update(key_share=True)).one()
    if open_renewal(session, newsletter_id) is not None:
        raise TransitionRefused("this newsletter is asking its readers already")
    readers = read_concerned(session, newsletter_id)
    if readers is None:
        raise TransitionRefused("the readers whom this concerns are being counted")
    if readers == 0:
        raise TransitionRefused("every reader has agreed to the wording in force")
    if readers != expected:
        raise TransitionRefused(f"this concerns {readers} readers by now, not {expected}")
    return readers


def _unasked(session: Session, renewal: Renewal) -> sa.Select[int]:
    # The kind makes it a search in a unique index; else all questions of the renewal may be read for each reader.
    is_asked = select(Question.id).where(
        Question.subscription_id == Subscription.id,
        Question.kind == QuestionKind.RENEWAL,
        Question.renewal_id == renewal.id,
    )
    return concerned(session, renewal.newsletter_id).where(~is_asked.exists(), Subscription.is_withheld.is_(False))


def _next_readers(session: Session, renewal: Renewal, limit: int, now: datetime) -> Sequence[int]:
    """Return the next subscriptions by id in the stretch that is looked through, and note how far that came."""
    begin, end = renewal.looked_until, renewal.looked_until + STRETCH
    due = _unasked(session, renewal).where(gets_letters(now), Subscription.id > begin, Subscription.id <= end)
    found = session.scalars(due.order_by(Subscription.id).limit(limit)).all()
    if len(found) == limit:
        renewal.looked_until = found[-1]
    else:
        renewal.looked_until = end if end < (session.scalar(select(sa.func.max(Subscription.id))) or 0) else 0
    return found


def _pace_left(session: Session, renewal: Renewal, now: datetime) -> int:
    """Return how many letters may still go; those of other newsletters, which ask at their own pace, aside."""
    since = now - DAY
    asked = select(sa.func.count()).where(
        Question.kind == QuestionKind.RENEWAL, Question.asked_at > since, Question.renewal_id.in_(_of_same(renewal))
    )
    reminded = select(sa.func.count()).where(
        Question.renewal_id == renewal.id, Question.state.in_(list(QuestionState)), Question.reminded_at > since
    )
    return renewal.per_day - (session.scalar(asked) or 0) - (session.scalar(reminded) or 0)


def _of_same(renewal: Renewal) -> sa.Select[int]:
    """Select the renewals of one newsletter: one that was stopped and begun anew goes on at its pace."""
    return select(Renewal.id).where(Renewal.newsletter_id == renewal.newsletter_id)


def _may_be_asked(subscription: Subscription, now: datetime) -> bool:
    is_paused = subscription.paused_until is not None and subscription.paused_until > now
    return subscription.status is SubscriptionStatus.CONFIRMED and not subscription.is_withheld and not is_paused
