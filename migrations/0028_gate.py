"""Keep what the gate finds, who lets an edition pass all the same, and who else agrees to it."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
UNDER_WAY = "variant_of IS NULL AND status IN ('draft', {}'sending', 'paused')"
OPEN = sa.text("state IN ('asked', 'approved')")


def edition_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["edition_id"], ["editions.id"], name=op.f(f"fk_{table}_edition_id"), ondelete="CASCADE"
    )


def index_under_way(*more: str) -> None:
    where = sa.text(UNDER_WAY.format("".join(f"'{status}', " for status in more)))
    op.create_index("ix_editions_under_way", "editions", ["status", "id"], sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    op.drop_index("ix_editions_under_way", "editions")
    index_under_way("scheduled")
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("asked_by", sa.String(length=254), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("answered_by", sa.String(length=254), nullable=True),
        sa.Column("answered_at", TIME, nullable=True),
        sa.Column("answer_note", sa.String(length=500), nullable=False),
        sa.Column("starts_at", TIME, nullable=True),
        edition_key("approvals"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index("ix_approvals_edition_id", "approvals", ["edition_id", "id"])
    op.create_index(
        "ix_approvals_open", "approvals", ["edition_id"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_table(
        "overrides",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("by", sa.String(length=254), nullable=False),
        sa.Column("at", TIME, nullable=False),
        edition_key("overrides"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overrides")),
    )
    op.create_index("ix_overrides_edition_id", "overrides", ["edition_id", "fingerprint"])
    op.create_table(
        "baselines",
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("readers", sa.Integer(), nullable=False),
        sa.Column("sender_domain", sa.String(length=254), nullable=False),
        sa.Column("keys", sa.String(length=64), nullable=False),
        sa.Column("public_url", sa.String(length=500), nullable=False),
        edition_key("baselines"),
        sa.PrimaryKeyConstraint("edition_id", name=op.f("pk_baselines")),
    )
    op.create_table(
        "holds",
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("looked_at", TIME, nullable=False),
        edition_key("holds"),
        sa.PrimaryKeyConstraint("edition_id", name=op.f("pk_holds")),
    )
    op.create_table(
        "probes",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=254), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_probes")),
    )
    op.create_index("ix_probes_at", "probes", ["at"])
    op.create_index("ix_audit_entries_target", "audit_entries", ["target", "id"])
    with op.batch_alter_table("edition_events") as table:
        table.add_column(sa.Column("note", sa.String(length=500), nullable=True))
    with op.batch_alter_table("newsletters") as table:
        table.add_column(sa.Column("needs_approval", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("newsletters") as table:
        table.alter_column("needs_approval", server_default=None)


def downgrade() -> None:
    op.drop_index("ix_editions_under_way", "editions")
    index_under_way()
    with op.batch_alter_table("newsletters") as table:
        table.drop_column("needs_approval")
    with op.batch_alter_table("edition_events") as table:
        table.drop_column("note")
    op.drop_index("ix_audit_entries_target", "audit_entries")
    for table in ("probes", "holds", "baselines", "overrides", "approvals"):
        op.drop_table(table)
