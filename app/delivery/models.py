"""The ledger: one `Delivery` per letter and recipient. What it is about are plain ids, set by whoever queues it."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, BigId, enum_type


class DeliveryState(StrEnum):
    """queued → sending → accepted, rejected, or deferred and uncertain (→ sending); else cancelled or expired."""

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


#: States from which a copy may still be claimed or cancelled.
WAITING = (DeliveryState.QUEUED, DeliveryState.DEFERRED)
#: States in which an edition is not finished.
OPEN = (DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.SENDING)


class Delivery(Base):
    """One letter to one recipient.

    `kind` chooses who composes it. `subscriber_id` names the recipient, or `address` does where the recipient is no
    subscriber (a test letter). `reference` binds a one-off letter to its cause (the sign-up request it belongs to).
    `attempt` counts claims and guards settling: an outcome counts only for the claim it belongs to. `is_repeatable`
    tells whether the copy may still be sent again after an uncertain outcome, which it may be once.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        sa.UniqueConstraint("edition_id", "subscriber_id"),
        sa.Index(
            "ix_deliveries_waiting",
            "priority",
            "id",
            sqlite_where=sa.text("state IN ('queued', 'deferred', 'uncertain')"),
            postgresql_where=sa.text("state IN ('queued', 'deferred', 'uncertain')"),
        ),
        sa.Index(
            "ix_deliveries_leases",
            "lease_until",
            sqlite_where=sa.text("state = 'sending'"),
            postgresql_where=sa.text("state = 'sending'"),
        ),
        sa.Index("ix_deliveries_subscriber", "subscriber_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(24))
    priority: Mapped[int] = mapped_column(sa.SmallInteger, default=5)
    edition_id: Mapped[int | None] = mapped_column(sa.ForeignKey("editions.id"))
    newsletter_id: Mapped[int | None]
    subscriber_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("subscribers.id", ondelete="SET NULL"))
    address: Mapped[str | None] = mapped_column(sa.String(254))
    reference: Mapped[str | None] = mapped_column(sa.String(22))
    language: Mapped[str] = mapped_column(sa.String(8))
    state: Mapped[DeliveryState] = mapped_column(enum_type(DeliveryState, length=12), default=DeliveryState.QUEUED)
    attempt: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    is_repeatable: Mapped[bool] = mapped_column(default=True)
    next_attempt_at: Mapped[datetime]
    owner: Mapped[str | None] = mapped_column(sa.String(40))
    lease_until: Mapped[datetime | None]
    reply_code: Mapped[int | None] = mapped_column(sa.SmallInteger)
    reply_text: Mapped[str | None] = mapped_column(sa.String(1000))
    fault: Mapped[str | None] = mapped_column(sa.String(24))
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class DeliveryHold(Base):
    """An edition whose waiting copies are not to be claimed: a pause touches one row, not a million."""

    __tablename__ = "delivery_holds"

    edition_id: Mapped[int] = mapped_column(primary_key=True)
    held_at: Mapped[datetime]
