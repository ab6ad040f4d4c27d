"""Let the letters that were made for readers' choices go after a while: when that was, and which are due."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0023"
branch_labels = None
depends_on = None

UNCLEARED = sa.text("schedule_id IS NOT NULL AND cleared_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("editions") as table:
        table.add_column(sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_editions_uncleared", "editions", ["finished_at"], sqlite_where=UNCLEARED, postgresql_where=UNCLEARED
    )


def downgrade() -> None:
    op.drop_index("ix_editions_uncleared", "editions")
    with op.batch_alter_table("editions") as table:
        table.drop_column("cleared_at")
