"""Tell what articles are about."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
RANKS = ("primary", "secondary")
CORRECTIONS = ("added", "removed")
UNCLASSIFIED = sa.text("classified_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("articles") as table:
        table.add_column(sa.Column("classified_at", TIME, nullable=True))
    op.create_index(
        "ix_articles_unclassified", "articles", ["id"], sqlite_where=UNCLASSIFIED, postgresql_where=UNCLASSIFIED
    )
    op.create_table(
        "article_topics",
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("rank", sa.Enum(*RANKS, name="rank", native_enum=False, length=20), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("is_by_editor", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_article_topics_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("article_id", "topic", name=op.f("pk_article_topics")),
    )
    op.create_index("ix_article_topics_topic", "article_topics", ["topic", "article_id"])
    op.create_table(
        "topic_corrections",
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("correction", sa.Enum(*CORRECTIONS, name="correction", native_enum=False, length=20), nullable=False),
        sa.Column("by", sa.String(length=254), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_topic_corrections_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("article_id", "topic", name=op.f("pk_topic_corrections")),
    )
    op.create_table(
        "taxonomy_uses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("below_id", sa.Integer(), nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taxonomy_uses")),
    )


def downgrade() -> None:
    for name in ("taxonomy_uses", "topic_corrections", "article_topics"):
        op.drop_table(name)
    op.drop_index("ix_articles_unclassified", "articles")
    with op.batch_alter_table("articles") as table:
        table.drop_column("classified_at")
