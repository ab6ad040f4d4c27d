"""Lines: editions that follow one another, the schedules that make them, and the record of what was compiled.

Each window of a line begins where the last one ended that closed, and what one edition carries no later one does. One
in which there was nothing new closes nothing: those who read more languages had something to come. Nor does one that
somebody named, where a schedule is to bring what came before it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.articles.models import Article, may_leave
from app.db import Base, enum_type
from app.editions.models import Edition, EditionItem, EditionKind, EditionStatus
from app.errors import InputRefused

#: The first window of a newsletter reaches this far back.
FIRST_WINDOW = timedelta(days=7)
#: An article that arrived just before the last window closed may have been committed just after it: look back this
#: far. What an edition already carries is left out anyway.
OVERLAP = timedelta(minutes=15)


class CompileOutcome(StrEnum):
    """What came of an attempt to compile."""

    COMPILED = "compiled"
    NOTHING_NEW = "nothing new"
    MISSED = "missed"


class Schedule(Base):
    """When the digest of a newsletter and language leaves: `cron` is read on the clocks of `timezone`.

    Without a rhythm it is the usual one, for all who chose none; else its readers' own. `changed_at` is when somebody
    last changed it: until somebody does, the usual one follows the settings.
    """

    __tablename__ = "schedules"
    __table_args__ = (
        sa.UniqueConstraint("newsletter_id", "language", "rhythm_id"),
        sa.Index(
            "ix_schedules_usual",
            "newsletter_id",
            "language",
            unique=True,
            sqlite_where=sa.text("rhythm_id IS NULL"),
            postgresql_where=sa.text("rhythm_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    newsletter_id: Mapped[int] = mapped_column(sa.ForeignKey("newsletters.id"))
    language: Mapped[str] = mapped_column(sa.String(8))
    rhythm_id: Mapped[int | None] = mapped_column(sa.ForeignKey("rhythms.id"))
    cron: Mapped[str] = mapped_column(sa.String(100))
    timezone: Mapped[str] = mapped_column(sa.String(60))
    is_active: Mapped[bool] = mapped_column(default=True)
    next_run_at: Mapped[datetime] = mapped_column(index=True)
    changed_at: Mapped[datetime | None]


class Compilation(Base):
    """The record of one attempt to compile, by hand or by a schedule's period; "nothing new" is an outcome too.

    `closes`: whether the next window of the line begins where this one ended.
    """

    __tablename__ = "compilations"
    __table_args__ = (
        sa.UniqueConstraint("schedule_id", "period_at"),
        sa.Index("ix_compilations_newsletter", "newsletter_id", "language", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int | None] = mapped_column(sa.ForeignKey("schedules.id"))
    period_at: Mapped[datetime | None]
    newsletter_id: Mapped[int] = mapped_column(sa.ForeignKey("newsletters.id"))
    language: Mapped[str] = mapped_column(sa.String(8))
    since: Mapped[datetime]
    until: Mapped[datetime]
    at: Mapped[datetime]
    outcome: Mapped[CompileOutcome] = mapped_column(enum_type(CompileOutcome))
    edition_id: Mapped[int | None] = mapped_column(sa.ForeignKey("editions.id"))
    closes: Mapped[bool] = mapped_column(default=False)


@dataclass(frozen=True)
class Line:
    """The editions that follow one another: those of a rhythm that readers chose, or the newsletter as it comes."""

    newsletter_id: int
    language: str
    rhythm_id: int | None = None

    @classmethod
    def of(cls, session: Session, made: Edition | Schedule) -> "Line":
        """Return the line of an edition or schedule."""
        if isinstance(made, Schedule):
            return cls(made.newsletter_id, made.language, made.rhythm_id)
        return cls.under(session, made.schedule_id, newsletter_id=made.newsletter_id, language=made.language)

    @classmethod
    def under(cls, session: Session, schedule_id: int | None, *, newsletter_id: int, language: str) -> "Line":
        """Return the line of what is made by a schedule, or by hand."""
        rhythm = select(Schedule.rhythm_id).where(Schedule.id == schedule_id)
        return cls(newsletter_id, language, session.scalar(rhythm) if schedule_id else None)

    def holds(self, made: type[Edition | Compilation]) -> ColumnElement[bool]:
        """Return the condition that an edition or compilation is of this line; what is made by hand is of the usual.

        Variants are parts of theirs. Extras are of no line: what a flash brought to some is still to come to others.
        """
        of_rhythm = select(Schedule.id).where(Schedule.rhythm_id.is_not_distinct_from(self.rhythm_id))
        is_of_rhythm = made.schedule_id.in_(of_rhythm)
        is_usual = self.rhythm_id is None
        return sa.and_(
            Edition.variant_of.is_(None) & (Edition.kind == EditionKind.NUMBER) if made is Edition else sa.true(),
            made.newsletter_id == self.newsletter_id,
            made.language == self.language,
            sa.or_(made.schedule_id.is_(None), is_of_rhythm) if is_usual else is_of_rhythm,
        )


def window_of(session: Session, line: Line, *, since: datetime | None, until: datetime) -> tuple[datetime, datetime]:
    """Return where the window of a line begins, and from when on articles are looked for, which may be earlier.

    Raises InputRefused when it ends before it begins.
    """
    last_end = None if since else end_of_last_window(session, line)
    start = since or last_end or until - FIRST_WINDOW
    if start > until:
        raise InputRefused("the window ends before it begins")
    return start, since or search_start(last_end, until)


def closes_line(session: Session, line: Line, *, since: datetime | None) -> bool:
    """Return whether a window that was named to begin at `since`, or was not, lets the next one begin where it ends."""
    if since is None:
        return True
    last_end = end_of_last_window(session, line)
    if last_end is not None and since <= last_end:
        return True
    is_of_line = sa.and_(
        Schedule.newsletter_id == line.newsletter_id,
        Schedule.language == line.language,
        Schedule.rhythm_id.is_not_distinct_from(line.rhythm_id),
    )
    return session.scalar(select(Schedule.id).where(is_of_line, Schedule.is_active)) is None


def has_closed(session: Session, edition: Edition) -> bool:
    """Return whether a window closed with an edition."""
    theirs = select(Compilation.id).where(Compilation.edition_id == edition.id, Compilation.closes)
    return session.scalar(theirs) is not None


def search_start(last_end: datetime | None, until: datetime) -> datetime:
    """Return from when on articles are looked for, up to `until`, where the last window ended at `last_end`."""
    return last_end - OVERLAP if last_end else until - FIRST_WINDOW


def end_of_last_window(
    session: Session, line: Line, *, but: Collection[EditionStatus] = (EditionStatus.CANCELLED,)
) -> datetime | None:
    """Return where the last window ended that closed, and whose edition is in none of the statuses `but`.

    Where none has, that is the beginning of the first in which there was nothing new; None where nobody looked yet.
    """
    return session.scalar(last_window_end(line, but=but))


def last_window_end(line: Line, *, but: Collection[EditionStatus] = (EditionStatus.CANCELLED,)) -> Select[datetime]:
    """Select what `end_of_last_window` returns."""
    closed = (
        select(Compilation.until)
        .join(Edition, Edition.id == Compilation.edition_id)
        .where(line.holds(Compilation), Compilation.closes, Edition.status.not_in(but))
        .order_by(Compilation.until.desc())
        .limit(1)
    )
    idle = select(sa.func.min(Compilation.since)).where(
        line.holds(Compilation), Compilation.outcome == CompileOutcome.NOTHING_NEW
    )
    return select(sa.func.coalesce(closed.scalar_subquery(), idle.scalar_subquery()))


def carried_by(line: Line) -> Select[Any]:
    """Select the articles that editions of a line carry, or are to carry; joined with their items and editions."""
    return (
        select(Article)
        .join(EditionItem, EditionItem.article_id == Article.id)
        .join(Edition, Edition.id == EditionItem.edition_id)
        .where(line.holds(Edition), Edition.status != EditionStatus.CANCELLED)
    )


def may_stand_in(line: Line, edition: Edition, now: datetime) -> ColumnElement[bool]:
    """Return the condition that an article may stand in an edition of `line`: it may leave, and no other one has it."""
    elsewhere = carried_by(line).where(Edition.id != edition.id).with_only_columns(Article.id)
    return sa.and_(may_leave(now), Article.id.not_in(elsewhere))


def are_given_up(line: Line, *, since: datetime, until: datetime) -> ColumnElement[bool]:
    """Return the condition that editions of a line closed a window, and were given up from `since` to `until`."""
    closed = select(Compilation.edition_id).where(line.holds(Compilation), Compilation.closes)
    return sa.and_(
        line.holds(Edition),
        Edition.status == EditionStatus.CANCELLED,
        Edition.finished_at > since,
        Edition.finished_at <= until,
        Edition.id.in_(closed),
    )
