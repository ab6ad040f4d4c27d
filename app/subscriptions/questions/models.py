"""Tables of questions: what a reader was asked by letter, by when an answer is due, and what came of it."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, BigId, enum_type, new_public_id
from app.subscriptions.models import Subscription


class QuestionKind(StrEnum):
    """What is asked: whether a reader of whom nothing was heard for years stays, or whether they agree anew."""

    STAY = "stay"
    RENEWAL = "renewal"


class QuestionState(StrEnum):
    """open → agreed, lapsed (→ agreed, where the answer came late), or void where it had lost its point."""

    OPEN = "open"
    AGREED = "agreed"
    LAPSED = "lapsed"
    VOID = "void"


class Renewal(Base):
    """That a newsletter asks those readers for consent anew who agreed to an older wording.

    At most `per_day` letters go in a day; who has not answered by `until` is no longer mailed. `remind_days` before
    that they are reminded once, or never where it is None. Once it has ended nobody is asked and nothing lapses.
    `readers` counts those it concerned when it started. In this round, subscriptions up to the id `looked_until` were
    looked through.
    """

    __tablename__ = "renewals"
    __table_args__ = (sa.Index("ix_renewals_newsletter", "newsletter_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    newsletter_id: Mapped[int] = mapped_column(sa.ForeignKey("newsletters.id"))
    started_at: Mapped[datetime]
    started_by: Mapped[str] = mapped_column(sa.String(254))
    until: Mapped[datetime]
    per_day: Mapped[int]
    readers: Mapped[int]
    remind_days: Mapped[int | None]
    looked_until: Mapped[int] = mapped_column(BigId, default=0, server_default="0")
    ended_at: Mapped[datetime | None]


class RenewalCount(Base):
    """How the questions of a renewal stood when they were counted, at `counted_at`."""

    __tablename__ = "renewal_counts"

    renewal_id: Mapped[int] = mapped_column(
        sa.ForeignKey("renewals.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    open: Mapped[int]
    agreed: Mapped[int]
    lapsed: Mapped[int]
    void: Mapped[int]
    counted_at: Mapped[datetime]


class Prospect(Base):
    """How many readers asking a newsletter for consent anew would concern, as counted at `counted_at`.

    `wording_id` was the newest wording of its form then.
    """

    __tablename__ = "renewal_prospects"

    newsletter_id: Mapped[int] = mapped_column(sa.ForeignKey("newsletters.id"), primary_key=True, autoincrement=False)
    readers: Mapped[int]
    wording_id: Mapped[int]
    counted_at: Mapped[datetime]


class Question(Base):
    """One question to one reader, by one letter; silence after `answer_until` is an answer too.

    `public_id` is what the letter's link names. `wording_id` and `policy_id` are the texts that the letter and its page
    show, where it asks for consent to them.
    """

    __tablename__ = "questions"
    __table_args__ = (
        sa.UniqueConstraint("subscription_id", "kind"),
        sa.Index("ix_questions_asked_at", "kind", "asked_at"),
        sa.Index("ix_questions_renewal_id", "renewal_id", "state", "reminded_at", "id"),
        sa.Index(
            "ix_questions_due",
            "kind",
            "answer_until",
            "id",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index(
            "ix_questions_closed_at",
            "closed_at",
            sqlite_where=sa.text("closed_at IS NOT NULL"),
            postgresql_where=sa.text("closed_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_id: Mapped[str] = mapped_column(sa.String(22), unique=True, default=new_public_id)
    kind: Mapped[QuestionKind] = mapped_column(enum_type(QuestionKind))
    subscription_id: Mapped[int] = mapped_column(sa.ForeignKey("subscriptions.id", ondelete="CASCADE"))
    renewal_id: Mapped[int | None] = mapped_column(sa.ForeignKey("renewals.id"))
    language: Mapped[str] = mapped_column(sa.String(8))
    wording_id: Mapped[int | None] = mapped_column(sa.ForeignKey("consent_wordings.id"))
    policy_id: Mapped[int | None] = mapped_column(sa.ForeignKey("privacy_policies.id"))
    state: Mapped[QuestionState] = mapped_column(enum_type(QuestionState), default=QuestionState.OPEN)
    asked_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    answer_until: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    subscription: Mapped[Subscription] = relationship()

    def close(self, state: QuestionState, at: datetime) -> None:
        """Note what came of the question."""
        self.state, self.closed_at = state, at
