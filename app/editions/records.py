"""Tables of what is written down of an edition: acts, revisions and comments, how its copies stand, what is read."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, BigId, enum_type
from app.mail.pacing import PauseReason
from app.topics.word_index import WordIndex


class EditionAct(StrEnum):
    """What is done with an edition before it starts and under way."""

    OVERRIDDEN = "overridden"
    HELD = "held"
    APPROVAL_ASKED = "approval-asked"
    APPROVED = "approved"
    DECLINED = "declined"
    APPROVAL_WITHDRAWN = "approval-withdrawn"
    APPROVAL_VOIDED = "approval-voided"
    STOPPED = "stopped"
    PAUSED = "paused"
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    RETRIED_UNCERTAIN = "retried-uncertain"
    RETRIED_REJECTED = "retried-rejected"


class EditionEvent(Base):
    """The record of one act: when and by whom, or why where the edition paused by itself. `copies` were concerned.

    `note` is what somebody gave as their reason.
    """

    __tablename__ = "edition_events"
    __table_args__ = (sa.Index("ix_edition_events_edition_id", "edition_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    act: Mapped[EditionAct] = mapped_column(enum_type(EditionAct))
    actor: Mapped[str | None] = mapped_column(sa.String(254))
    reason: Mapped[PauseReason | None] = mapped_column(enum_type(PauseReason))
    copies: Mapped[int | None]
    note: Mapped[str | None] = mapped_column(sa.String(500))


class DraftAct(StrEnum):
    """How a revision of a draft came to be."""

    COMPILED = "compiled"
    SAVED = "saved"
    UNDONE = "undone"
    REDONE = "redone"
    RESTORED = "restored"


class EditionRevision(Base):
    """What editors may change of a draft, as it stood after a save: `state` is one of `app.editions.states`.

    `parts` name what the save changed. To undo and to redo make revisions too: `stands_at` is the number of the one
    whose state this is, `parent` that of the one before it, and `tip` of the last that can be redone.
    """

    __tablename__ = "edition_revisions"
    __table_args__ = (sa.UniqueConstraint("edition_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"))
    number: Mapped[int]
    at: Mapped[datetime]
    actor: Mapped[str | None] = mapped_column(sa.String(254))
    act: Mapped[DraftAct] = mapped_column(enum_type(DraftAct))
    parts: Mapped[list[str]] = mapped_column(sa.JSON())
    state: Mapped[dict[str, str]] = mapped_column(sa.JSON())
    stands_at: Mapped[int]
    parent: Mapped[int | None]
    tip: Mapped[int]


class EditionComment(Base):
    """What one editor says to the others of an edition, or of one article in it. It leaves the desk by no letter."""

    __tablename__ = "edition_comments"
    __table_args__ = (sa.Index("ix_edition_comments_edition_id", "edition_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"))
    article_id: Mapped[int | None] = mapped_column(sa.ForeignKey("articles.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    author: Mapped[str] = mapped_column(sa.String(254))
    text: Mapped[str]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None] = mapped_column(sa.String(254))


class EditionCount(Base):
    """How an edition's copies stood at `counted_at`: pages that list editions do not count millions of copies.

    Of those that ended, `uncertain` ones are not sent again by themselves, and `for_our_fault` is why some were
    refused. `groups` are all of them by state and reason, in JSON.
    """

    __tablename__ = "edition_counts"

    edition_id: Mapped[int] = mapped_column(
        sa.ForeignKey("editions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    copies: Mapped[int]
    accepted: Mapped[int]
    open: Mapped[int]
    uncertain: Mapped[int]
    for_our_fault: Mapped[int]
    groups: Mapped[str]
    counted_at: Mapped[datetime]

    @property
    def failed(self) -> int:
        """Copies that ended without being accepted."""
        return self.copies - self.accepted - self.open

    @property
    def settled(self) -> int:
        """Copies that have come to an end."""
        return self.copies - self.open


class ClickTotal(Base):
    """How often the article at one place of an edition was followed from the letter, by nobody in particular."""

    __tablename__ = "click_totals"

    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    clicks: Mapped[int]


class Reading(Base):
    """What a reader who lets us count did with one edition: the day of the first opening, and links followed.

    `is_machine`: links were followed faster than anybody reads, and nothing is counted.
    """

    __tablename__ = "readings"
    __table_args__ = (
        sa.Index("ix_readings_edition_id", "edition_id"),
        sa.Index("ix_readings_opened_on", "opened_on"),
    )

    subscription_id: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("subscriptions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"), primary_key=True)
    opened_on: Mapped[date]
    clicks: Mapped[int] = mapped_column(default=0)
    last_place: Mapped[int | None] = mapped_column(sa.SmallInteger)
    last_click_at: Mapped[datetime | None]
    is_machine: Mapped[bool] = mapped_column(default=False)


class Clipping(Base):
    """An article as the first sent edition of a language carried it, to be found in public. Newer ones have higher ids.

    `words` are those of its title and summary as they were when it was filed, which is soon after it left, folded, as
    `CLIPPING_INDEX` has them: a correction that came in between is among them.
    """

    __tablename__ = "clippings"
    __table_args__ = (
        sa.UniqueConstraint("article_id", "language"),
        sa.Index("ix_clippings_language", "language", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("edition_items.id", ondelete="CASCADE"), unique=True)
    article_id: Mapped[int] = mapped_column(sa.ForeignKey("articles.id"))
    language: Mapped[str] = mapped_column(sa.String(8))
    sent_at: Mapped[datetime]
    words: Mapped[str]


CLIPPING_INDEX = WordIndex("clipping_words", Clipping.id)
