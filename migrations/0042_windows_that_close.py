"""Let windows that were named by hand, and those without anything new, move no line on."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("compilations", sa.Column("closes", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE compilations SET closes = true WHERE edition_id IS NOT NULL")
    with op.batch_alter_table("compilations") as table:
        table.alter_column("closes", existing_type=sa.Boolean(), server_default=None)


def downgrade() -> None:
    op.drop_column("compilations", "closes")
