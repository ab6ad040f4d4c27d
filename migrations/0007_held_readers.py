"""Hold readers who come without proof of consent, and ask them slowly when an admin says so."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "held_askings",
        sa.Column("newsletter_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("per_day", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("asked_until", TIME, nullable=False),
        sa.ForeignKeyConstraint(["newsletter_id"], ["newsletters.id"], name=op.f("fk_held_askings_newsletter_id")),
        sa.PrimaryKeyConstraint("newsletter_id", name=op.f("pk_held_askings")),
    )
    held = sa.text("status = 'held'")
    op.create_index(
        "ix_subscriptions_held", "subscriptions", ["newsletter_id", "id"], sqlite_where=held, postgresql_where=held
    )


def downgrade() -> None:
    op.drop_index("ix_subscriptions_held", table_name="subscriptions")
    op.execute("DELETE FROM subscriptions WHERE status = 'held'")
    op.drop_table("held_askings")
