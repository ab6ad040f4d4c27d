"""Keep what comes back, and what an admin lifts."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
KINDS = ("hard", "soft", "complaint", "not-spam", "leave", "delivered", "sender-fault", "unknown")
STATES = ("waiting", "approved", "applied", "noted", "held", "discarded")
PARTIAL = {"ix_feedback_events_due": "state IN ('waiting', 'approved')", "ix_feedback_events_held": "state = 'held'"}
INDEXES = {
    "ix_feedback_events_due": ["id"],
    "ix_feedback_events_held": ["provider"],
    "ix_feedback_events_subscriber_id": ["subscriber_id", "id"],
    "ix_feedback_events_delivery_id": ["delivery_id"],
    "ix_feedback_events_spikes": ["provider", "kind", "at"],
    "ix_feedback_events_edition": ["edition_id", "kind"],
}


def upgrade() -> None:
    _create_events()
    op.create_table(
        "diagnostics",
        sa.Column("event_id", BIG, nullable=False),
        sa.Column("subscriber_id", BIG, nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["feedback_events.id"], name=op.f("fk_diagnostics_event_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_diagnostics_subscriber_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_diagnostics")),
    )
    op.create_index("ix_diagnostics_subscriber_id", "diagnostics", ["subscriber_id"])
    op.create_table(
        "unlinked_counts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.Enum(*KINDS, name="noticekind", native_enum=False, length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "source", "kind", name=op.f("pk_unlinked_counts")),
    )
    op.create_table(
        "replies",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("delivery_id", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
        sa.UniqueConstraint("public_id", name=op.f("uq_replies_public_id")),
        sa.UniqueConstraint("digest", name=op.f("uq_replies_digest")),
    )
    op.create_index("ix_replies_received_at", "replies", ["received_at"])
    with op.batch_alter_table("suppressions") as table:
        table.add_column(sa.Column("note", sa.String(length=200), nullable=True))
        table.add_column(sa.Column("lifted_at", TIME, nullable=True))
        table.add_column(sa.Column("lifted_by", sa.String(length=254), nullable=True))
        table.create_index("ix_suppressions_reason", ["reason", "id"])
    with op.batch_alter_table("warm_up_days") as table:
        table.add_column(sa.Column("complaints", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("warm_up_days") as table:
        table.alter_column("complaints", existing_type=sa.Integer(), server_default=None)


def _create_events() -> None:
    op.create_table(
        "feedback_events",
        sa.Column("id", BIG, nullable=False),
        sa.Column("source", sa.String(length=24), nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.Enum(*KINDS, name="noticekind", native_enum=False, length=20), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("delivery_id", BIG, nullable=False),
        sa.Column("subscriber_id", BIG, nullable=True),
        sa.Column("newsletter_id", sa.Integer(), nullable=True),
        sa.Column("edition_id", sa.Integer(), nullable=True),
        sa.Column("provider", sa.String(length=253), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("state", sa.Enum(*STATES, name="eventstate", native_enum=False, length=20), nullable=False),
        sa.Column("applied_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_feedback_events_subscriber_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback_events")),
        sa.UniqueConstraint("source", "event_id", name=op.f("uq_feedback_events_source_event_id")),
    )
    for name, columns in INDEXES.items():
        where = {
            f"{database}_where": sa.text(PARTIAL[name]) for database in ("sqlite", "postgresql") if name in PARTIAL
        }
        op.create_index(name, "feedback_events", columns, **where)


def downgrade() -> None:
    op.execute("UPDATE warm_up_days SET held = 'deferred' WHERE held = 'complaints'")
    op.execute("UPDATE edition_events SET reason = 'refusals' WHERE reason = 'complaints'")
    with op.batch_alter_table("warm_up_days") as table:
        table.drop_column("complaints")
    with op.batch_alter_table("suppressions") as table:
        table.drop_index("ix_suppressions_reason")
        for name in ("note", "lifted_at", "lifted_by"):
            table.drop_column(name)
    for name in ("replies", "unlinked_counts", "diagnostics", "feedback_events"):
        op.drop_table(name)
