"""Tables of admins and their sessions. Secrets are stored as SHA-256 only, passwords as argon2id."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base


class Admin(Base):
    """One person of the desk; without a password, only one-time links let them in."""

    __tablename__ = "admins"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(254))
    email_key: Mapped[str] = mapped_column(sa.String(254), unique=True)
    language: Mapped[str] = mapped_column(sa.String(8))
    password_hash: Mapped[str | None] = mapped_column(sa.String(200))
    created_at: Mapped[datetime]


class AdminSession(Base):
    """A signed-in browser; ended on the server, by sign-out, idleness or age."""

    __tablename__ = "admin_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    admin_id: Mapped[int] = mapped_column(sa.ForeignKey("admins.id", ondelete="CASCADE"), index=True)
    secret_sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    admin: Mapped[Admin] = relationship(lazy="joined")


class SigninLink(Base):
    """A one-time sign-in link."""

    __tablename__ = "signin_links"

    id: Mapped[int] = mapped_column(primary_key=True)
    admin_id: Mapped[int] = mapped_column(sa.ForeignKey("admins.id", ondelete="CASCADE"))
    secret_sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    admin: Mapped[Admin] = relationship(lazy="joined")


class SigninFailures(Base):
    """Failures of one account or network address, by keyed hash, and until when it must wait."""

    __tablename__ = "signin_failures"

    key_hmac: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]
    blocked_until: Mapped[datetime | None]
