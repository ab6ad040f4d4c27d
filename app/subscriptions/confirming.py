"""Double opt-in, the confirming: what the link of a confirmation letter opens, and what its button does."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import NotFound, TextsNotShown
from app.newsletters.models import Newsletter
from app.newsletters.wordings import ShownTexts, newsletter_of_form
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.ledger import Act, record_act
from app.subscriptions.locking import lock
from app.subscriptions.models import Subscription
from app.subscriptions.records import ConsentEvent
from app.subscriptions.signup import WELCOME, queue_signup_letter
from app.subscriptions.suppression import revive

#: The same press of the confirm button may arrive twice within this time.
REPEATED_PRESS = timedelta(minutes=10)


def confirmable(session: Session, *, confirmation_id: str) -> Subscription | None:
    """Return the subscription that this request may still confirm, or None."""
    return session.scalars(confirmable_by(confirmation_id)).one_or_none()


def confirmable_by(confirmation_id: str) -> sa.Select[Subscription]:
    """Select the subscription that a request may still confirm."""
    return _by_confirmation_id(confirmation_id).where(Subscription.status == SubscriptionStatus.PENDING)


def newsletter_of_request(confirmation_id: str) -> sa.Select[Newsletter]:
    """Select the newsletter that a request is for, confirmed or not, unless a newer request has taken its place."""
    asked = _by_confirmation_id(confirmation_id).with_only_columns(Subscription.newsletter_id)
    return select(Newsletter).where(Newsletter.id == asked.scalar_subquery())


def texts_of_request(session: Session, subscription: Subscription) -> ShownTexts | None:
    """Return what the form of the last request showed; None for a request in a reader's name, made without a form."""
    request = _last_request(session, subscription)
    if request is None or request.wording_id is None or request.policy_id is None:
        return None
    return ShownTexts(request.language, request.wording_id, request.policy_id)


def confirm_subscription(
    session: Session, *, confirmation_id: str, suppression_key: str, now: datetime, shown: ShownTexts | None = None
) -> Subscription:
    """Confirm the one request that a letter's link names, and queue the welcome letter where the newsletter has one.

    This alone revives a suppressed address; after a complaint, only once an admin has lifted it.
    `shown` is what the confirm page showed: the proof of a request that had no form. The same press arriving twice
    finds its own success. Raises NotFound for a request that a newer one, a departure or a complaint has voided,
    TransitionRefused for one used before, and TextsNotShown where neither a form nor the page showed any texts of this
    newsletter.
    """
    subscription = session.scalars(_by_confirmation_id(confirmation_id)).one_or_none()
    if subscription is None or not lock(session, subscription) or subscription.confirmation_id != confirmation_id:
        raise NotFound("no such request")
    if _was_just_pressed(subscription, now):
        return subscription
    proof = texts_of_request(session, subscription)
    if proof is None and shown is not None:
        form_of = newsletter_of_form(session, shown)
        proof = shown if form_of and form_of.newsletter_id == subscription.newsletter_id else None
    if proof is None:
        raise TextsNotShown("no wording and no policy were shown")
    revive(session, subscription.subscriber, suppression_key=suppression_key, now=now)
    subscription.confirm(now)
    act = Act(
        kind=ConsentKind.CONFIRMED,
        method=ConsentMethod.CONFIRM_PAGE,
        at=now,
        language=proof.language,
        wording_id=proof.wording_id,
        policy_id=proof.policy_id,
    )
    record_act(session, subscription, act)
    if session.get_one(Newsletter, subscription.newsletter_id).sends_welcome:
        queue_signup_letter(session, subscription, WELCOME, now)
    session.flush()
    return subscription


def _was_just_pressed(subscription: Subscription, now: datetime) -> bool:
    return (
        subscription.status is SubscriptionStatus.CONFIRMED
        and subscription.confirmed_at is not None
        and now - subscription.confirmed_at <= REPEATED_PRESS
    )


def _by_confirmation_id(confirmation_id: str) -> sa.Select[Subscription]:
    return select(Subscription).where(Subscription.confirmation_id == confirmation_id)


def _last_request(session: Session, subscription: Subscription) -> ConsentEvent | None:
    return session.scalars(
        select(ConsentEvent)
        .where(ConsentEvent.subscription_id == subscription.id, ConsentEvent.kind == ConsentKind.REQUESTED)
        .order_by(ConsentEvent.id.desc())
        .limit(1)
    ).first()
