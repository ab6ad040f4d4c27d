"""Tables of what the desk keeps about readers as a whole: saved filters, how many came and went by day, and how many
agreed to which text."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, BigId, enum_type

#: Characters.
NAME_MAX = 60


class SavedFilter(Base):
    """Which readers the desk likes to list, by a name. `query` is `ReaderFilter.as_query`: no address is in it."""

    __tablename__ = "saved_filters"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(NAME_MAX), unique=True)
    query: Mapped[dict[str, str]] = mapped_column(sa.JSON())
    created_at: Mapped[datetime]


class ReadershipDay(Base):
    """Readers that a newsletter won and lost on one day of the newsroom's, in one language.

    `moved` is how many changed to this language, less those who changed to another: of one day they are 0 together.
    """

    __tablename__ = "readership_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    newsletter_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    language: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    joined: Mapped[int] = mapped_column(default=0)
    left: Mapped[int] = mapped_column(default=0)
    moved: Mapped[int] = mapped_column(default=0)


class ReadershipCursor(Base):
    """Up to which event of the ledger something is counted: a row for the days, and one for the agreements."""

    __tablename__ = "readership_cursors"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(BigId, default=0)
    counted_at: Mapped[datetime | None]


class ShownText(StrEnum):
    """What kind of text readers agree to."""

    WORDING = "wording"
    POLICY = "policy"


class Agreement(Base):
    """How often readers agreed to a wording, or with a policy in view, as far as the ledger is counted."""

    __tablename__ = "agreements"

    text: Mapped[ShownText] = mapped_column(enum_type(ShownText), primary_key=True)
    text_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(default=0)
