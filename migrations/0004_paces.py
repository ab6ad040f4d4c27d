"""Remember how fast letters may go to a domain."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "paces",
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("per_minute", sa.Double(), nullable=True),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("filled_at", TIME, nullable=False),
        sa.Column("booked_until", TIME, nullable=True),
        sa.Column("clean", sa.SmallInteger(), nullable=False),
        sa.Column("refusals_in_a_row", sa.SmallInteger(), nullable=False),
        sa.Column("slowed_at", TIME, nullable=True),
        sa.Column("breaker_until", TIME, nullable=True),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_paces")),
    )


def downgrade() -> None:
    op.drop_table("paces")
