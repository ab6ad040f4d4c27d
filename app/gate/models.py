"""Tables of the gate."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, enum_type

_OPEN = sa.text("state IN ('asked', 'approved')")


class ApprovalState(StrEnum):
    """asked → approved → started; or declined, voided by a change of the edition, or stopped before it started."""

    ASKED = "asked"
    APPROVED = "approved"
    DECLINED = "declined"
    VOID = "void"
    STOPPED = "stopped"
    STARTED = "started"


class Approval(Base):
    """That somebody asked for somebody else's word on an edition, for just the content that `fingerprint` names.

    An edition has one that is open at most. Approved, it starts by itself at `starts_at`.
    """

    __tablename__ = "approvals"
    __table_args__ = (
        sa.Index("ix_approvals_edition_id", "edition_id", "id"),
        sa.Index("ix_approvals_open", "edition_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"))
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    state: Mapped[ApprovalState] = mapped_column(enum_type(ApprovalState))
    asked_by: Mapped[str] = mapped_column(sa.String(254))
    asked_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    answered_by: Mapped[str | None] = mapped_column(sa.String(254))
    answered_at: Mapped[datetime | None]
    answer_note: Mapped[str] = mapped_column(sa.String(500), default="")
    starts_at: Mapped[datetime | None]


class Override(Base):
    """That an edition may leave in spite of failures, as it stood then: `failures` are their names, by blanks."""

    __tablename__ = "overrides"
    __table_args__ = (sa.Index("ix_overrides_edition_id", "edition_id", "fingerprint"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"))
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    failures: Mapped[str]
    reason: Mapped[str] = mapped_column(sa.String(500))
    by: Mapped[str] = mapped_column(sa.String(254))
    at: Mapped[datetime]


class Baseline(Base):
    """What an edition started with; the next one is compared with it.

    `sender` is the From address, which was not always kept; `keys` is a hash of the public DKIM keys.
    """

    __tablename__ = "baselines"

    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"), primary_key=True)
    readers: Mapped[int]
    sender: Mapped[str | None] = mapped_column(sa.String(254))
    sender_domain: Mapped[str] = mapped_column(sa.String(254))
    keys: Mapped[str] = mapped_column(sa.String(64))
    public_url: Mapped[str] = mapped_column(sa.String(500))


class Hold(Base):
    """That a digest of a schedule did not pass: since when, for which failures, and when it was looked at last."""

    __tablename__ = "holds"

    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    failures: Mapped[str]
    since: Mapped[datetime]
    looked_at: Mapped[datetime]


class Probe(Base):
    """What a check found that has to ask the network: made in the background, kept with its time.

    `subject` names what was looked at: a sender's domain, or an edition as its fingerprint names it. A row of the kind
    "asked" says when somebody wanted it looked at anew.
    """

    __tablename__ = "probes"

    kind: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    subject: Mapped[str] = mapped_column(sa.String(254), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    findings: Mapped[str]


class PlaceCount(Base):
    """How many subscriptions of a newsletter and language stood at a place as to its editions, at `counted_at`."""

    __tablename__ = "place_counts"

    newsletter_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    language: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    place: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    number: Mapped[int]
    counted_at: Mapped[datetime]
