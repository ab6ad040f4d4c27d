"""Let a newsletter whose sender is new warm up: its plan, and what each day let go."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
HELD = ("nothing", "little", "deferred")


def upgrade() -> None:
    op.create_table(
        "warm_ups",
        sa.Column("newsletter_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("audience", sa.Integer(), nullable=False),
        sa.Column("largest_provider", sa.Integer(), nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("newsletter_id", name=op.f("pk_warm_ups")),
    )
    op.create_table(
        "warm_up_days",
        sa.Column("newsletter_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("doublings", sa.SmallInteger(), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=False),
        sa.Column("deferred", sa.Integer(), nullable=False),
        sa.Column("held", sa.Enum(*HELD, name="held", native_enum=False, length=12), nullable=True),
        sa.PrimaryKeyConstraint("newsletter_id", "day", name=op.f("pk_warm_up_days")),
    )
    op.create_table(
        "warm_up_shares",
        sa.Column("newsletter_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("provider", sa.String(length=253), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("newsletter_id", "day", "provider", name=op.f("pk_warm_up_shares")),
    )


def downgrade() -> None:
    op.drop_table("warm_up_shares")
    op.drop_table("warm_up_days")
    op.drop_table("warm_ups")
