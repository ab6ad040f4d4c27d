"""The stories that digests may carry at a moment, read once for all readers."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased

from app.articles.models import Article, may_leave
from app.db import is_among
from app.digests.selecting import Offer, Piece
from app.i18n import LANGUAGES
from app.stories.choosing import best_first
from app.stories.models import Story
from app.stories.ranking import Standing
from app.topics.classify import Rank
from app.topics.models import ArticleTopic
from app.topics.taxonomy import Taxonomy


def read_offers(
    session: Session, taxonomy: Taxonomy, *, since: datetime, until: datetime, late: Collection[int] = ()
) -> list[Offer]:
    """Return the stories of which something arrived after `since`, with all that had arrived by `until`.

    `late` are the ids of articles that arrived before and are new all the same: they count as of `until`. An article
    that belongs to no story yet is one by itself, under its own id made negative. What an editor muted is left out.
    """
    pieces = defaultdict(list)
    for story_id, piece in _pieces(session, _is_of_fresh_story(since=since, until=until, late=late), until=until):
        pieces[story_id].append(replace(piece, arrived_at=until) if piece.article_id in late else piece)
    stories = {story.id: story for story in _stories(session, pieces)}
    topics = _topics(session, [piece.article_id for of_story in pieces.values() for piece in of_story])
    return [
        _offer(story_id, of_story, stories.get(story_id), topics, taxonomy) for story_id, of_story in pieces.items()
    ]


def read_offer(session: Session, taxonomy: Taxonomy, article: Article, *, until: datetime) -> Offer | None:
    """Return the story of `article` with all that had arrived by `until`, or None where it may not leave or is muted.

    In the language of `article`, it is the one piece that there is.
    """
    story_id = article.story_id or -article.id
    pieces = [piece for _, piece in _pieces(session, is_of_story(story_id), until=until)]
    if article.id not in {piece.article_id for piece in pieces}:
        return None
    topics = _topics(session, [piece.article_id for piece in pieces])
    story = session.get(Story, article.story_id) if article.story_id else None
    offer = _offer(story_id, pieces, story, topics, taxonomy)
    others = (piece for piece in pieces if piece.language != article.language)
    return replace(offer, pieces=(*others, *(piece for piece in pieces if piece.article_id == article.id)))


def is_of_story(story_id: int) -> sa.ColumnElement[bool]:
    """Return the condition that an article is offered under an id, in a form that finds it by an index."""
    if story_id > 0:
        return Article.story_id == story_id
    return sa.and_(Article.id == -story_id, Article.story_id.is_(None))


def story_of() -> sa.ColumnElement[int]:
    """Return the id under which an article is offered."""
    return sa.func.coalesce(Article.story_id, -Article.id)


def _is_of_fresh_story(*, since: datetime, until: datetime, late: Collection[int]) -> sa.ColumnElement[bool]:
    """Return the condition that something of an article's story arrived in a language that is written to readers, or
    is among `late`.

    In this form indexes find both: by language and time what arrived, by story what belongs to it.
    """
    came = sa.and_(Article.language.in_(LANGUAGES), Article.added_at > since, Article.added_at <= until)
    was_let_go = sa.and_(Article.embargo_until > since, Article.embargo_until <= until, Article.added_at <= until)
    fresh = sa.or_(came, was_let_go, Article.id.in_(late)), may_leave(until)
    member = aliased(Article)
    members = select(member.id).where(member.story_id.in_(select(Article.story_id).where(*fresh)))
    alone = select(Article.id).where(*fresh, Article.story_id.is_(None))
    return Article.id.in_(sa.union_all(members, alone))


def _pieces(session: Session, are_wanted: sa.ColumnElement[bool], *, until: datetime) -> Iterable[tuple[int, Piece]]:
    is_out = sa.and_(Article.added_at <= until, may_leave(until))
    place = sa.func.row_number().over(partition_by=(story_of(), Article.language), order_by=best_first())
    came = sa.case((Article.embargo_until > Article.added_at, Article.embargo_until), else_=Article.added_at)
    columns = story_of(), Article.id, Article.language, Article.source_id, came, place, Article.body == ""
    query: Select[Any] = (
        select(*columns)
        .outerjoin(Story, Story.id == Article.story_id)
        .where(is_out, are_wanted, Story.muted_at.is_(None))
    )
    for story_id, *piece in session.execute(query):
        yield story_id, Piece(*piece)


def _stories(session: Session, ids: Collection[int]) -> Iterable[Story]:
    return session.scalars(select(Story).where(is_among(Story.__table__.c.id, "ids")), {"ids": json.dumps(list(ids))})


def _topics(session: Session, article_ids: Collection[int]) -> Mapping[int, list[tuple[str, Rank]]]:
    found = defaultdict(list)
    query = select(ArticleTopic.article_id, ArticleTopic.topic, ArticleTopic.rank)
    query = query.where(is_among(ArticleTopic.__table__.c.article_id, "ids"))
    for article_id, topic, rank in session.execute(query, {"ids": json.dumps(list(article_ids))}):
        found[article_id].append((topic, rank))
    return found


def _offer(
    story_id: int,
    pieces: list[Piece],
    story: Story | None,
    topics: Mapping[int, list[tuple[str, Rank]]],
    taxonomy: Taxonomy,
) -> Offer:
    found = [topic for piece in pieces for topic in topics.get(piece.article_id, [])]
    mainly = frozenset(key for key, rank in found if rank is Rank.PRIMARY)
    standing = Standing(
        story_id=story_id,
        sources=story.sources if story else 1,
        last_at=story.last_at if story else max(piece.arrived_at for piece in pieces),
        topics=_with_regions({key for key, _ in found}, taxonomy),
        is_pinned=story is not None and story.pinned_at is not None,
    )
    return Offer(standing, tuple(pieces), _with_regions(mainly, taxonomy))


def _with_regions(topics: Collection[str], taxonomy: Taxonomy) -> frozenset[str]:
    """Return the topics with the regions in which their countries lie."""
    return frozenset(topics).union(*(taxonomy.regions_of(topic) for topic in topics))
