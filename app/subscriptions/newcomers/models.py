"""Tables of readers who are brought along: their lists, and the asking of those held for want of proof."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, enum_type
from app.subscriptions.newcomers.imports import SOURCE_MAX

#: Characters of a file's name that are kept.
NAME_MAX = 120


class ImportStatus(StrEnum):
    """received → checking → checked → importing → done; or cancelled on the way, or refused for what the file is."""

    RECEIVED = "received"
    CHECKING = "checking"
    CHECKED = "checked"
    IMPORTING = "importing"
    DONE = "done"
    CANCELLED = "cancelled"
    REFUSED = "refused"

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens, and the file is not needed any more."""
        return self in {ImportStatus.DONE, ImportStatus.CANCELLED, ImportStatus.REFUSED}

    @property
    def is_at_work(self) -> bool:
        """Whether a job reads the file."""
        return self in {ImportStatus.CHECKING, ImportStatus.IMPORTING}


class Import(Base):
    """A list of readers that an admin brings along, and how far it was read.

    `columns` says which place in a row each column has; `language`, `source` and `consented_at` hold for rows that say
    nothing of it. What is read is read up to `position` (octets) and `line`; `counts` and the first `report_bytes`
    octets of the report tell of that much, `shown` of the first bad rows: line, column and fault of each. Who works on
    it is `owner`, until `lease_until`. `reported_in` is the language of the report.
    """

    __tablename__ = "imports"
    __table_args__ = (sa.Index("ix_imports_created_at", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    newsletter_id: Mapped[int] = mapped_column(sa.ForeignKey("newsletters.id"))
    status: Mapped[ImportStatus] = mapped_column(enum_type(ImportStatus))
    name: Mapped[str] = mapped_column(sa.String(NAME_MAX))
    actor: Mapped[str] = mapped_column(sa.String(254))
    reported_in: Mapped[str] = mapped_column(sa.String(8))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    encoding: Mapped[str] = mapped_column(sa.String(12))
    delimiter: Mapped[str] = mapped_column(sa.String(1))
    header: Mapped[list[str]] = mapped_column(sa.JSON())
    columns: Mapped[dict[str, int]] = mapped_column(sa.JSON())
    language: Mapped[str] = mapped_column(sa.String(8))
    source: Mapped[str | None] = mapped_column(sa.String(SOURCE_MAX))
    consented_at: Mapped[datetime | None]
    position: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    line: Mapped[int] = mapped_column(default=0)
    report_bytes: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    counts: Mapped[dict[str, int]] = mapped_column(sa.JSON())
    shown: Mapped[list[list[str | int | None]]] = mapped_column(sa.JSON())
    owner: Mapped[str | None] = mapped_column(sa.String(40))
    lease_until: Mapped[datetime | None]

    @property
    def encoding_name(self) -> str:
        """What people call the encoding as which the file is read."""
        return "Windows-1252" if self.encoding == "cp1252" else "UTF-8"


class HeldAsking(Base):
    """That an admin has held readers of a newsletter asked, `per_day` of them; those until `asked_until` were.

    While there is no row, nobody is asked.
    """

    __tablename__ = "held_askings"

    newsletter_id: Mapped[int] = mapped_column(sa.ForeignKey("newsletters.id"), primary_key=True, autoincrement=False)
    per_day: Mapped[int]
    actor: Mapped[str] = mapped_column(sa.String(254))
    started_at: Mapped[datetime]
    asked_until: Mapped[datetime]
