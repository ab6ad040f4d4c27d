"""Keep figures instead of counting everything: readers by day, copies by edition; keep the last run of each job."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "readership_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("newsletter_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("joined", sa.Integer(), nullable=False),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "newsletter_id", "language", name=op.f("pk_readership_days")),
    )
    op.create_table(
        "readership_cursors",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("counted_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_readership_cursors")),
    )
    op.create_table(
        "edition_counts",
        sa.Column("edition_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("uncertain", sa.Integer(), nullable=False),
        sa.Column("for_our_fault", sa.Integer(), nullable=False),
        sa.Column("counted_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_edition_counts_edition_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("edition_id", name=op.f("pk_edition_counts")),
    )
    op.create_table(
        "job_runs",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum("runs", "done", "failed", name="runoutcome", native_enum=False, length=20),
            nullable=True,
        ),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", TIME, nullable=True),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.Column("asked_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_runs")),
    )


def downgrade() -> None:
    for table in ("job_runs", "edition_counts", "readership_cursors", "readership_days"):
        op.drop_table(table)
