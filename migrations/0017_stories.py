"""Group articles into stories, keep what grouping recognises them by, and name other articles beside an item."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
ACTS = ("merged", "split", "pinned", "unpinned", "muted", "unmuted")
UNGROUPED = sa.text("grouped_at IS NULL")
LINKS = {"story_id": "stories.id", "copy_of_id": "articles.id", "twin_of_id": "articles.id"}


def upgrade() -> None:
    _create_stories()
    _create_index()
    with op.batch_alter_table("articles") as table:
        table.add_column(sa.Column("grouped_at", TIME, nullable=True))
        for name, target in LINKS.items():
            table.add_column(sa.Column(name, sa.Integer(), nullable=True))
            table.create_foreign_key(op.f(f"fk_articles_{name}"), target.split(".")[0], [name], ["id"])
    op.create_index("ix_articles_story_id", "articles", ["story_id"])
    op.create_index(
        "ix_articles_ungrouped", "articles", ["published_at", "id"], sqlite_where=UNGROUPED, postgresql_where=UNGROUPED
    )
    op.create_table(
        "edition_also_in",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["edition_items.id"], name=op.f("fk_edition_also_in_item_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_edition_also_in_article_id")),
        sa.PrimaryKeyConstraint("item_id", "article_id", name=op.f("pk_edition_also_in")),
    )
    op.create_index("ix_edition_also_in_article_id", "edition_also_in", ["article_id"])


def downgrade() -> None:
    op.drop_table("edition_also_in")
    op.drop_index("ix_articles_ungrouped", "articles")
    op.drop_index("ix_articles_story_id", "articles")
    with op.batch_alter_table("articles") as table:
        for name in LINKS:
            table.drop_constraint(op.f(f"fk_articles_{name}"), type_="foreignkey")
            table.drop_column(name)
        table.drop_column("grouped_at")
    for name in ("key_counts", "trace_keys", "article_traces", "story_events", "stories"):
        op.drop_table(name)


def _create_stories() -> None:
    op.create_table(
        "stories",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(name, TIME, nullable=False) for name in ("first_at", "last_at")),
        sa.Column("sources", sa.Integer(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        *(sa.Column(name, TIME, nullable=True) for name in ("pinned_at", "muted_at")),
        sa.Column("merged_into_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["merged_into_id"], ["stories.id"], name=op.f("fk_stories_merged_into_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stories")),
    )
    op.create_index("ix_stories_last_at", "stories", ["last_at", "id"])
    op.create_index(op.f("ix_stories_merged_into_id"), "stories", ["merged_into_id"])
    op.create_table(
        "story_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("story_id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("act", sa.Enum(*ACTS, name="storyact", native_enum=False, length=20), nullable=False),
        sa.Column("other_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=254), nullable=True),
        sa.ForeignKeyConstraint(["story_id"], ["stories.id"], name=op.f("fk_story_events_story_id")),
        sa.ForeignKeyConstraint(["other_id"], ["stories.id"], name=op.f("fk_story_events_other_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_story_events")),
    )
    op.create_index("ix_story_events_story_id", "story_events", ["story_id", "id"])
    op.create_index("ix_story_events_other_id", "story_events", ["other_id"])


def _create_index() -> None:
    key = sa.String(40).with_variant(sa.String(40, collation="C"), "postgresql")
    op.create_table(
        "article_traces",
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("keys", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_article_traces_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_article_traces")),
    )
    op.create_index("ix_article_traces_at", "article_traces", ["at"])
    op.create_table(
        "trace_keys",
        sa.Column("key", key, nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article_traces.article_id"], name=op.f("fk_trace_keys_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", "article_id", name=op.f("pk_trace_keys")),
    )
    op.create_index("ix_trace_keys_at", "trace_keys", ["key", "at"])
    op.create_index("ix_trace_keys_article_id", "trace_keys", ["article_id"])
    op.create_table(
        "key_counts",
        sa.Column("key", key, nullable=False),
        sa.Column("articles", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_key_counts")),
    )
