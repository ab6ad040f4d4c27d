"""Grouping: new articles join the stories they belong to, or begin one. Never undoes what an editor did.

A batch is grouped in the order of publication, after all its keys were counted: whatever order its articles came in,
the same stories come out. One that is grouped stays where it is; only an editor, or a merge of its story, moves it.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Select, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.db import Database
from app.stories.families import family_of
from app.stories.index import (
    count_keys,
    counts_of,
    forget_traces,
    keep_trace,
    rarest,
    stories_near,
    take_turn,
    trace_of,
    traces_of,
)
from app.stories.keys import keys_of
from app.stories.likeness import Trace, belonging, sameness, vector_of
from app.stories.merging import are_parted, begin_story, move_articles, recount
from app.stories.models import ALL_ARTICLES
from app.stories.repeats import Wording, is_copy, is_twin
from app.topics.taxonomy import Taxonomy

log = logging.getLogger(__name__)

#: Articles of one transaction.
BATCH = 200


def group_new(database: Database, taxonomy: Taxonomy, *, now: datetime) -> int:
    """Group all articles that are not grouped yet, batch by batch, and forget old traces; return their number."""
    grouped = 0
    while True:
        try:
            with database.transaction() as session:
                number = group_batch(session, taxonomy, now=now)
        except OperationalError:
            raise  # the database is away or busy: no article's fault
        except Exception:
            log.exception("a batch of articles cannot be grouped: one by one")
            number = _group_singly(database, taxonomy, now)
        grouped += number
        if number < BATCH:
            break
    with database.transaction() as session:
        take_turn(session)
        forget_traces(session, now=now)
    return grouped


def group_batch(session: Session, taxonomy: Taxonomy, *, now: datetime, limit: int = BATCH) -> int:
    """Group the first `limit` articles that are not grouped yet, by time of publication; return how many there were."""
    if session.scalars(ungrouped().limit(1)).first() is None:
        return 0
    take_turn(session)  # whoever had it before may have grouped them meanwhile
    articles = session.scalars(ungrouped().limit(limit)).all()
    keys = {article.id: _keys(taxonomy, article) for article in articles}
    count_keys(session, list(keys.values()))
    counts = counts_of(session, {key for of_article in keys.values() for key in of_article})
    touched: set[int] = set()
    for article in articles:
        vector = vector_of(keys[article.id], counts=counts, articles=counts[ALL_ARTICLES])
        touched |= _group(session, article, trace_of(article, vector), counts, now)
    recount(session, touched)
    return len(articles)


def ungrouped() -> Select[Article]:
    """Select the articles that are not grouped yet, by time of publication."""
    return select(Article).where(Article.grouped_at.is_(None)).order_by(Article.published_at, Article.id)


def _group_singly(database: Database, taxonomy: Taxonomy, now: datetime) -> int:
    """Group the next batch one by one; what breaks that stays alone, or it would keep all others waiting for ever."""
    with database.reading() as session:
        ids = session.scalars(ungrouped().with_only_columns(Article.id).limit(BATCH)).all()
    for article_id in ids:
        try:
            with database.transaction() as session:
                group_batch(session, taxonomy, now=now, limit=1)
        except OperationalError:
            raise
        except Exception:
            log.exception("article %s cannot be grouped", article_id)
            with database.transaction() as session:
                session.execute(update(Article).where(Article.id == article_id).values(grouped_at=now))
    return len(ids)


def _group(session: Session, article: Article, trace: Trace, counts: Mapping[str, int], now: datetime) -> set[int]:
    """Put one article into a story; return the stories that changed."""
    keys = rarest(trace.vector, counts)
    at, language = article.published_at, article.language
    near = stories_near(session, keys=keys, at=at, language=language) if keys else {}
    traces = traces_of(session, [member for members in near.values() for member in members])
    fits = _fitting(trace, near, traces)
    story_id = fits[0] if fits else begin_story(session, at).id
    article.story_id, article.grouped_at = story_id, now
    mark_repeats(article, near.get(story_id, ()))
    keep_trace(session, article=article, trace=trace, keys=keys)
    session.flush()
    changed, traces[article.id] = {story_id}, trace
    for other_id in fits[1:]:
        if _are_one(traces, [article, *near[story_id]], near[other_id]) and not are_parted(session, story_id, other_id):
            target, merged = sorted((story_id, other_id))
            move_articles(session, story_id=merged, into_id=target, actor=None, now=now)
            changed |= {target, merged}
            break
    return changed


def mark_repeats(article: Article, others: Sequence[Article]) -> None:
    """Mark an article as the copy or the twin of the first of `others` whose text it has."""
    wording = _wording(article)
    article.copy_of_id = article.twin_of_id = None
    for other in sorted(others, key=lambda other: (other.published_at, other.id)):
        if other.copy_of_id is None and article.copy_of_id is None and is_copy(wording, _wording(other)):
            article.copy_of_id = other.id
        if other.twin_of_id is None and article.twin_of_id is None and is_twin(wording, _wording(other)):
            article.twin_of_id = other.id


def _fitting(trace: Trace, near: Mapping[int, Sequence[Article]], traces: Mapping[int, Trace]) -> list[int]:
    """Return the stories that an article belongs to, the surest first, the older of two that are as sure."""
    sure = {}
    for story_id, members in near.items():
        score = belonging(trace, [traces[member.id] for member in members if member.id in traces])
        if score >= 1:
            sure[story_id] = score
    return sorted(sure, key=lambda story_id: (-sure[story_id], story_id))


def _are_one(traces: Mapping[int, Trace], ours: Sequence[Article], others: Sequence[Article]) -> bool:
    """Tell whether two stories that one article belongs to are one: on the whole their articles are alike."""
    pairs = [
        sameness(traces[one.id], traces[other.id])
        for one in ours
        for other in others
        if one.id in traces and other.id in traces
    ]
    return bool(pairs) and sum(pairs) / len(pairs) >= 1


def _keys(taxonomy: Taxonomy, article: Article) -> Mapping[str, float]:
    return keys_of(taxonomy, title=article.title, summary=article.summary, body=article.body, language=article.language)


def _wording(article: Article) -> Wording:
    return Wording(
        source=family_of(article), language=article.language, at=article.published_at, title=article.title,
        text=article.body or article.summary,
    )  # fmt: skip
