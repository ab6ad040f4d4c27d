"""Order stories by an index, note what acts moved, find articles by their words, keep what editors wrote."""

from datetime import timedelta
from math import log2

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
BATCH = 10_000
FORGET = (
    "INSERT INTO article_word_index (article_word_index, rowid, words) VALUES ('delete', old.article_id, old.words);"
)
LEARN = "INSERT INTO article_word_index (rowid, words) VALUES (new.article_id, new.words);"
INDEX = {
    "sqlite": (
        "CREATE VIRTUAL TABLE article_word_index USING fts5"
        " (words, content='article_words', content_rowid='article_id', prefix='4 5')",
        f"CREATE TRIGGER article_word_index_added AFTER INSERT ON article_words BEGIN {LEARN} END",
        f"CREATE TRIGGER article_word_index_deleted AFTER DELETE ON article_words BEGIN {FORGET} END",
        f"CREATE TRIGGER article_word_index_changed AFTER UPDATE OF words ON article_words BEGIN {FORGET} {LEARN} END",
    ),
    "postgresql": (
        "CREATE INDEX article_word_index ON article_words USING gin (array_to_tsvector(string_to_array(words, ' ')))",
    ),
}
STORIES = sa.table(
    "stories", sa.column("id", sa.Integer), sa.column("sources", sa.Integer), sa.column("last_at", TIME),
    sa.column("ranks_at", TIME),
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "article_words",
        sa.Column("article_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_article_words_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_article_words")),
    )
    for statement in INDEX[op.get_context().dialect.name]:
        op.execute(statement)
    # All articles are gone over once more, newest first, which files their words.
    op.execute("UPDATE taxonomy_uses SET digest = ''")
    op.add_column("articles", sa.Column("markdown", sa.Text(), nullable=True))
    op.add_column("story_events", sa.Column("articles", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("stories", sa.Column("ranks_at", TIME, nullable=True))
    rank_stories()
    with op.batch_alter_table("stories") as table:
        table.alter_column("ranks_at", existing_type=TIME, nullable=False)
    op.create_index("ix_stories_ranks_at", "stories", ["ranks_at", "id"])
    for column in ("pinned_at", "muted_at"):
        marked = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_stories_{column}", "stories", [column], sqlite_where=marked, postgresql_where=marked)


def rank_stories() -> None:
    """Tell of each story when one of a single source would rank as it does (`app.stories.ranking.rank_time`)."""
    connection, last_id = op.get_bind(), 0
    change = (
        sa.update(STORIES).where(STORIES.c.id == sa.bindparam("of")).values(ranks_at=sa.bindparam("at", type_=TIME))
    )
    while True:
        query = sa.select(STORIES).where(STORIES.c.id > last_id).order_by(STORIES.c.id).limit(BATCH)
        rows = connection.execute(query).all()
        if not rows:
            return
        connection.execute(
            change,
            [
                {"of": row.id, "at": row.last_at + timedelta(hours=24) * log2(1 + log2(max(row.sources, 1)))}
                for row in rows
            ],
        )
        last_id = rows[-1].id


def downgrade() -> None:
    for column in ("pinned_at", "muted_at", "ranks_at"):
        op.drop_index(f"ix_stories_{column}", "stories")
    op.drop_column("stories", "ranks_at")
    op.drop_column("story_events", "articles")
    op.drop_column("articles", "markdown")
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TABLE article_word_index")
    op.drop_table("article_words")
