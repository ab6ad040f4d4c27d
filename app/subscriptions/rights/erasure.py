"""Deleting what is kept of a reader: requests that nobody confirmed, and readers who ask for it.

The chain of consent events outlives the reader: as hashes where consent was never given, whole where it was. Either way
nothing ties it to the address any more, since its salt goes with the reader's row.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.models import Delivery
from app.delivery.queue import cancel_reader
from app.errors import NotFound
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SuppressionReason
from app.subscriptions.ledger import Act, last_event, prune_chain, record_reader_act
from app.subscriptions.locking import lock_reader
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import ConsentEvent
from app.subscriptions.suppression import suppress


def forget(session: Session, subscription: Subscription, *, now: datetime) -> None:
    """Delete a subscription that was never confirmed, and its reader where it was the only one.

    Of the reader's chain stay places, dates and hashes (GDPR art. 5(1)(e)). The caller holds the reader's row.
    """
    subscriber = session.get_one(Subscriber, subscription.subscriber_id)
    session.flush()
    session.execute(sa.delete(Subscription).where(Subscription.id == subscription.id))
    session.expunge(subscription)
    others = select(Subscription.id).where(Subscription.subscriber_id == subscriber.id).exists()
    if session.scalar(select(others)):
        return
    prune_chain(session, subscriber.chain_id, now=now)
    delete_reader(session, subscriber)


def erase_reader(
    session: Session,
    *,
    subscriber_id: int,
    method: ConsentMethod,
    suppression_key: str,
    now: datetime,
    actor: str | None = None,
) -> ConsentEvent:
    """Delete all that tells who a reader is, and never mail the address again; return the last event of their chain.

    What stays is a keyed hash of the address, for that one purpose, and the chain, which is nobody's now
    (GDPR art. 17(1) and 17(3)(b)). Waiting letters are cancelled. Raises NotFound.
    """
    subscriber = lock_reader(session, subscriber_id)
    if subscriber is None:
        raise NotFound("no such reader")
    subscriptions = session.scalars(select(Subscription).where(Subscription.subscriber_id == subscriber.id)).all()
    for subscription in subscriptions:
        cancel_reader(session, subscriber_id=subscriber.id, newsletter_id=subscription.newsletter_id, now=now)
    language = subscriptions[0].language if subscriptions else ""
    record_reader_act(session, subscriber, Act(ConsentKind.ERASED, method, now, language, actor=actor))
    suppress(
        session,
        email_key=subscriber.email_key,
        suppression_key=suppression_key,
        reason=SuppressionReason.ERASED,
        source=method.value,
        now=now,
    )
    session.flush()
    last = session.scalars(last_event(subscriber.chain_id)).one()
    delete_reader(session, subscriber)
    return last


def delete_reader(session: Session, subscriber: Subscriber) -> None:
    """Delete a reader's row and what hangs on it. Letters stay as counts: a server's reply often quotes the address."""
    session.execute(sa.update(Delivery).where(Delivery.subscriber_id == subscriber.id).values(reply_text=None))
    session.expunge(subscriber)
    session.execute(sa.delete(Subscriber).where(Subscriber.id == subscriber.id))
