"""Let each newsletter have a sender and a reply address of its own, and freeze them with each edition."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

COLUMNS = [
    ("newsletters", "sender", 254),
    ("newsletters", "reply_to", 254),
    ("edition_contents", "from_name", 120),
    ("edition_contents", "from_address", 254),
    ("edition_contents", "reply_to", 254),
    ("baselines", "sender", 254),
]


def upgrade() -> None:
    for table, name, length in COLUMNS:
        op.add_column(table, sa.Column(name, sa.String(length=length), nullable=True))


def downgrade() -> None:
    for table, name, _ in reversed(COLUMNS):
        op.drop_column(table, name)
