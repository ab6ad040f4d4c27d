"""Keep what refusals meant, what was done with editions, and which senders' route is down."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
MEANINGS = (
    "ACCEPTED", "UNCERTAIN", "NO_SUCH_ADDRESS", "BAD_ADDRESS", "MOVED", "NULL_MX", "UNSUPPORTED_ADDRESS",
    "MAILBOX_FULL", "MAILBOX_DISABLED", "MAILBOX_BUSY", "MAILBOX_UNAVAILABLE", "RATE", "CONNECTIONS", "PUT_OFF",
    "REPUTATION", "UNSOLICITED", "POLICY", "UNWANTED", "UNEXPLAINED", "BLOCKED", "UNAUTHENTICATED", "REVERSE_DNS",
    "TLS_WANTED", "SENDER_REFUSED", "SPAM", "FORBIDDEN", "MALFORMED", "TOO_LARGE", "CONTENT", "GREYLISTED",
    "TOO_MANY_RECIPIENTS", "UNREACHABLE", "TROUBLE", "USED_UP", "UNAVAILABLE", "NOT_LET_IN",
)  # fmt: skip
ACTS = ("paused", "resumed", "cancelled", "retried-uncertain", "retried-rejected")
REASONS = ("dead-addresses", "refusals", "too-large")


def upgrade() -> None:
    meaning = sa.Enum(*MEANINGS, name="meaning", native_enum=False, length=24)
    op.add_column("deliveries", sa.Column("meaning", meaning, nullable=True))
    # Of older replies the fault tells what they meant.
    op.execute(
        """
        UPDATE deliveries
        SET meaning = CASE
            WHEN state = 'uncertain' THEN 'UNCERTAIN'
            WHEN fault = 'address' THEN 'NO_SUCH_ADDRESS'
            WHEN fault = 'unsupported-address' THEN 'UNSUPPORTED_ADDRESS'
            WHEN fault = 'mailbox' THEN 'MAILBOX_UNAVAILABLE'
            WHEN fault = 'content' THEN 'CONTENT'
            WHEN fault = 'destination' THEN 'TROUBLE'
            WHEN fault = 'host' THEN 'UNAVAILABLE'
            WHEN fault = 'authentication' THEN 'NOT_LET_IN'
            ELSE 'UNEXPLAINED' END
        WHERE state IN ('rejected', 'deferred', 'uncertain', 'expired')
        """
    )
    op.create_table(
        "sender_states",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("next_try_at", TIME, nullable=False),
        sa.Column("code", sa.SmallInteger(), nullable=True),
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.Column("fault", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sender_states")),
    )
    op.create_table(
        "edition_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("act", sa.Enum(*ACTS, name="editionact", native_enum=False, length=20), nullable=False),
        sa.Column("actor", sa.String(length=254), nullable=True),
        sa.Column("reason", sa.Enum(*REASONS, name="pausereason", native_enum=False, length=20), nullable=True),
        sa.Column("copies", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_edition_events_edition_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition_events")),
    )
    op.create_index("ix_edition_events_edition_id", "edition_events", ["edition_id", "id"])


def downgrade() -> None:
    op.drop_table("edition_events")
    op.drop_table("sender_states")
    with op.batch_alter_table("deliveries") as deliveries:
        deliveries.drop_column("meaning")
