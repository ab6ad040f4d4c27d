"""Tables of admins, their second factors, their sessions and their acts.

Secrets are stored as SHA-256 only, passwords as argon2id; what an authenticator shares with us, encrypted.
"""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from app.db import Base, BigId, byte_text, enum_type


class Role(StrEnum):
    """What an admin may do at the desk; each role may do what those before it may."""

    VIEWER = "viewer"
    EDITOR = "editor"
    PUBLISHER = "publisher"
    ADMIN = "admin"

    @property
    def and_above(self) -> tuple["Role", ...]:
        """This role and those that may do more, the least first."""
        return tuple(Role)[tuple(Role).index(self) :]

    def may_act_as(self, needed: "Role") -> bool:
        """Say whether this role is `needed` or one above it."""
        return self in needed.and_above


class AuditAct(StrEnum):
    """What an audit entry records. The desk's words for them are in `templates/admin/_acts.html`."""

    SIGN_IN = "sign-in"
    SIGN_IN_LINK = "sign-in-link"
    LINK_MAILED = "link-mailed"
    FIRST_STEP = "first-step"
    SECOND_STEP = "second-step"
    PROVED_AGAIN = "proved-again"
    SIGN_OUT = "sign-out"
    SESSIONS_ENDED = "sessions-ended"
    FACTOR_ADDED = "factor-added"
    FACTOR_REMOVED = "factor-removed"
    FACTORS_RESET = "factors-reset"
    CODES_MADE = "codes-made"
    CODES_TAKEN = "codes-taken"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - the name of an act
    LANGUAGE_CHANGED = "language-changed"
    ADMIN_ADDED = "admin-added"
    ADMIN_INVITED = "admin-invited"
    ADMIN_REMOVED = "admin-removed"
    ROLE_CHANGED = "role-changed"
    ACCESS_REFUSED = "access-refused"

    READERS_LISTED = "readers-listed"
    READER_SHOWN = "reader-shown"
    READER_EXPORTED = "reader-exported"
    RECEIPT_MADE = "receipt-made"
    LIST_RECEIVED = "list-received"
    LIST_CHECKED = "list-checked"
    IMPORT_STARTED = "import-started"
    IMPORT_CANCELLED = "import-cancelled"
    IMPORT_REPORTED = "import-reported"
    READERS_IMPORTED = "readers-imported"
    READERS_EXPORTED = "readers-exported"
    FILTER_SAVED = "filter-saved"
    FILTER_DROPPED = "filter-dropped"
    HELD_ASKED = "held-asked"
    ASKING_STOPPED = "asking-stopped"
    READER_ADDED = "reader-added"
    READER_CORRECTED = "reader-corrected"
    READER_RESTRICTED = "reader-restricted"
    RESTRICTION_LIFTED = "restriction-lifted"
    READER_OBJECTED = "reader-objected"
    READER_ERASED = "reader-erased"
    ADDRESS_SUPPRESSED = "address-suppressed"
    SUPPRESSION_LIFTED = "suppression-lifted"
    SPIKE_APPLIED = "spike-applied"
    SPIKE_DISCARDED = "spike-discarded"
    REQUEST_RECORDED = "request-recorded"
    REQUEST_EXTENDED = "request-extended"
    REQUEST_ANSWERED = "request-answered"

    EDITION_COMPILED = "edition-compiled"
    EDITION_CHANGED = "edition-changed"
    EDITION_COMMENTED = "edition-commented"
    COMMENT_RESOLVED = "comment-resolved"
    EDITION_TESTED = "edition-tested"
    EDITION_OVERRIDDEN = "edition-overridden"
    EDITION_PROBED = "edition-probed"
    APPROVAL_ASKED = "approval-asked"
    APPROVAL_GIVEN = "approval-given"
    APPROVAL_DECLINED = "approval-declined"
    APPROVAL_WITHDRAWN = "approval-withdrawn"
    EDITION_STOPPED = "edition-stopped"
    APPROVAL_NEEDED = "approval-needed"
    EDITION_STARTED = "edition-started"
    EDITION_PAUSED = "edition-paused"
    EDITION_RESUMED = "edition-resumed"
    EDITION_CANCELLED = "edition-cancelled"
    EDITION_RETRIED = "edition-retried"

    SOURCE_ADDED = "source-added"
    SOURCE_CHANGED = "source-changed"
    SOURCE_STOPPED = "source-stopped"
    SOURCE_RESUMED = "source-resumed"
    SOURCE_REMOVED = "source-removed"
    FLOOD_PASSED = "flood-passed"
    FLOOD_REFUSED = "flood-refused"
    STORY_PINNED = "story-pinned"
    STORY_UNPINNED = "story-unpinned"
    STORY_MUTED = "story-muted"
    STORY_UNMUTED = "story-unmuted"
    STORIES_MERGED = "stories-merged"
    STORY_SPLIT = "story-split"
    STORY_ACT_UNDONE = "story-act-undone"
    ARTICLE_ADDED = "article-added"
    ARTICLE_REVISED = "article-revised"
    TOPIC_ADDED = "topic-added"
    TOPIC_REMOVED = "topic-removed"
    TOPIC_LEFT_TO_RULES = "topic-left-to-rules"
    ARTICLE_EMBARGOED = "article-embargoed"
    EMBARGO_ENDED = "embargo-ended"
    ARTICLE_FLASHED = "article-flashed"
    ARTICLE_CORRECTED = "article-corrected"
    EXTRA_HELD = "extra-held"
    EXTRA_DROPPED = "extra-dropped"

    NEWSLETTER_ADDED = "newsletter-added"
    NEWSLETTER_CLOSED = "newsletter-closed"
    NEWSLETTER_OPENED = "newsletter-opened"
    NEWSLETTER_CHANGED = "newsletter-changed"
    SCHEDULE_ADDED = "schedule-added"
    SCHEDULE_CHANGED = "schedule-changed"
    SCHEDULE_STOPPED = "schedule-stopped"
    SCHEDULE_RESUMED = "schedule-resumed"
    RENEWAL_STARTED = "renewal-started"
    RENEWAL_STOPPED = "renewal-stopped"
    TEMPLATE_SAVED = "template-saved"
    TEMPLATE_CHOSEN = "template-chosen"
    WARM_UP_STARTED = "warm-up-started"
    WARM_UP_STOPPED = "warm-up-stopped"
    WORDING_CHANGED = "wording-changed"
    POLICY_CHANGED = "policy-changed"
    LOG_PURGED = "log-purged"
    JOB_ASKED = "job-asked"


