"""Know what somebody changed or wrote, so that the settings leave it alone; count who agreed to which text."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    for table in ("newsletters", "schedules"):
        op.add_column(table, sa.Column("changed_at", TIME, nullable=True))
    for table in ("consent_wordings", "privacy_policies"):
        op.add_column(table, sa.Column("written_by", sa.String(length=254), nullable=True))
    op.create_table(
        "agreements",
        sa.Column("text", sa.Enum("wording", "policy", name="showntext", native_enum=False, length=20), nullable=False),
        sa.Column("text_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("text", "text_id", name=op.f("pk_agreements")),
    )


def downgrade() -> None:
    op.drop_table("agreements")
    op.execute("DELETE FROM readership_cursors WHERE id = 2")
    for table in ("newsletters", "schedules"):
        with op.batch_alter_table(table) as altered:
            altered.drop_column("changed_at")
    for table in ("consent_wordings", "privacy_policies"):
        with op.batch_alter_table(table) as altered:
            altered.drop_column("written_by")
