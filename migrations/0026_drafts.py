"""Let editors put sections and words of their own into a draft, keep its history, and talk of it."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
OWN_WORDS = {"section": sa.String(length=80), "title": sa.String(length=300), "teaser": sa.Text()}


def upgrade() -> None:
    op.add_column("editions", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    for name, kind in OWN_WORDS.items():
        op.add_column("edition_items", sa.Column(name, kind))
    op.create_table(
        "edition_revisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.String(length=254)),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("stands_at", sa.Integer(), nullable=False),
        sa.Column("parent", sa.Integer()),
        sa.Column("tip", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_edition_revisions_edition_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition_revisions")),
        sa.UniqueConstraint("edition_id", "number", name=op.f("uq_edition_revisions_edition_id_number")),
    )
    op.create_table(
        "edition_comments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer()),
        sa.Column("at", TIME, nullable=False),
        sa.Column("author", sa.String(length=254), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("resolved_at", TIME),
        sa.Column("resolved_by", sa.String(length=254)),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_edition_comments_edition_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_edition_comments_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition_comments")),
    )
    op.create_index("ix_edition_comments_edition_id", "edition_comments", ["edition_id", "id"])


def downgrade() -> None:
    op.drop_table("edition_comments")
    op.drop_table("edition_revisions")
    for name in OWN_WORDS:
        with op.batch_alter_table("edition_items") as table:
            table.drop_column(name)
    with op.batch_alter_table("editions") as table:
        table.drop_column("revision")
