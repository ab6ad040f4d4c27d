"""Keep what came of a renewal's questions, as it was counted last."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "renewal_counts",
        sa.Column("renewal_id", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(state, sa.Integer(), nullable=False) for state in ("open", "agreed", "lapsed", "void")),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["renewal_id"], ["renewals.id"], name=op.f("fk_renewal_counts_renewal_id_renewals"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("renewal_id", name=op.f("pk_renewal_counts")),
    )


def downgrade() -> None:
    op.drop_table("renewal_counts")
