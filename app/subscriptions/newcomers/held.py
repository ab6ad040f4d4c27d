"""Held readers were imported without proof of consent: they get nothing until an admin has them asked, slowly.

Asking is the double opt-in of any reader: one letter, and without an answer the address is deleted like every sign-up
that nobody confirmed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.errors import InputRefused, TransitionRefused
from app.newsletters.closing import check_open
from app.newsletters.models import Newsletter, open_newsletters
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.ledger import Act, record_act
from app.subscriptions.locking import lock
from app.subscriptions.models import Subscription
from app.subscriptions.newcomers.models import HeldAsking
from app.subscriptions.signup import ask_to_confirm

#: Letters of one transaction; the job calls again at its next tick.
BATCH = 200
#: Time that nobody used, as when the scheduler stood still, is not made up for beyond this.
CATCH_UP = timedelta(hours=1)
PER_DAY_MAX = 100_000
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class HeldReaders:
    """How many readers of a newsletter are held, and the asking that is under way, if any."""

    count: int
    asking: HeldAsking | None


def read_held(session: Session, *, newsletter_id: int) -> HeldReaders:
    """Return how things stand with a newsletter's held readers."""
    count = session.scalar(select(func.count()).where(_are_held(newsletter_id)).select_from(Subscription))
    return HeldReaders(count or 0, session.get(HeldAsking, newsletter_id))


def start_asking(session: Session, *, newsletter_id: int, per_day: int, actor: str, now: datetime) -> int:
    """Have the held readers asked from now on, `per_day` of them, in the name of `actor`; return how many there are.

    Raises InputRefused for a pace that is none, TransitionRefused where nobody is held or an asking is under way,
    NewsletterClosed.
    """
    check_open(session, newsletter_id)
    if not 1 <= per_day <= PER_DAY_MAX:
        raise InputRefused(f"from 1 to {PER_DAY_MAX} readers can be asked a day")
    held = read_held(session, newsletter_id=newsletter_id)
    if held.asking is not None:
        raise TransitionRefused("held readers are being asked already")
    if held.count == 0:
        raise TransitionRefused("no reader is held")
    session.add(HeldAsking(newsletter_id=newsletter_id, per_day=per_day, actor=actor, started_at=now, asked_until=now))
    session.flush()
    return held.count


def stop_asking(session: Session, *, newsletter_id: int) -> None:
    """Ask nobody any more; who was asked may still answer. Raises TransitionRefused where nobody is being asked."""
    asking = session.get(HeldAsking, newsletter_id, with_for_update=True)
    if asking is None:
        raise TransitionRefused("no held readers are being asked")
    session.delete(asking)
    session.flush()


def ask_held(session: Session, *, now: datetime) -> int:
    """Ask as many held readers as the pace has come to since the last call; return how many.

    An asking ends with the last of them, and rests while its newsletter is closed.
    """
    asked = 0
    is_open = HeldAsking.newsletter_id.in_(open_newsletters().with_only_columns(Newsletter.id).order_by(None))
    for asking in session.scalars(select(HeldAsking).where(is_open).with_for_update(skip_locked=True)).all():
        asked += _ask_some(session, asking, now)
    session.flush()
    return asked


def _ask_some(session: Session, asking: HeldAsking, now: datetime) -> int:
    since = max(asking.asked_until, now - CATCH_UP)
    number = min(int((now - since) / _DAY * asking.per_day), BATCH)
    if number < 1:
        return 0
    due = select(Subscription).where(_are_held(asking.newsletter_id)).order_by(Subscription.id).limit(number)
    subscriptions = session.scalars(due).all()
    for subscription in sorted(subscriptions, key=lambda each: each.subscriber_id):  # the order of an import
        _ask(session, subscription, asking.actor, now)
    asking.asked_until = since + _DAY * number / asking.per_day
    if len(subscriptions) < number:
        session.delete(asking)
    return len(subscriptions)


def _ask(session: Session, subscription: Subscription, actor: str, now: datetime) -> None:
    if not lock(session, subscription):
        return
    if subscription.status is not SubscriptionStatus.HELD or subscription.is_withheld:
        return
    act = Act(ConsentKind.REQUESTED, ConsentMethod.ADMIN, now, subscription.language, actor=actor)
    record_act(session, subscription, act)
    ask_to_confirm(session, subscription, subscription.language, now)


def _are_held(newsletter_id: int) -> ColumnElement[bool]:
    return sa.and_(
        Subscription.newsletter_id == newsletter_id,
        Subscription.status == SubscriptionStatus.HELD,
        Subscription.is_withheld.is_(False),
    )
