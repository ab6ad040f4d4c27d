"""Keep how many readers asking for consent anew would concern, so that no page has to count them."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "renewal_prospects",
        sa.Column("newsletter_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("readers", sa.Integer(), nullable=False),
        sa.Column("wording_id", sa.Integer(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["newsletter_id"], ["newsletters.id"], name=op.f("fk_renewal_prospects_newsletter_id_newsletters")
        ),
        sa.PrimaryKeyConstraint("newsletter_id", name=op.f("pk_renewal_prospects")),
    )


def downgrade() -> None:
    op.drop_table("renewal_prospects")
