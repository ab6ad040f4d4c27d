"""Tables of what comes back: notices as they are kept, the words they came with, and counts of what links to none."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, BigId, enum_type, new_public_id
from app.feedback.notices import DIAGNOSTIC_MAX, NoticeKind

EVENT_ID_MAX = 128


class EventState(StrEnum):
    """waiting → applied, where it changed something, or noted; or else → held → discarded, or approved (→ as waiting).

    One that was applied may be held after all: its change is undone.
    """

    WAITING = "waiting"
    APPROVED = "approved"
    APPLIED = "applied"
    NOTED = "noted"
    HELD = "held"
    DISCARDED = "discarded"


#: States in which an event is to be applied.
DUE = (EventState.WAITING, EventState.APPROVED)


class FeedbackEvent(Base):
    """One notice of one copy, kept once however often it is told: a bounce, a complaint, or better news.

    `at` is when it happened, as told; `received_at` when we heard of it. A new event names its copy only: who and what
    that was for is filled in before it is applied, `provider` by the reader's address, empty where there is no reader.
    It outlives the reader, as a figure.
    """

    __tablename__ = "feedback_events"
    __table_args__ = (
        sa.UniqueConstraint("source", "event_id"),
        sa.Index(
            "ix_feedback_events_due",
            "id",
            sqlite_where=sa.text("state IN ('waiting', 'approved')"),
            postgresql_where=sa.text("state IN ('waiting', 'approved')"),
        ),
        sa.Index(
            "ix_feedback_events_held",
            "provider",
            sqlite_where=sa.text("state = 'held'"),
            postgresql_where=sa.text("state = 'held'"),
        ),
        sa.Index("ix_feedback_events_subscriber_id", "subscriber_id", "id"),
        sa.Index("ix_feedback_events_delivery_id", "delivery_id"),
        sa.Index("ix_feedback_events_spikes", "provider", "kind", "at"),
        sa.Index("ix_feedback_events_edition", "edition_id", "kind"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(sa.String(24))
    event_id: Mapped[str] = mapped_column(sa.String(EVENT_ID_MAX))
    kind: Mapped[NoticeKind] = mapped_column(enum_type(NoticeKind))
    at: Mapped[datetime]
    received_at: Mapped[datetime]
    # No foreign key: it is written while copies are settled, and who waits for those may hold the readers' rows.
    delivery_id: Mapped[int] = mapped_column(BigId)
    subscriber_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("subscribers.id", ondelete="SET NULL"))
    newsletter_id: Mapped[int | None]
    edition_id: Mapped[int | None]
    provider: Mapped[str | None] = mapped_column(sa.String(253))
    status: Mapped[str | None] = mapped_column(sa.String(16))
    state: Mapped[EventState] = mapped_column(enum_type(EventState), default=EventState.WAITING)
    applied_at: Mapped[datetime | None]


class Diagnostic(Base):
    """What a server said of one copy. It may quote the address, and so goes with the reader's row."""

    __tablename__ = "diagnostics"
    __table_args__ = (sa.Index("ix_diagnostics_subscriber_id", "subscriber_id"),)

    event_id: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("feedback_events.id", ondelete="CASCADE"), primary_key=True
    )
    subscriber_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("subscribers.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(sa.String(DIAGNOSTIC_MAX))


class Reply(Base):
    """What a reader wrote back, kept until it was passed on to the newsroom. `delivery_id` passes it on.

    Once that has ended `data` goes; the row stays for a while, as a count.
    """

    __tablename__ = "replies"
    __table_args__ = (sa.Index("ix_replies_received_at", "received_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_id: Mapped[str] = mapped_column(sa.String(22), unique=True, default=new_public_id)
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    received_at: Mapped[datetime]
    data: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    delivery_id: Mapped[int | None] = mapped_column(BigId)


class UnlinkedCount(Base):
    """How many notices of a source and kind named no copy of ours on a day (UTC): they change nothing."""

    __tablename__ = "unlinked_counts"

    day: Mapped[date] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(sa.String(24), primary_key=True)
    kind: Mapped[NoticeKind] = mapped_column(enum_type(NoticeKind), primary_key=True)
    number: Mapped[int]
