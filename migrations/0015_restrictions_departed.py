"""Write restrictions down outside the database, as departures are."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("departures", sa.Column("is_restricted", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("departures", "is_restricted")
