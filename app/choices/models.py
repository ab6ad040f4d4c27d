"""Tables of choices: each distinct set is a row that all who made it share. Digests are made for sets, not for each."""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, enum_type


class Cadence(StrEnum):
    """How often digests come. In real time: flashes at once, and the rest daily."""

    REAL_TIME = "real-time"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Profile(Base):
    """What to read: languages beside that of the letters, and topics followed and muted, sorted.

    Who follows nothing in particular gets all but what they muted.
    """

    __tablename__ = "profiles"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    also_reads: Mapped[list[str]] = mapped_column(sa.JSON())
    followed: Mapped[list[str]] = mapped_column(sa.JSON())
    muted: Mapped[list[str]] = mapped_column(sa.JSON())


class Rhythm(Base):
    """When digests come, on the clocks of `timezone` (an IANA name): at `hour`, on a `day` of the week or month.

    Of the week, it counts from 0, Monday; of the month, from 1 to 28, since every month has these; else it is 0.
    """

    __tablename__ = "rhythms"
    __table_args__ = (sa.UniqueConstraint("cadence", "hour", "day", "timezone"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cadence: Mapped[Cadence] = mapped_column(enum_type(Cadence))
    hour: Mapped[int] = mapped_column(sa.SmallInteger)
    day: Mapped[int] = mapped_column(sa.SmallInteger)
    timezone: Mapped[str] = mapped_column(sa.String(60))
