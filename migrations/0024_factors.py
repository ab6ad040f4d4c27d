"""Keep second factors of admins, and of sessions what browser has them and when their admin last proved who they are."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create(
        "authenticators",
        sa.Column("locked_secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.UniqueConstraint("admin_id", name=op.f("uq_authenticators_admin_id")),
    )
    _create(
        "passkeys",
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    _create(
        "recovery_codes",
        sa.Column("code_sha256", sa.String(length=64), nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.UniqueConstraint("code_sha256", name=op.f("uq_recovery_codes_code_sha256")),
    )
    for table in ("passkeys", "recovery_codes"):
        op.create_index(op.f(f"ix_{table}_admin_id"), table, ["admin_id"])
    with op.batch_alter_table("admins") as table:
        table.add_column(sa.Column("seen_at", TIME, nullable=True))
    with op.batch_alter_table("admin_sessions") as table:
        table.add_column(sa.Column("proved_at", TIME, nullable=True))
        table.add_column(sa.Column("agent", sa.String(length=60), nullable=False, server_default=""))
        table.add_column(sa.Column("challenge", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("challenge_until", TIME, nullable=True))
    with op.batch_alter_table("admin_sessions") as table:
        table.alter_column("agent", server_default=None)
    op.execute("UPDATE admin_sessions SET proved_at = created_at")


def downgrade() -> None:
    op.execute("DELETE FROM admin_sessions WHERE proved_at IS NULL")
    with op.batch_alter_table("admin_sessions") as table:
        for column in ("challenge_until", "challenge", "agent", "proved_at"):
            table.drop_column(column)
    with op.batch_alter_table("admins") as table:
        table.drop_column("seen_at")
    for name in ("recovery_codes", "passkeys", "authenticators"):
        op.drop_table(name)


def _create(name: str, *columns: sa.Column[object] | sa.UniqueConstraint) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("admin_id", sa.Integer(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["admin_id"], ["admins.id"], name=op.f(f"fk_{name}_admin_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
