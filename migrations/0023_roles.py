"""Give each admin a role; who is here already may do all, as before."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

ROLE = sa.Enum("viewer", "editor", "publisher", "admin", name="role", native_enum=False, length=20)


def upgrade() -> None:
    with op.batch_alter_table("admins") as table:
        table.add_column(sa.Column("role", ROLE, nullable=False, server_default="admin"))
    with op.batch_alter_table("admins") as table:
        table.alter_column("role", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("admins") as table:
        table.drop_column("role")
