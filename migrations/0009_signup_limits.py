"""Count sign-ups, so that the form can be used against nobody, and note what about it needs a look."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
KINDS = ("network", "official", "surge", "breaker")


def upgrade() -> None:
    op.create_table(
        "signup_counters",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("room", sa.Integer(), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_signup_counters")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "signup_hours",
        sa.Column("hour", TIME, nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("official", sa.Integer(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("hour", name=op.f("pk_signup_hours")),
    )
    op.create_table(
        "used_proofs",
        sa.Column("signature", sa.String(length=64), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("signature", name=op.f("pk_used_proofs")),
    )
    op.create_index(op.f("ix_used_proofs_expires_at"), "used_proofs", ["expires_at"])
    op.create_table(
        "alerts",
        sa.Column("hour", TIME, nullable=False),
        sa.Column("kind", sa.Enum(*KINDS, name="alertkind", native_enum=False, length=20), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("hour", "kind", name=op.f("pk_alerts")),
    )


def downgrade() -> None:
    op.drop_table("alerts")
    op.drop_table("used_proofs")
    op.drop_table("signup_hours")
    op.drop_table("signup_counters")
