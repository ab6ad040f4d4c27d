"""The ledger: one `Delivery` per letter and recipient, in chunks that are claimed together.

What a letter is about are plain ids, set by whoever queues it. A chunk carries all that its copies share and all that
changes while they are in hand, so that a copy's own row is written twice in its life: when it is queued, and when it
is settled. No index holds a column that settling changes: PostgreSQL then updates a row within its page.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import IntFlag, StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, BigId, enum_type
from app.mail.meanings import Meaning


class DeliveryState(StrEnum):
    """queued → accepted, rejected, or deferred and uncertain (→ tried again); else cancelled or expired.

    `sending` is never stored: it is what a queued copy is called while its chunk is in hand.
    """

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


#: Stored states from which a copy may still be sent or cancelled.
WAITING = (DeliveryState.QUEUED, DeliveryState.DEFERRED)
#: States in which an edition is not finished.
OPEN = (DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.SENDING)


class Failures(IntFlag):
    """The states other than arrival in which a try, or the want of one, put copies of a chunk at one time."""

    REJECTED = 1
    DEFERRED = 2
    UNCERTAIN = 4
    EXPIRED = 8

    @classmethod
    def of(cls, states: Iterable[DeliveryState]) -> "Failures":
        """Return those among `states`."""
        return cls(sum({cls[state.name] for state in states if state.name in cls.__members__}))


class Chunk(Base):
    """Copies of one kind that are claimed together: up to some hundreds of an edition's, or a single one-off letter.

    `number` counts an edition's chunks from 0; `copies` is how many it was made for; `variant_id` names which of its
    letters the copies are, where it is not the edition's own. `next_attempt_at` is when the first of its copies is due,
    or None when none waits. `owner` names the claim that had it last and `lease_until` how long that claim holds;
    without a lease the chunk is free. What is not sent by `expires_at` is not sent at all. From `cleared_at` its copies
    no longer tell what servers replied. `failures` spares whoever looks for copies that are not well all other chunks.
    """

    __tablename__ = "chunks"
    __table_args__ = (
        sa.UniqueConstraint("edition_id", "number"),
        sa.Index(
            "ix_chunks_due",
            "priority",
            "next_attempt_at",
            "id",
            sqlite_where=sa.text("lease_until IS NULL AND next_attempt_at IS NOT NULL"),
            postgresql_where=sa.text("lease_until IS NULL AND next_attempt_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_chunks_leases",
            "lease_until",
            sqlite_where=sa.text("lease_until IS NOT NULL"),
            postgresql_where=sa.text("lease_until IS NOT NULL"),
        ),
        sa.Index(
            "ix_chunks_uncleared",
            "created_at",
            "id",
            sqlite_where=sa.text("cleared_at IS NULL"),
            postgresql_where=sa.text("cleared_at IS NULL"),
        ),
        sa.Index(
            "ix_chunks_failures",
            "edition_id",
            "number",
            sqlite_where=sa.text("failures > 0"),
            postgresql_where=sa.text("failures > 0"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(24))
    priority: Mapped[int] = mapped_column(sa.SmallInteger, default=5)
    edition_id: Mapped[int | None] = mapped_column(sa.ForeignKey("editions.id"))
    variant_id: Mapped[int | None]
    number: Mapped[int] = mapped_column(default=0)
    copies: Mapped[int] = mapped_column(sa.SmallInteger, server_default="500")
    newsletter_id: Mapped[int | None]
    language: Mapped[str] = mapped_column(sa.String(8))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(sa.String(40))
    lease_until: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(sa.SmallInteger, default=0, server_default="15")


class Delivery(Base):
    """One letter to one recipient.

    `subscriber_id` names the recipient, or `address` does where the recipient is no subscriber (a test letter).
    `edition_id` is the chunk's, repeated for the constraint that no reader gets an edition twice. `reference` binds a
    one-off letter to its cause (the sign-up request it belongs to). `attempt` counts the tries that were told of: an
    outcome counts only for the try it belongs to. `meaning` is what the last reply said, where it did not accept;
    what was never tried has none. `is_repeatable` tells whether the copy may still be sent again after
    an uncertain outcome, which it may be once. `next_attempt_at` is set where the copy has to wait.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        sa.UniqueConstraint("subscriber_id", "edition_id"),
        sa.Index("ix_deliveries_chunk", "chunk_id"),
        # Room in each page for the second versions of its rows, which are longer by the relay's reply.
        {"postgresql_with": {"fillfactor": 40}},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    # No foreign key: a chunk goes with its copies only, and looking each up would halve the rate of freezing audiences.
    chunk_id: Mapped[int] = mapped_column(BigId)
    subscriber_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("subscribers.id", ondelete="SET NULL"))
    settled_at: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime | None]
    edition_id: Mapped[int | None]
    attempt: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    reply_code: Mapped[int | None] = mapped_column(sa.SmallInteger)
    is_repeatable: Mapped[bool] = mapped_column(default=True)
    state: Mapped[DeliveryState] = mapped_column(enum_type(DeliveryState, length=12), default=DeliveryState.QUEUED)
    reply_text: Mapped[str | None] = mapped_column(sa.String(1000))
    fault: Mapped[str | None] = mapped_column(sa.String(24))
    meaning: Mapped[Meaning | None] = mapped_column(sa.Enum(Meaning, native_enum=False, length=24))
    address: Mapped[str | None] = mapped_column(sa.String(254))
    reference: Mapped[str | None] = mapped_column(sa.String(22))

    chunk: Mapped[Chunk] = relationship(primaryjoin="foreign(Delivery.chunk_id) == Chunk.id")

    @property
    def state_now(self) -> DeliveryState:
        """The state as people are told it; loads the chunk."""
        return DeliveryState.SENDING if _is_in_hand(self.state, self.chunk) else self.state


class DeliveryHold(Base):
    """An edition whose waiting copies are not to be claimed: a pause touches one row, not a million."""

    __tablename__ = "delivery_holds"

    edition_id: Mapped[int] = mapped_column(primary_key=True)
    held_at: Mapped[datetime]


def state_now() -> sa.ColumnElement[DeliveryState]:
    """Return the SQL twin of `Delivery.state_now`, for statements that join the chunk."""
    is_in_hand = sa.and_(Delivery.state == DeliveryState.QUEUED, Chunk.lease_until.is_not(None))
    sending = sa.literal(DeliveryState.SENDING, Delivery.__table__.c.state.type)
    return sa.case((is_in_hand, sending), else_=Delivery.state)


def _is_in_hand(state: DeliveryState, chunk: Chunk) -> bool:
    return state is DeliveryState.QUEUED and chunk.lease_until is not None
