"""What was sent to one reader, for them to see: each letter, when it left, what became of it, what the server said; and
what was counted of their reading, where they let us."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.models import Chunk, Delivery, state_now
from app.editions.models import Edition
from app.editions.records import Reading
from app.product import Teller
from app.subscriptions.models import Subscription


def tellers() -> Mapping[str, Teller]:
    """Return what gathers the letters of a reader."""
    return {"letters": letters, "readings": readings}


def letters(session: Session, subscriber_id: int) -> list[Mapping[str, object]]:
    """Return all letters to a reader, newest first; editions with their subject."""
    found = session.execute(
        select(Chunk.kind, Chunk.created_at, state_now(), Delivery, Edition.subject)
        .join_from(Delivery, Chunk, Chunk.id == Delivery.chunk_id)
        .outerjoin(Edition, Edition.id == sa.func.coalesce(Chunk.variant_id, Chunk.edition_id))
        .where(Delivery.subscriber_id == subscriber_id)
        .order_by(Delivery.id.desc())
    )
    return [
        {
            "kind": kind,
            "subject": subject,
            "queued_at": queued_at,
            "state": state.value,
            "ended_at": delivery.settled_at,
            "reply_code": delivery.reply_code,
            "reply": delivery.reply_text,
        }
        for kind, queued_at, state, delivery, subject in found
    ]


def readings(session: Session, subscriber_id: int) -> list[Mapping[str, object]]:
    """Return what a reader who lets us count did with each edition."""
    found = session.execute(
        select(Reading, Edition.subject)
        .join(Subscription, Subscription.id == Reading.subscription_id)
        .join(Edition, Edition.id == Reading.edition_id)
        .where(Subscription.subscriber_id == subscriber_id)
        .order_by(Reading.edition_id.desc())
    )
    return [
        {"subject": subject, "opened_on": reading.opened_on, "links_followed": reading.clicks}
        for reading, subject in found
    ]
