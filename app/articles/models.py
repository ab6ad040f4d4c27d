"""Tables of sources and articles, and when an article may leave. Knows nothing of readers or editions."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base, enum_type

_UNCLASSIFIED = sa.text("classified_at IS NULL")


def _partial_index(name: str, column: str) -> sa.Index:
    has_value = sa.text(f"{column} IS NOT NULL")
    return sa.Index(name, column, sqlite_where=has_value, postgresql_where=has_value)


class SourceKind(StrEnum):
    """Where a feed is read: from the web, or from a file on this machine (command line only)."""

    URL = "url"
    FILE = "file"


class FloodReason(StrEnum):
    """What is odd about the articles of a flood."""

    NEW_IDS = "new-ids"
    ARCHIVE = "archive"
    SURGE = "surge"


class FloodState(StrEnum):
    """What an editor made of a flood. The articles of a refused one are kept, so that they never come in again."""

    HELD = "held"
    PASSED = "passed"
    REFUSED = "refused"


class Source(Base):
    """A feed. `failure` says in words why the last fetch brought nothing; it is empty when all is well.

    `body_hash` is of the last answer, since many servers send once more what we have. `takes_full_text`: where the feed
    has only a teaser, the article's page is read too.
    """

    __tablename__ = "sources"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[SourceKind] = mapped_column(enum_type(SourceKind))
    location: Mapped[str] = mapped_column(sa.String(2000), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    language: Mapped[str] = mapped_column(sa.String(8))
    is_active: Mapped[bool] = mapped_column(default=True)
    takes_full_text: Mapped[bool] = mapped_column(default=False)
    etag: Mapped[str | None] = mapped_column(sa.String(500))
    last_modified: Mapped[str | None] = mapped_column(sa.String(100))
    body_hash: Mapped[str | None] = mapped_column(sa.String(64))
    fetched_at: Mapped[datetime | None]
    next_fetch_at: Mapped[datetime]
    failure: Mapped[str | None] = mapped_column(sa.String(500))
    failures: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]


class Flood(Base):
    """Articles that one source brought in a way that is unlike it, which wait for an editor: none of them leaves."""

    __tablename__ = "floods"
    __table_args__ = (sa.Index("ix_floods_source_id", "source_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id"))
    reason: Mapped[FloodReason] = mapped_column(enum_type(FloodReason))
    state: Mapped[FloodState] = mapped_column(enum_type(FloodState), default=FloodState.HELD)
    at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    number: Mapped[int]

    source: Mapped[Source] = relationship(lazy="joined")


class Article(Base):
    """One piece. Identity is the feed's GUID within its source, then the normalised link (`link_key`).

    `classified_at` is empty where its topics are yet to be found, or its text has changed since.
    `copy_of_id` is an article with nearly the same text, `twin_of_id` one with the same text in another language.
    `revision` counts the texts that it was given, `text_hash` tells the newest of them from the next.
    `reading_minutes` is empty where only a teaser is known. `page_due_at`: when its page is to be read for the whole
    text; empty where nothing is to be done, or where `page_failure` says why nothing more is tried. `markdown` is the
    Markdown of one that an editor wrote by hand.
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
        _partial_index("ix_articles_embargo_until", "embargo_until"),
        _partial_index("ix_articles_flood_id", "flood_id"),
        _partial_index("ix_articles_page_due_at", "page_due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sources.id"))
    guid: Mapped[str | None] = mapped_column(sa.String(1000))
    link: Mapped[str | None] = mapped_column(sa.String(2000))
    link_key: Mapped[str | None] = mapped_column(sa.String(2000), unique=True)
    canonical_link: Mapped[str | None] = mapped_column(sa.String(2000))
    language: Mapped[str] = mapped_column(sa.String(8))
    title: Mapped[str] = mapped_column(sa.String(300))
    summary: Mapped[str]
    body: Mapped[str]
    markdown: Mapped[str | None]
    authors: Mapped[str] = mapped_column(sa.String(300), default="")
    image_url: Mapped[str | None] = mapped_column(sa.String(2000))
    reading_minutes: Mapped[int | None]
    published_at: Mapped[datetime]
    added_at: Mapped[datetime]
    classified_at: Mapped[datetime | None]
    grouped_at: Mapped[datetime | None]
    story_id: Mapped[int | None] = mapped_column(sa.ForeignKey("stories.id"))
    copy_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("articles.id"))
    twin_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("articles.id"))
    embargo_until: Mapped[datetime | None]
    flood_id: Mapped[int | None] = mapped_column(sa.ForeignKey("floods.id"))
    revision: Mapped[int] = mapped_column(default=1)
    text_hash: Mapped[str | None] = mapped_column(sa.String(64))
    page_due_at: Mapped[datetime | None]
    page_read_at: Mapped[datetime | None]
    page_tries: Mapped[int] = mapped_column(default=0)
    page_failure: Mapped[str | None] = mapped_column(sa.String(500))

    source: Mapped[Source | None] = relationship(lazy="joined")


class ArticleRevision(Base):
    """An earlier text of an article, which was replaced `at` that time: its title, and a hash of all of it."""

    __tablename__ = "article_revisions"

    article_id: Mapped[int] = mapped_column(sa.ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(sa.String(300))
    text_hash: Mapped[str] = mapped_column(sa.String(64))
    at: Mapped[datetime]


def held_articles(ids: Collection[int]) -> Select[Article]:
    """Select articles as they now are, and hold them until the transaction ends, as whoever changes a text does.

    The classification holds them too: it must not say that it knows a text which is being replaced.
    """
    query = select(Article).where(Article.id.in_(list(ids))).order_by(Article.id)
    return query.with_for_update(key_share=True, of=Article).execution_options(populate_existing=True)


def may_leave(now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that an article may be seen outside the desk at `now`: no embargo, no flood holds it.

    Every letter, preview link, archive page and public feed asks for it.
    """
    return Article.flood_id.is_(None) & sa.or_(Article.embargo_until.is_(None), Article.embargo_until <= now)


def arrived(*, since: datetime, until: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that an article came in, or that its embargo ended, after `since` and up to `until`."""
    times = (Article.added_at, Article.embargo_until)
    return sa.or_(*(sa.and_(time > since, time <= until) for time in times))
