"""The data link: what opens a reader's data is a fresh link, asked for and mailed to the address (GDPR art. 12(6)).

Letters are forwarded and lie around for years, so no link of theirs shows more than a masked address. Outside, the
answer is the same whatever is known of an address; what differs is whether a letter arrives.
"""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from app.db import new_public_id
from app.delivery.models import Chunk, Delivery
from app.delivery.queue import enqueue
from app.mail.address import Address
from app.subscriptions.models import Subscriber, subscription_by_public_id
from app.subscriptions.signup import FIRST

DATA_LINK = "data-link"
#: One address gets no second link within this time, however often it is asked for.
PAUSE_BETWEEN_LINKS = timedelta(minutes=15)
LINKS_A_DAY = 3

#: Built once, as those of signing up: what costs time must cost it for unknown addresses too.
_READER = select(Subscriber.id).where(Subscriber.email_key == bindparam("email_key")).with_for_update(key_share=True)
_READER_BY_ID = select(Subscriber.id).where(Subscriber.id == bindparam("reader")).with_for_update(key_share=True)
_NAME_LINK = (
    update(Subscriber)
    .where(Subscriber.id == bindparam("reader"))
    .values(data_id=bindparam("name"))
    .execution_options(synchronize_session=False)
)
_LINKS_OF_THE_DAY = (
    select(func.count(), func.max(Chunk.created_at))
    .join_from(Delivery, Chunk, Chunk.id == Delivery.chunk_id)
    .where(Delivery.subscriber_id == bindparam("reader"), Chunk.kind == DATA_LINK)
    .where(Chunk.created_at > bindparam("since"))
)


def request_data_link(session: Session, *, address: Address, language: str, now: datetime) -> None:
    """Queue a data link for the owner of `address`, typed on a form; links of an older request open nothing any more.

    Returns nothing on purpose: known, unknown, erased and suppressed addresses must look the same outside.
    """
    _queue(session, session.scalar(_READER, {"email_key": address.key}), language, now)


def request_own_data_link(session: Session, *, subscription_public_id: str, language: str, now: datetime) -> None:
    """As `request_data_link`, for the reader whom a letter's token names; for one erased since, nothing happens."""
    subscription = session.scalars(subscription_by_public_id(subscription_public_id)).one_or_none()
    if subscription is not None:
        _queue(session, session.scalar(_READER_BY_ID, {"reader": subscription.subscriber_id}), language, now)


def reader_of_link(session: Session, data_id: str) -> Subscriber | None:
    """Return the reader whom a data link names, or None where a newer link, or an erasure, has voided it."""
    return session.scalars(select(Subscriber).where(Subscriber.data_id == data_id)).one_or_none()


def _queue(session: Session, subscriber_id: int | None, language: str, now: datetime) -> None:
    """Queue the letter where there is a reader who had none a moment ago; else do the same work and throw it away."""
    asked = {"reader": subscriber_id or 0, "since": now - timedelta(days=1)}
    links, last_at = session.execute(_LINKS_OF_THE_DAY, asked).one()
    is_too_soon = links >= LINKS_A_DAY or (last_at is not None and now - last_at < PAUSE_BETWEEN_LINKS)
    data_id = new_public_id()
    with session.begin_nested() as attempt:
        session.execute(_NAME_LINK, {"reader": subscriber_id or 0, "name": data_id})
        # No newsletter: neither a departure nor a pause is to call off the answer to a right.
        enqueue(
            session,
            kind=DATA_LINK,
            language=language,
            subscriber_id=subscriber_id,
            reference=data_id,
            priority=FIRST,
            now=now,
        )
        if subscriber_id is None or is_too_soon:
            attempt.rollback()
