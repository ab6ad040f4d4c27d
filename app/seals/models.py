"""The table of seals."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class ConsentSeal(Base):
    """One day's seal: signed, append-only, holding the digest of the one before, and so of all that came before.

    It covers the events with `since` <= at < `until`; the first one has no `since` and covers all there was. `chains`
    of them came further in that time, by `events`. The parts of `digest` stand apart, to say what differs.
    """

    __tablename__ = "consent_seals"

    day: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    since: Mapped[datetime | None]
    until: Mapped[datetime]
    chains: Mapped[int]
    events: Mapped[int]
    audit_entries: Mapped[int]
    ends_digest: Mapped[str] = mapped_column(sa.String(64))
    texts_digest: Mapped[str] = mapped_column(sa.String(64))
    audit_digest: Mapped[str] = mapped_column(sa.String(64))
    previous_digest: Mapped[str] = mapped_column(sa.String(64))
    digest: Mapped[str] = mapped_column(sa.String(64))
    key_id: Mapped[str] = mapped_column(sa.String(16))
    signature: Mapped[str] = mapped_column(sa.String(88))
    made_at: Mapped[datetime]


def all_seals() -> Select[ConsentSeal]:
    """Select all seals, oldest first."""
    return select(ConsentSeal).order_by(ConsentSeal.day)


def newest_seal() -> Select[ConsentSeal]:
    """Select the newest seal."""
    return select(ConsentSeal).order_by(ConsentSeal.day.desc()).limit(1)
