"""Find where each subscription came from, also those that a reader has beside their first one."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

COLUMNS = ["kind", "method", "subscription_id"]
IS_FIRST = sa.text("seq = 1")
IS_ORIGIN = sa.text("kind IN ('requested', 'imported')")


def upgrade() -> None:
    op.drop_index("ix_consent_events_first", table_name="consent_events")
    op.create_index(
        "ix_consent_events_origin", "consent_events", COLUMNS, sqlite_where=IS_ORIGIN, postgresql_where=IS_ORIGIN
    )


def downgrade() -> None:
    op.drop_index("ix_consent_events_origin", table_name="consent_events")
    op.create_index(
        "ix_consent_events_first", "consent_events", COLUMNS, sqlite_where=IS_FIRST, postgresql_where=IS_FIRST
    )
