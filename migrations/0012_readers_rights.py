"""Data links, changes of address, and the log of what readers ask for by letter."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
OPEN = sa.text("answered_at IS NULL")
NAMED = sa.text("data_id IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("subscribers") as table:
        table.add_column(sa.Column("data_id", sa.String(length=22), nullable=True))
    op.create_index(
        "ix_subscribers_data_id", "subscribers", ["data_id"], unique=True, sqlite_where=NAMED, postgresql_where=NAMED
    )
    op.create_table(
        "address_changes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("subscriber_id", BIG, nullable=False),
        *(sa.Column(name, sa.String(length=254), nullable=False) for name in ("email", "email_ascii", "email_key")),
        *(
            sa.Column(f"former_{name}", sa.String(length=254), nullable=False)
            for name in ("email", "email_ascii", "email_key")
        ),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_address_changes_subscriber_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_changes")),
        sa.UniqueConstraint("public_id", name=op.f("uq_address_changes_public_id")),
    )
    op.create_index("ix_address_changes_subscriber_id", "address_changes", ["subscriber_id"])
    op.create_index("ix_address_changes_requested_at", "address_changes", ["requested_at"])
    op.create_table(
        "rights_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subscriber_id", BIG, nullable=True),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("extended_at", TIME, nullable=True),
        sa.Column("answered_at", TIME, nullable=True),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_rights_requests_subscriber_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights_requests")),
    )
    op.create_index("ix_rights_requests_subscriber_id", "rights_requests", ["subscriber_id"])
    op.create_index("ix_rights_requests_open", "rights_requests", ["due_on"], sqlite_where=OPEN, postgresql_where=OPEN)


def downgrade() -> None:
    op.drop_table("rights_requests")
    op.drop_table("address_changes")
    op.drop_index("ix_subscribers_data_id", table_name="subscribers")
    with op.batch_alter_table("subscribers") as table:
        table.drop_column("data_id")
