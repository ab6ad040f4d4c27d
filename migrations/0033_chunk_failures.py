"""Tell of each chunk in which states of failure its copies were, so that they are found without reading all others."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

HAS_FAILED = sa.text("failures > 0")


def upgrade() -> None:
    # Nobody looked through the copies there are: they may have failed in any way.
    op.add_column("chunks", sa.Column("failures", sa.SmallInteger(), nullable=False, server_default="15"))
    op.create_index(
        "ix_chunks_failures",
        "chunks",
        ["edition_id", "number"],
        sqlite_where=HAS_FAILED,
        postgresql_where=HAS_FAILED,
    )


def downgrade() -> None:
    op.drop_index("ix_chunks_failures", table_name="chunks")
    op.drop_column("chunks", "failures")
