"""Tables of what outlives a reader's rows: proof of consent, do-not-mail, and a count of who never confirmed."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, BigId, byte_text, enum_type
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SuppressionReason

#: Characters of what an admin writes about a suppression.
NOTE_MAX = 200


class ConsentEvent(Base):
    """Append-only proof: what was shown, in which version, what was done, when and how. Never updated.

    The events of one reader are a chain: `seq` counts them from 1, `previous_hash` is the `hash` of the one before
    ("" of the first), and `address_hash` ties the event to the address as long as the reader's salt exists. Only
    `app.subscriptions.ledger` writes here. `detail` says more of some kinds, and nothing personal.
    """

    __tablename__ = "consent_events"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "seq"),
        sa.Index("ix_consent_events_subscription_id", "subscription_id", "id"),
        sa.Index(
            "ix_consent_events_origin",
            "kind",
            "method",
            "subscription_id",
            sqlite_where=sa.text("kind IN ('requested', 'imported')"),
            postgresql_where=sa.text("kind IN ('requested', 'imported')"),
        ),
        sa.Index(
            "ix_consent_events_erased",
            "at",
            "id",
            sqlite_where=sa.text("kind = 'erased'"),
            postgresql_where=sa.text("kind = 'erased'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    chain_id: Mapped[str] = mapped_column(byte_text(22))
    seq: Mapped[int]
    subscription_id: Mapped[int | None] = mapped_column(sa.ForeignKey("subscriptions.id", ondelete="SET NULL"))
    newsletter_id: Mapped[int | None]
    kind: Mapped[ConsentKind] = mapped_column(enum_type(ConsentKind))
    method: Mapped[ConsentMethod] = mapped_column(enum_type(ConsentMethod))
    at: Mapped[datetime]
    language: Mapped[str] = mapped_column(sa.String(8))
    wording_id: Mapped[int | None] = mapped_column(sa.ForeignKey("consent_wordings.id"))
    policy_id: Mapped[int | None] = mapped_column(sa.ForeignKey("privacy_policies.id"))
    form_url: Mapped[str | None] = mapped_column(sa.String(500))
    actor: Mapped[str | None] = mapped_column(sa.String(254))
    detail: Mapped[str | None] = mapped_column(sa.String(200))
    address_hash: Mapped[str] = mapped_column(sa.String(64))
    previous_hash: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))


class ConsentStub(Base):
    """What stays of an event whose time is over: place, date and hash, so that older seals still verify.

    Without the salt that went with the address, it tells of nobody.
    """

    __tablename__ = "consent_stubs"
    __table_args__ = (sa.Index("ix_consent_stubs_pruned_at", "pruned_at"),)

    chain_id: Mapped[str] = mapped_column(byte_text(22), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    hash: Mapped[str] = mapped_column(sa.String(64))
    pruned_at: Mapped[datetime]


class Suppression(Base):
    """Do-not-mail by keyed hash of the address; outlives the subscriber.

    `source` says who found it, `note` what an admin wrote. From `lifted_at` on the reader may subscribe anew; until
    they confirm, the address is not mailed otherwise.
    """

    __tablename__ = "suppressions"
    __table_args__ = (sa.Index("ix_suppressions_reason", "reason", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    address_hmac: Mapped[str] = mapped_column(sa.String(64), unique=True)
    reason: Mapped[SuppressionReason] = mapped_column(enum_type(SuppressionReason))
    source: Mapped[str] = mapped_column(sa.String(120))
    created_at: Mapped[datetime]
    note: Mapped[str | None] = mapped_column(sa.String(NOTE_MAX))
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(sa.String(254))

    @property
    def may_ask(self) -> bool:
        """Whether the reader may subscribe anew, and is asked to confirm it."""
        return not self.reason.needs_admin or self.lifted_at is not None

    def yields_to(self, reason: SuppressionReason) -> bool:
        """Whether `reason`, should it come, stands from then on: a stronger one, or one that was lifted before."""
        return reason.outranks(self.reason) or (reason.needs_admin and self.lifted_at is not None)


class PurgeCount(Base):
    """How many never-confirmed sign-ups were deleted on a day: all that stays of them (GDPR art. 5(1)(e))."""

    __tablename__ = "purge_counts"

    day: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    purged: Mapped[int]