class AuditResult(StrEnum):
    """How an act came out."""

    OK = "ok"
    FAILED = "failed"
    THROTTLED = "throttled"


class Authenticator(Base):
    """An app that shows an admin codes (RFC 6238). `last_step` is that of the last code taken: none is taken twice."""

    __tablename__ = "authenticators"

    id: Mapped[int] = mapped_column(primary_key=True)
    admin_id: Mapped[int] = mapped_column(sa.ForeignKey("admins.id", ondelete="CASCADE"), unique=True)
    locked_secret: Mapped[bytes]
    last_step: Mapped[int] = mapped_column(sa.BigInteger)
    created_at: Mapped[datetime]


class Passkey(Base):
    """A key pair on an admin's device (W3C Web Authentication); we hold the public half."""

    __tablename__ = "passkeys"

    id: Mapped[int] = mapped_column(primary_key=True)
    admin_id: Mapped[int] = mapped_column(sa.ForeignKey("admins.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(sa.BigInteger)
    name: Mapped[str] = mapped_column(sa.String(60))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """Stands in, once, for a second factor that is lost."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    admin_id: Mapped[int] = mapped_column(sa.ForeignKey("admins.id", ondelete="CASCADE"), index=True)
    code_sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    used_at: Mapped[datetime | None]


class Admin(Base):
    """One person of the desk; without a password, only one-time links let them in.

    `has_factor`: they have an authenticator or a passkey, and a password or link alone does not let them in.
    """

    __tablename__ = "admins"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(254))
    email_key: Mapped[str] = mapped_column(sa.String(254), unique=True)
    language: Mapped[str] = mapped_column(sa.String(8))
    role: Mapped[Role] = mapped_column(enum_type(Role))
    password_hash: Mapped[str | None] = mapped_column(sa.String(200))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    has_factor: Mapped[bool] = column_property(
        sa.or_(sa.exists().where(Authenticator.admin_id == id), sa.exists().where(Passkey.admin_id == id))
    )


class AdminSession(Base):
    """A browser in which somebody signed in; ended on the server, by sign-out, idleness or age.

    `proved_at` is when they last showed who they are; without it the session awaits their second factor, and opens
    nothing. `agent` names the browser. `challenge` is what a passkey has to sign, once, until `challenge_until`.
    """

    __tablename__ = "admin_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    admin_id: Mapped[int] = mapped_column(sa.ForeignKey("admins.id", ondelete="CASCADE"), index=True)
    secret_sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    proved_at: Mapped[datetime | None]
    agent: Mapped[str] = mapped_column(sa.String(60))
    challenge: Mapped[bytes | None]
    challenge_until: Mapped[datetime | None]

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


class AuditEntry(Base):
    """Append-only: one act of an admin, or somebody's try to become one. Never updated.

    The entries of one actor on one day (UTC) are a chain, like a reader's consent events: `seq` counts them from 1 and
    `previous_hash` is the `hash` of the one before ("" of the first). Only `app.admins.audit` writes here.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        sa.UniqueConstraint("day", "actor", "seq"),
        sa.Index("ix_audit_entries_actor", "actor", "id"),
        sa.Index("ix_audit_entries_act", "act", "id"),
        sa.Index("ix_audit_entries_target", "target", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    day: Mapped[str] = mapped_column(byte_text(10))
    actor: Mapped[str] = mapped_column(byte_text(254))
    seq: Mapped[int]
    at: Mapped[datetime]
    act: Mapped[AuditAct] = mapped_column(enum_type(AuditAct, length=40))
    target: Mapped[str | None] = mapped_column(sa.String(200))
    result: Mapped[AuditResult] = mapped_column(enum_type(AuditResult))
    detail: Mapped[str | None] = mapped_column(sa.String(500))
    previous_hash: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))
