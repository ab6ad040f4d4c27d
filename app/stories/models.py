"""Tables of stories, and of what grouping keeps of articles while new ones may join them. Knows nothing of readers.

`articles.story_id` alone says to which story an article belongs.
"""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, byte_text, enum_type

#: The count of all articles that were traced stands under this key; no article has it.
ALL_ARTICLES = ""


def _marked(column: str) -> sa.Index:
    is_marked = sa.text(f"{column} IS NOT NULL")
    return sa.Index(f"ix_stories_{column}", column, sqlite_where=is_marked, postgresql_where=is_marked)


class StoryAct(StrEnum):
    """What was done with a story, by an editor or, for some merges, by grouping."""

    MERGED = "merged"
    SPLIT = "split"
    PINNED = "pinned"
    UNPINNED = "unpinned"
    MUTED = "muted"
    UNMUTED = "unmuted"


class Story(Base):
    """Articles about the same event. A merged one is empty, and `merged_into_id` says where its articles went.

    `first_at` and `last_at` are of publication; `sources` counts the independent ones, `languages` the articles in
    each language. `ranks_at` is what orders them (`ranking.rank_time`).
    """

    __tablename__ = "stories"
    __table_args__ = (
        sa.Index("ix_stories_last_at", "last_at", "id"),
        sa.Index("ix_stories_ranks_at", "ranks_at", "id"),
        _marked("pinned_at"),
        _marked("muted_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    ranks_at: Mapped[datetime]
    sources: Mapped[int] = mapped_column(default=1)
    languages: Mapped[dict[str, int]] = mapped_column(sa.JSON, default=dict)
    pinned_at: Mapped[datetime | None]
    muted_at: Mapped[datetime | None]
    merged_into_id: Mapped[int | None] = mapped_column(sa.ForeignKey("stories.id"), index=True)


class StoryEvent(Base):
    """The record of one act: when, by which admin or by grouping (None), and the other story of a merge or split.

    `articles` are the ids of those that a merge or split moved; of acts before it was kept, None.
    """

    __tablename__ = "story_events"
    __table_args__ = (
        sa.Index("ix_story_events_story_id", "story_id", "id"),
        sa.Index("ix_story_events_other_id", "other_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    story_id: Mapped[int] = mapped_column(sa.ForeignKey("stories.id"))
    at: Mapped[datetime]
    act: Mapped[StoryAct] = mapped_column(enum_type(StoryAct))
    other_id: Mapped[int | None] = mapped_column(sa.ForeignKey("stories.id"))
    actor: Mapped[str | None] = mapped_column(sa.String(254))
    articles: Mapped[list[int] | None] = mapped_column(sa.JSON(none_as_null=True))


class ArticleTrace(Base):
    """What an article is recognised by, while others about the same event may come: its weighed keys."""

    __tablename__ = "article_traces"
    __table_args__ = (sa.Index("ix_article_traces_at", "at"),)

    article_id: Mapped[int] = mapped_column(sa.ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime]
    keys: Mapped[dict[str, float]] = mapped_column(sa.JSON)


class TraceKey(Base):
    """The index: which articles have a key, of the rarest keys of each."""

    __tablename__ = "trace_keys"
    __table_args__ = (sa.Index("ix_trace_keys_at", "key", "at"), sa.Index("ix_trace_keys_article_id", "article_id"))

    key: Mapped[str] = mapped_column(byte_text(40), primary_key=True)
    article_id: Mapped[int] = mapped_column(
        sa.ForeignKey("article_traces.article_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    at: Mapped[datetime]


class KeyCount(Base):
    """In how many of the traced articles a key stands; under `ALL_ARTICLES` how many those are."""

    __tablename__ = "key_counts"

    key: Mapped[str] = mapped_column(byte_text(40), primary_key=True)
    articles: Mapped[int]
