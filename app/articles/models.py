"""Tables of sources and articles. Knows nothing of readers or editions."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, enum_type

_UNCLASSIFIED = sa.text("classified_at IS NULL")


class SourceKind(StrEnum):
    """Where a feed is read: from the web, or from a file on this machine (command line only)."""

    URL = "url"
    FILE = "file"


class Source(Base):
    """A feed. `failure` says in words why the last fetch brought nothing; it is empty when all is well."""

    __tablename__ = "sources"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[SourceKind] = mapped_column(enum_type(SourceKind))
    location: Mapped[str] = mapped_column(sa.String(2000), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    language: Mapped[str] = mapped_column(sa.String(8))
    is_active: Mapped[bool] = mapped_column(default=True)
    etag: Mapped[str | None] = mapped_column(sa.String(500))
    last_modified: Mapped[str | None] = mapped_column(sa.String(100))
    fetched_at: Mapped[datetime | None]
    next_fetch_at: Mapped[datetime]
    failure: Mapped[str | None] = mapped_column(sa.String(500))
    failures: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]


class Article(Base):
    """One piece. Identity is the feed's GUID within its source, then the normalised link (`link_key`).

    `classified_at` is empty where its topics are yet to be found, or its text has changed since.
    `copy_of_id` is an article with nearly the same text, `twin_of_id` one with the same text in another language.
    """

    __tablename__ = "articles"
    __table_args__ = (
        sa.UniqueConstraint("source_id", "guid"),
        sa.Index("ix_articles_arrival", "language", "added_at"),
        sa.Index("ix_articles_unclassified", "id", sqlite_where=_UNCLASSIFIED, postgresql_where=_UNCLASSIFIED),
        sa.Index("ix_articles_story_id", "story_id"),
        sa.Index(
            "ix_articles_ungrouped",
            "published_at",
            "id",
            sqlite_where=sa.text("grouped_at IS NULL"),
            postgresql_where=sa.text("grouped_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sources.id"))
    guid: Mapped[str | None] = mapped_column(sa.String(1000))
    link: Mapped[str | None] = mapped_column(sa.String(2000))
    link_key: Mapped[str | None] = mapped_column(sa.String(2000), unique=True)
    language: Mapped[str] = mapped_column(sa.String(8))
    title: Mapped[str] = mapped_column(sa.String(300))
    summary: Mapped[str]
    body: Mapped[str]
    image_url: Mapped[str | None] = mapped_column(sa.String(2000))
    published_at: Mapped[datetime]
    added_at: Mapped[datetime]
    classified_at: Mapped[datetime | None]
    grouped_at: Mapped[datetime | None]
    story_id: Mapped[int | None] = mapped_column(sa.ForeignKey("stories.id"))
    copy_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("articles.id"))
    twin_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("articles.id"))

    source: Mapped[Source | None] = relationship(lazy="joined")
