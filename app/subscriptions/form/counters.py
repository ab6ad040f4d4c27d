"""Tables of the form's limits. None names a reader: keys are HMACs, and what counts hours counts nothing else."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, enum_type


class SignupCounter(Base):
    """How many sign-ups a network, mailbox or domain has left until a time.

    `name` is an HMAC of which one, and the window: those of one stand together, and cost one page. A network's HMAC is
    made with a secret that changes daily, so that its rows cannot be joined over days.
    """

    __tablename__ = "signup_counters"
    __table_args__ = ({"sqlite_with_rowid": False},)

    name: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    room: Mapped[int]
    until: Mapped[datetime]


class SignupHour(Base):
    """The letters that an hour's sign-ups brought, those of them to official addresses, and the breaker's threshold."""

    __tablename__ = "signup_hours"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    letters: Mapped[int]
    official: Mapped[int]
    threshold: Mapped[int | None]


class UsedProof(Base):
    """A proof of work that was taken, kept until it would expire anyway: none counts twice."""

    __tablename__ = "used_proofs"

    signature: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AlertKind(StrEnum):
    """What about the form needs a look."""

    NETWORK = "network"
    OFFICIAL = "official"
    SURGE = "surge"
    BREAKER = "breaker"


class Alert(Base):
    """Something about the form that needs a look: of each kind one an hour, without anybody's data."""

    __tablename__ = "alerts"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    kind: Mapped[AlertKind] = mapped_column(enum_type(AlertKind), primary_key=True)
    at: Mapped[datetime]
