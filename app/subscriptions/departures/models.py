"""Tables of those who departed: their archived proofs, what is yet to be written down outside, and how far that got."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, BigId, enum_type
from app.subscriptions.kinds import SuppressionReason


class ConsentArchive(Base):
    """The chain of a reader who left, once their row has gone: the keyed hash of the address alone leads to it.

    Nobody reads here but who has to prove a consent that is disputed, the clock that ends it (GDPR art. 5(1)(e)), and
    an import, which brings nobody back who left.
    """

    __tablename__ = "consent_archives"
    __table_args__ = (
        sa.Index("ix_consent_archives_address_hmac", "address_hmac"),
        sa.Index("ix_consent_archives_left_at", "left_at", "chain_id"),
    )

    chain_id: Mapped[str] = mapped_column(sa.String(22), primary_key=True)
    address_hmac: Mapped[str] = mapped_column(sa.String(64))
    left_at: Mapped[datetime]
    archived_at: Mapped[datetime]


class Departure(Base):
    """A departure that is yet to be copied out into the journal; the row goes once its line is on disk.

    With a `reason` the address is suppressed for it; with `is_restricted` the reader's data may not be used from then
    on (True), or may again (False); else the reader left `newsletter_id` (None: all of them). `address_hmac` is None
    where the address still stands under `chain_id`.
    """

    __tablename__ = "departures"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    chain_id: Mapped[str | None] = mapped_column(sa.String(22))
    address_hmac: Mapped[str | None] = mapped_column(sa.String(64))
    newsletter_id: Mapped[int | None]
    reason: Mapped[SuppressionReason | None] = mapped_column(enum_type(SuppressionReason))
    is_restricted: Mapped[bool | None]
    at: Mapped[datetime]


class DepartureJournal(Base):
    """How many lines of a journal this database knows of: a restored one knows of fewer than there are.

    All rows have the same `database_id`, which a copy of the database keeps: by it a journal is known as ours.
    """

    __tablename__ = "departure_journals"

    journal_id: Mapped[str] = mapped_column(sa.String(22), primary_key=True)
    database_id: Mapped[str] = mapped_column(sa.String(22))
    position: Mapped[int] = mapped_column(BigId, default=0)
    begun_at: Mapped[datetime]
