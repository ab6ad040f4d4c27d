"""Keep of each edition's copies how many there are for which reason, so that no page has to count them."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # All are counted anew: those that have ended, some at a time.
    op.execute("DELETE FROM edition_counts")
    op.add_column("edition_counts", sa.Column("groups", sa.Text(), nullable=False))


def downgrade() -> None:
    op.drop_column("edition_counts", "groups")
