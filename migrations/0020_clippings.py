"""Keep the articles of sent editions to be found in public, with an index of their words."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
UNFILED = sa.text("status = 'sent' AND filed_at IS NULL AND variant_of IS NULL")
FORGET = "INSERT INTO clipping_words (clipping_words, rowid, words) VALUES ('delete', old.id, old.words);"
LEARN = "INSERT INTO clipping_words (rowid, words) VALUES (new.id, new.words);"
INDEX = {
    "sqlite": (
        "CREATE VIRTUAL TABLE clipping_words USING fts5 (words, content='clippings', content_rowid='id', prefix='4 5')",
        f"CREATE TRIGGER clipping_words_added AFTER INSERT ON clippings BEGIN {LEARN} END",
        f"CREATE TRIGGER clipping_words_deleted AFTER DELETE ON clippings BEGIN {FORGET} END",
        f"CREATE TRIGGER clipping_words_changed AFTER UPDATE OF words ON clippings BEGIN {FORGET} {LEARN} END",
    ),
    "postgresql": (
        "CREATE INDEX clipping_words ON clippings USING gin (array_to_tsvector(string_to_array(words, ' ')))",
    ),
}


def upgrade() -> None:
    op.create_table(
        "clippings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("sent_at", TIME, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["edition_items.id"], name=op.f("fk_clippings_item_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_clippings_article_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clippings")),
        sa.UniqueConstraint("article_id", "language", name=op.f("uq_clippings_article_id_language")),
        sa.UniqueConstraint("item_id", name=op.f("uq_clippings_item_id")),
    )
    op.create_index("ix_clippings_language", "clippings", ["language", "id"])
    for statement in INDEX[op.get_context().dialect.name]:
        op.execute(statement)
    with op.batch_alter_table("editions") as table:
        table.add_column(sa.Column("filed_at", TIME, nullable=True))
    op.create_index("ix_editions_unfiled", "editions", ["id"], sqlite_where=UNFILED, postgresql_where=UNFILED)


def downgrade() -> None:
    op.drop_index("ix_editions_unfiled", "editions")
    with op.batch_alter_table("editions") as table:
        table.drop_column("filed_at")
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TABLE clipping_words")
    op.drop_table("clippings")
