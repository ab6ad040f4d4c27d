"""Count what readers follow: totals of nobody, and readings of those who agreed to that."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("consent_wordings") as table:
        table.add_column(sa.Column("purpose", sa.String(length=20), nullable=False, server_default="newsletter"))
        for name in ("version", "sha256"):
            table.drop_constraint(op.f(f"uq_consent_wordings_language_{name}"), type_="unique")
            table.create_unique_constraint(
                op.f(f"uq_consent_wordings_purpose_language_{name}"), ["purpose", "language", name]
            )
    with op.batch_alter_table("consent_wordings") as table:
        table.alter_column("purpose", existing_type=sa.String(length=20), server_default=None)
    with op.batch_alter_table("subscriptions") as table:
        table.add_column(sa.Column("is_counted", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("subscriptions") as table:
        table.alter_column("is_counted", existing_type=sa.Boolean(), server_default=None)
    op.create_table(
        "click_totals",
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_click_totals_edition_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("edition_id", "place", name=op.f("pk_click_totals")),
    )
    op.create_table(
        "readings",
        sa.Column("subscription_id", BIG, autoincrement=False, nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("last_place", sa.SmallInteger(), nullable=True),
        sa.Column("last_click_at", TIME, nullable=True),
        sa.Column("is_machine", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_readings_edition_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_readings_subscription_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subscription_id", "edition_id", name=op.f("pk_readings")),
    )
    op.create_index("ix_readings_edition_id", "readings", ["edition_id"])


def downgrade() -> None:
    op.drop_table("readings")
    op.drop_table("click_totals")
    with op.batch_alter_table("subscriptions") as table:
        table.drop_column("is_counted")
    op.execute("DELETE FROM consent_wordings WHERE purpose <> 'newsletter'")
    with op.batch_alter_table("consent_wordings") as table:
        for name in ("version", "sha256"):
            table.drop_constraint(op.f(f"uq_consent_wordings_purpose_language_{name}"), type_="unique")
            table.create_unique_constraint(op.f(f"uq_consent_wordings_language_{name}"), ["language", name])
        table.drop_column("purpose")
