"""Tell of each chunk how many copies it was made for: where they are small, more of them are claimed at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What is queued already counts as full. Only what is claimed later is weighed by it.
    op.add_column("chunks", sa.Column("copies", sa.SmallInteger(), nullable=False, server_default="500"))


def downgrade() -> None:
    op.drop_column("chunks", "copies")
