"""Know more of articles: embargo, floods, revisions, full texts."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
REASONS = ("new-ids", "archive", "surge")
STATES = ("held", "passed", "refused")
INDEXED = ("embargo_until", "flood_id", "page_due_at")


def new_columns() -> list[sa.Column]:
    return [
        sa.Column("canonical_link", sa.String(length=2000), nullable=True),
        sa.Column("authors", sa.String(length=300), nullable=False, server_default=""),
        sa.Column("reading_minutes", sa.Integer(), nullable=True),
        sa.Column("embargo_until", TIME, nullable=True),
        sa.Column("flood_id", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("text_hash", sa.String(length=64), nullable=True),
        sa.Column("page_due_at", TIME, nullable=True),
        sa.Column("page_read_at", TIME, nullable=True),
        sa.Column("page_tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("page_failure", sa.String(length=500), nullable=True),
    ]


def upgrade() -> None:
    op.create_table(
        "floods",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Enum(*REASONS, name="floodreason", native_enum=False, length=20), nullable=False),
        sa.Column("state", sa.Enum(*STATES, name="floodstate", native_enum=False, length=20), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_floods_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_floods")),
    )
    op.create_index("ix_floods_source_id", "floods", ["source_id", "id"])
    with op.batch_alter_table("sources") as table:
        table.add_column(sa.Column("takes_full_text", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("body_hash", sa.String(length=64), nullable=True))
    with op.batch_alter_table("sources") as table:
        table.alter_column("takes_full_text", existing_type=sa.Boolean(), server_default=None)
    with op.batch_alter_table("articles") as table:
        for column in new_columns():
            table.add_column(column)
        table.create_foreign_key(op.f("fk_articles_flood_id"), "floods", ["flood_id"], ["id"])
    with op.batch_alter_table("articles") as table:
        for column in new_columns():
            if column.server_default is not None:
                table.alter_column(column.name, existing_type=column.type, server_default=None)
    for name in INDEXED:
        has_value = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_articles_{name}", "articles", [name], sqlite_where=has_value, postgresql_where=has_value)
    op.create_table(
        "article_revisions",
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("text_hash", sa.String(length=64), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_article_revisions_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("article_id", "revision", name=op.f("pk_article_revisions")),
    )


def downgrade() -> None:
    op.drop_table("article_revisions")
    for name in INDEXED:
        op.drop_index(f"ix_articles_{name}", "articles")
    with op.batch_alter_table("articles") as table:
        table.drop_constraint(op.f("fk_articles_flood_id"), type_="foreignkey")
        for column in reversed(new_columns()):
            table.drop_column(column.name)
    with op.batch_alter_table("sources") as table:
        table.drop_column("body_hash")
        table.drop_column("takes_full_text")
    op.drop_table("floods")
