"""Restriction and objection: what a reader may ask for beside leaving, at once and without a reason.

Access is in `dossier`, rectification in `address_change` and `preferences`, erasure in `erasure`.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.queue import cancel_reader
from app.errors import NotFound
from app.subscriptions.departures.models import Departure
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.ledger import Act, record_reader_act
from app.subscriptions.locking import lock_reader
from app.subscriptions.models import Subscriber, Subscription, language_of_reader
from app.subscriptions.suppression import is_suppressed, suppress, suppression_reason, withhold


def restrict(
    session: Session, *, subscriber_id: int, method: ConsentMethod, now: datetime, actor: str | None = None
) -> None:
    """Keep a reader's data and use it for nothing: no edition goes to them (GDPR art. 18). Raises NotFound.

    A request that waits for its confirmation is void. Once more, nothing happens.
    """
    subscriber = _held(session, subscriber_id)
    if subscriber.restricted_at is not None:
        return
    subscriber.restricted_at = now
    withhold(session, email_key=subscriber.email_key)
    for subscription in _subscriptions(session, subscriber):
        cancel_reader(session, subscriber_id=subscriber.id, newsletter_id=subscription.newsletter_id, now=now)
        subscription.void_request()
    session.add(Departure(chain_id=subscriber.chain_id, is_restricted=True, at=now))
    _record(session, subscriber, ConsentKind.RESTRICTED, method, now, actor)


def lift_restriction(
    session: Session,
    *,
    subscriber_id: int,
    method: ConsentMethod,
    suppression_key: str,
    now: datetime,
    actor: str | None = None,
) -> None:
    """Let a reader's data be used again; what was sent meanwhile does not follow. Raises NotFound."""
    subscriber = _held(session, subscriber_id)
    if subscriber.restricted_at is None:
        return
    subscriber.restricted_at = None
    is_withheld = is_suppressed(session, email_key=subscriber.email_key, suppression_key=suppression_key)
    for subscription in _subscriptions(session, subscriber):
        subscription.is_withheld = is_withheld
    session.add(Departure(chain_id=subscriber.chain_id, is_restricted=False, at=now))
    _record(session, subscriber, ConsentKind.RESTRICTION_LIFTED, method, now, actor)


def accept_objection(
    session: Session,
    *,
    subscriber_id: int,
    method: ConsentMethod,
    suppression_key: str,
    now: datetime,
    actor: str | None = None,
) -> None:
    """End all of a reader's subscriptions and mail the address no more (GDPR art. 21(2) and (3)). Raises NotFound.

    No reason is asked for and none weighed. Once more, nothing happens.
    """
    subscriber = _held(session, subscriber_id)
    reason = suppression_reason(session, email_key=subscriber.email_key, suppression_key=suppression_key)
    subscriptions = _subscriptions(session, subscriber)
    if reason is SuppressionReason.OBJECTION and not any(map(_is_open, subscriptions)):
        return
    for subscription in subscriptions:
        cancel_reader(session, subscriber_id=subscriber.id, newsletter_id=subscription.newsletter_id, now=now)
        if _is_open(subscription):
            subscription.unsubscribe(now)
    suppress(
        session,
        email_key=subscriber.email_key,
        suppression_key=suppression_key,
        reason=SuppressionReason.OBJECTION,
        source=method.value,
        now=now,
    )
    session.add(Departure(chain_id=subscriber.chain_id, at=now))
    _record(session, subscriber, ConsentKind.OBJECTED, method, now, actor)


def record_export(session: Session, *, subscriber_id: int, actor: str, now: datetime) -> None:
    """Record that an admin handed out what is held of a reader. Raises NotFound."""
    _record(session, _held(session, subscriber_id), ConsentKind.EXPORTED, ConsentMethod.ADMIN, now, actor)


def _held(session: Session, subscriber_id: int) -> Subscriber:
    subscriber = lock_reader(session, subscriber_id)
    if subscriber is None:
        raise NotFound("no such reader")
    return subscriber


def _subscriptions(session: Session, subscriber: Subscriber) -> list[Subscription]:
    """Return the reader's subscriptions as they are now that the reader is held."""
    query = select(Subscription).where(Subscription.subscriber_id == subscriber.id).order_by(Subscription.id)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def _is_open(subscription: Subscription) -> bool:
    return subscription.status is not SubscriptionStatus.UNSUBSCRIBED


def _record(
    session: Session, subscriber: Subscriber, kind: ConsentKind, method: ConsentMethod, now: datetime, actor: str | None
) -> None:
    session.flush()
    language = session.scalar(language_of_reader(subscriber.id)) or ""
    record_reader_act(session, subscriber, Act(kind, method, now, language, actor=actor))
    session.flush()
