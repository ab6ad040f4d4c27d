"""Tables of the topics that articles carry, of editors' corrections, of words, and of the taxonomies in use."""

from datetime import datetime
from enum import StrEnum
from typing import TypedDict

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, enum_type
from app.topics.classify import Rank
from app.topics.word_index import WordIndex

TOPIC_MAX = 40


class Reason(TypedDict):
    """A word that gave a topic, as it is kept: where it stands and how often."""

    word: str
    where: str
    times: int


class Correction(StrEnum):
    """What an editor said of an article's topic."""

    ADDED = "added"
    REMOVED = "removed"


class ArticleTopic(Base):
    """A topic that an article carries now, by the rules or by an editor; then `words` may be empty."""

    __tablename__ = "article_topics"
    __table_args__ = (sa.Index("ix_article_topics_topic", "topic", "article_id"),)

    article_id: Mapped[int] = mapped_column(sa.ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True)
    topic: Mapped[str] = mapped_column(sa.String(TOPIC_MAX), primary_key=True)
    weight: Mapped[float]
    rank: Mapped[Rank] = mapped_column(enum_type(Rank))
    words: Mapped[list[Reason]] = mapped_column(sa.JSON())
    is_by_editor: Mapped[bool]


class TopicCorrection(Base):
    """An editor's last word on one topic of one article; it outlasts every classification."""

    __tablename__ = "topic_corrections"

    article_id: Mapped[int] = mapped_column(sa.ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True)
    topic: Mapped[str] = mapped_column(sa.String(TOPIC_MAX), primary_key=True)
    correction: Mapped[Correction] = mapped_column(enum_type(Correction))
    by: Mapped[str] = mapped_column(sa.String(254))
    at: Mapped[datetime]


class ArticleWords(Base):
    """The words of an article's title and summary, folded, by which the desk finds it (`ARTICLE_INDEX`)."""

    __tablename__ = "article_words"

    article_id: Mapped[int] = mapped_column(
        sa.ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    words: Mapped[str]


ARTICLE_INDEX = WordIndex("article_word_index", ArticleWords.article_id)


class TaxonomyUse(Base):
    """A taxonomy that came into use. Articles are classified anew from the newest down; `below_id` tells how far."""

    __tablename__ = "taxonomy_uses"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(sa.String(32))
    began_at: Mapped[datetime]
    below_id: Mapped[int]
    ended_at: Mapped[datetime | None]
