"""Keep a log of what admins do, seal the ends of all chains each day, and order chains by their bytes."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
ACTS = (
    "sign-in", "sign-in-link", "sign-out", "password-changed", "language-changed", "admin-added", "admin-removed",
    "readers-listed", "reader-shown", "reader-exported", "readers-exported", "receipt-made",
    "readers-imported", "held-asked", "asking-stopped",
    "reader-added", "reader-corrected", "reader-restricted", "restriction-lifted", "reader-unsubscribed",
    "reader-erased", "address-suppressed", "suppression-lifted", "request-recorded", "request-answered",
    "edition-compiled", "edition-changed", "edition-tested", "edition-started", "edition-paused", "edition-resumed",
    "edition-cancelled", "edition-retried", "source-added", "source-changed", "source-removed", "article-added",
    "article-changed", "article-removed", "warm-up-started", "warm-up-stopped", "settings-changed",
    "wording-changed", "policy-changed", "log-purged",
)  # fmt: skip
RESULTS = ("ok", "failed", "throttled")
CHAINED = ("subscribers", "consent_events", "consent_stubs")


def byte_text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", BIG, nullable=False),
        sa.Column("day", byte_text(10), nullable=False),
        sa.Column("actor", byte_text(254), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("act", sa.Enum(*ACTS, name="auditact", native_enum=False, length=40), nullable=False),
        sa.Column("target", sa.String(length=200), nullable=True),
        sa.Column("result", sa.Enum(*RESULTS, name="auditresult", native_enum=False, length=20), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=True),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
        sa.UniqueConstraint("day", "actor", "seq", name=op.f("uq_audit_entries_day_actor_seq")),
    )
    op.create_index("ix_audit_entries_actor", "audit_entries", ["actor", "id"])
    op.create_index("ix_audit_entries_act", "audit_entries", ["act", "id"])
    op.create_table(
        "consent_seals",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("since", TIME, nullable=True),
        sa.Column("until", TIME, nullable=False),
        sa.Column("chains", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("audit_entries", sa.Integer(), nullable=False),
        sa.Column("ends_digest", sa.String(length=64), nullable=False),
        sa.Column("texts_digest", sa.String(length=64), nullable=False),
        sa.Column("audit_digest", sa.String(length=64), nullable=False),
        sa.Column("previous_digest", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("signature", sa.String(length=88), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_consent_seals")),
    )
    _order_chains("C")


def downgrade() -> None:
    _order_chains("default")
    op.drop_table("consent_seals")
    op.drop_table("audit_entries")


def _order_chains(collation: str) -> None:
    """Have PostgreSQL order chains by their bytes, as SQLite does: seals are made in that order, by an index."""
    if op.get_bind().dialect.name == "postgresql":
        for table in CHAINED:
            op.execute(f'ALTER TABLE {table} ALTER COLUMN chain_id TYPE varchar(22) COLLATE "{collation}"')
