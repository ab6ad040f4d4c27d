"""Count editions' copies by provider, and by time, as they are settled."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

STANDINGS = ("waiting", "deferred", "accepted", "rejected", "uncertain", "given_up")


def upgrade() -> None:
    op.create_table(
        "provider_outcomes",
        sa.Column("edition_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("provider", sa.String(length=253), nullable=False),
        sa.Column("sender", sa.String(length=40), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in STANDINGS),
        sa.PrimaryKeyConstraint("edition_id", "provider", "sender", name=op.f("pk_provider_outcomes")),
    )
    op.create_table(
        "pulses",
        sa.Column("edition_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sender", sa.String(length=40), nullable=False),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("edition_id", "at", "sender", name=op.f("pk_pulses")),
    )


def downgrade() -> None:
    op.drop_table("pulses")
    op.drop_table("provider_outcomes")
