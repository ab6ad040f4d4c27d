"""Bring lists of readers along in the background; find readers by filters and by how their address begins."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
STATES = ("received", "checking", "checked", "importing", "done", "cancelled", "refused")
IS_FIRST = sa.text("seq = 1")
IS_RESTRICTED = sa.text("restricted_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("newsletter_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.Enum(*STATES, name="importstatus", native_enum=False, length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("reported_in", sa.String(length=8), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("encoding", sa.String(length=12), nullable=False),
        sa.Column("delimiter", sa.String(length=1), nullable=False),
        sa.Column("header", sa.JSON(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=True),
        sa.Column("consented_at", TIME, nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("report_bytes", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("shown", sa.JSON(), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.ForeignKeyConstraint(["newsletter_id"], ["newsletters.id"], name=op.f("fk_imports_newsletter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index("ix_imports_created_at", "imports", ["created_at"])
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filters")),
        sa.UniqueConstraint("name", name=op.f("uq_saved_filters_name")),
    )
    op.create_index("ix_subscriptions_status", "subscriptions", ["status", "id"])
    op.create_index(
        "ix_subscribers_restricted_at", "subscribers", ["restricted_at"], sqlite_where=IS_RESTRICTED,
        postgresql_where=IS_RESTRICTED,
    )  # fmt: skip
    op.create_index(
        "ix_consent_events_first", "consent_events", ["kind", "method", "subscription_id"], sqlite_where=IS_FIRST,
        postgresql_where=IS_FIRST,
    )  # fmt: skip
    _order_addresses("C")


def downgrade() -> None:
    _order_addresses("default")
    op.drop_index("ix_consent_events_first", table_name="consent_events")
    op.drop_index("ix_subscribers_restricted_at", table_name="subscribers")
    op.drop_index("ix_subscriptions_status", table_name="subscriptions")
    op.drop_table("saved_filters")
    op.drop_table("imports")


def _order_addresses(collation: str) -> None:
    """Let PostgreSQL order addresses as SQLite does, by their bytes: what begins alike then stands together."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(f'ALTER TABLE subscribers ALTER COLUMN email_key TYPE varchar(254) COLLATE "{collation}"')
