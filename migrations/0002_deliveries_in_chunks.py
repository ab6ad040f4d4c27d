"""Gather deliveries in chunks, which carry what their copies share."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
STATES = ("queued", "sending", "accepted", "deferred", "rejected", "uncertain", "cancelled", "expired")
STATE = sa.Enum(*STATES, name="deliverystate", native_enum=False, length=12)


def upgrade() -> None:
    op.create_table(
        "chunks",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("newsletter_id", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("next_attempt_at", TIME, nullable=True),
        sa.Column("owner", sa.String(length=40), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_chunks_edition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chunks")),
        sa.UniqueConstraint("edition_id", "number", name=op.f("uq_chunks_edition_id_number")),
    )
    due, leased = (
        sa.text("lease_until IS NULL AND next_attempt_at IS NOT NULL"), sa.text("lease_until IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_chunks_due", "chunks", ["priority", "next_attempt_at", "id"], sqlite_where=due, postgresql_where=due
    )
    op.create_index("ix_chunks_leases", "chunks", ["lease_until"], sqlite_where=leased, postgresql_where=leased)
    _rename_old("deliveries_of_0001")
    op.create_table(
        "deliveries",
        sa.Column("id", BIG, nullable=False),
        sa.Column("chunk_id", BIG, nullable=False),
        sa.Column("subscriber_id", BIG, nullable=True),
        sa.Column("settled_at", TIME, nullable=True),
        sa.Column("next_attempt_at", TIME, nullable=True),
        sa.Column("edition_id", sa.Integer(), nullable=True),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("reply_code", sa.SmallInteger(), nullable=True),
        sa.Column("is_repeatable", sa.Boolean(), nullable=False),
        sa.Column("state", STATE, nullable=False),
        sa.Column("reply_text", sa.String(length=1000), nullable=True),
        sa.Column("fault", sa.String(length=24), nullable=True),
        sa.Column("address", sa.String(length=254), nullable=True),
        sa.Column("reference", sa.String(length=22), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_deliveries_subscriber_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("subscriber_id", "edition_id", name=op.f("uq_deliveries_subscriber_id_edition_id")),
        postgresql_with={"fillfactor": 40},
    )
    op.create_index("ix_deliveries_chunk", "deliveries", ["chunk_id"])
    # What was in hand may have left; a chunk for each row is valid, if not thrifty.
    op.execute("UPDATE deliveries_of_0001 SET state = 'uncertain' WHERE state = 'sending'")
    op.execute(
        """
        INSERT INTO chunks (id, kind, priority, edition_id, number, newsletter_id, language, created_at, next_attempt_at)
        SELECT id, kind, priority, edition_id, row_number() OVER (PARTITION BY edition_id ORDER BY id) - 1,
               newsletter_id, language, created_at,
               CASE WHEN state IN ('queued', 'deferred') OR (state = 'uncertain' AND is_repeatable)
                    THEN next_attempt_at END
        FROM deliveries_of_0001
        """
    )
    op.execute(
        """
        INSERT INTO deliveries (id, chunk_id, subscriber_id, settled_at, next_attempt_at, edition_id, attempt, reply_code,
                                is_repeatable, state, reply_text, fault, address, reference)
        SELECT id, id, subscriber_id, settled_at, next_attempt_at, edition_id, attempt, reply_code,
               is_repeatable, state, reply_text, fault, address, reference
        FROM deliveries_of_0001
        """
    )
    op.drop_table("deliveries_of_0001")
    _go_on_counting("chunks", "deliveries")


def downgrade() -> None:
    _rename_old("deliveries_of_0002")
    op.create_table(
        "deliveries",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=True),
        sa.Column("newsletter_id", sa.Integer(), nullable=True),
        sa.Column("subscriber_id", BIG, nullable=True),
        sa.Column("address", sa.String(length=254), nullable=True),
        sa.Column("reference", sa.String(length=22), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("state", STATE, nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("is_repeatable", sa.Boolean(), nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("reply_code", sa.SmallInteger(), nullable=True),
        sa.Column("reply_text", sa.String(length=1000), nullable=True),
        sa.Column("fault", sa.String(length=24), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("settled_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_deliveries_edition_id")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_deliveries_subscriber_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("edition_id", "subscriber_id", name=op.f("uq_deliveries_edition_id_subscriber_id")),
    )
    waiting, sending = sa.text("state IN ('queued', 'deferred', 'uncertain')"), sa.text("state = 'sending'")
    op.create_index(
        "ix_deliveries_waiting", "deliveries", ["priority", "id"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_index(
        "ix_deliveries_leases", "deliveries", ["lease_until"], sqlite_where=sending, postgresql_where=sending
    )
    op.create_index("ix_deliveries_subscriber", "deliveries", ["subscriber_id"])
    op.execute(
        """
        INSERT INTO deliveries (id, kind, priority, edition_id, newsletter_id, subscriber_id, address, reference, language,
                                state, attempt, is_repeatable, next_attempt_at, reply_code, reply_text, fault, created_at,
                                settled_at)
        SELECT old.id, kind, priority, old.edition_id, newsletter_id, subscriber_id, address, reference, language, state,
               attempt, is_repeatable, coalesce(old.next_attempt_at, created_at), reply_code, reply_text, fault,
               created_at, settled_at
        FROM deliveries_of_0002 AS old JOIN chunks ON chunks.id = old.chunk_id
        """
    )
    op.drop_table("deliveries_of_0002")
    op.drop_table("chunks")
    _go_on_counting("deliveries")


def _rename_old(name: str) -> None:
    """Set the old table aside, with its names, which PostgreSQL wants unique."""
    op.rename_table("deliveries", name)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX pk_deliveries RENAME TO pk_{name}")
        op.execute(f"ALTER SEQUENCE deliveries_id_seq RENAME TO {name}_id_seq")
    for index in sa.inspect(op.get_bind()).get_indexes(name):
        if not index.get("duplicates_constraint") and index["name"]:
            op.drop_index(index["name"], table_name=name)


def _go_on_counting(*tables: str) -> None:
    """Let PostgreSQL's sequences go on behind the copied ids."""
    if op.get_bind().dialect.name == "postgresql":
        for table in tables:
            op.execute(f"SELECT setval('{table}_id_seq', coalesce((SELECT max(id) FROM {table}), 0) + 1, false)")  # noqa: S608
