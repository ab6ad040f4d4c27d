"""Let the letters that were made for readers' choices go after a while; find editions without walking over variants."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

WHOLE = sa.text("variant_of IS NULL")
UNDER_WAY = sa.text("variant_of IS NULL AND status IN ('draft', 'sending', 'paused')")
EXTRA = sa.text("kind <> 'number'")
VARIANT = sa.text("variant_id IS NOT NULL")
UNFILED = sa.text("status = 'sent' AND filed_at IS NULL AND variant_of IS NULL")
UNCLEARED = sa.text("schedule_id IS NOT NULL AND cleared_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("editions") as table:
        table.add_column(sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_editions_uncleared", "editions", ["finished_at"], sqlite_where=UNCLEARED, postgresql_where=UNCLEARED
    )
    line = ["newsletter_id", "language", "schedule_id"]
    op.create_index("ix_editions_line", "editions", line, sqlite_where=WHOLE, postgresql_where=WHOLE)
    op.create_index("ix_editions_whole", "editions", ["language", "id"], sqlite_where=WHOLE, postgresql_where=WHOLE)
    under_way = ["status", "id"]
    op.create_index("ix_editions_under_way", "editions", under_way, sqlite_where=UNDER_WAY, postgresql_where=UNDER_WAY)
    op.create_index(
        "ix_editions_extras", "editions", ["kind", "started_at"], sqlite_where=EXTRA, postgresql_where=EXTRA
    )
    op.drop_index("ix_editions_unfiled", "editions")
    # By their status first, though it is the same of all, as above: else SQLite takes an index that holds far more.
    op.create_index("ix_editions_unfiled", "editions", ["status", "id"], sqlite_where=UNFILED, postgresql_where=UNFILED)
    op.drop_index("ix_editions_kind", "editions")
    op.drop_index("ix_editions_newsletter", "editions")
    op.drop_index("ix_chunks_variant_id", "chunks")


def downgrade() -> None:
    op.create_index("ix_chunks_variant_id", "chunks", ["variant_id"], sqlite_where=VARIANT, postgresql_where=VARIANT)
    op.create_index("ix_editions_newsletter", "editions", ["newsletter_id", "language", "status"])
    op.create_index("ix_editions_kind", "editions", ["kind", "started_at"])
    op.drop_index("ix_editions_unfiled", "editions")
    op.create_index("ix_editions_unfiled", "editions", ["id"], sqlite_where=UNFILED, postgresql_where=UNFILED)
    for name in ("extras", "under_way", "whole", "line", "uncleared"):
        op.drop_index(f"ix_editions_{name}", "editions")
    with op.batch_alter_table("editions") as table:
        table.drop_column("cleared_at")
