"""The index of traces: finds the articles that a new one may belong to, at a cost that the archive's size is none of.

An article is looked up by its rarest keys, within days of its publication; a key that many articles have finds none.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

import sqlalchemy as sa
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.db import insert_into
from app.stories.families import family_of
from app.stories.keys import is_meaning
from app.stories.likeness import Trace
from app.stories.models import ALL_ARTICLES, ArticleTrace, KeyCount, TraceKey

#: Reports on one event follow one another within so many days.
WINDOW = timedelta(days=7)
#: An article is found, and looked for, by so many words and so many meanings; those that more articles have than this
#: find nothing.
RARE_KEYS = 16
COMMON_FROM = 400
#: So many articles are compared with a new one, of a story the newest so many.
CANDIDATES = 32
MEMBERS = 30
#: What is older is forgotten; longer than the window, so that counts of keys rest on weeks.
KEPT = timedelta(days=60)
FORGET_BATCH = 500
_AT_ONCE = 500


def take_turn(session: Session) -> None:
    """Wait until nobody else changes stories, and keep others waiting until this transaction ends."""
    count_keys(session, [])


def count_keys(session: Session, all_keys: Sequence[Iterable[str]]) -> None:
    """Count the keys of new articles."""
    numbers = _numbers(all_keys)
    adding = insert_into(session, KeyCount)
    adding = adding.on_conflict_do_update(
        index_elements=["key"], set_={"articles": KeyCount.articles + adding.excluded.articles}
    )
    session.execute(adding, [{"key": key, "articles": number} for key, number in sorted(numbers.items())])


def counts_of(session: Session, keys: Iterable[str]) -> dict[str, int]:
    """Return in how many traced articles each of `keys` stands; under `ALL_ARTICLES` how many those are."""
    counts: dict[str, int] = {}
    wanted = iter(sorted({ALL_ARTICLES, *keys}))
    while some := list(islice(wanted, _AT_ONCE)):
        found = session.execute(select(KeyCount.key, KeyCount.articles).where(KeyCount.key.in_(some)))
        counts.update({key: number for key, number in found})  # noqa: C416 - a Row is no tuple
    return counts


def rarest(vector: Mapping[str, float], counts: Mapping[str, int]) -> list[str]:
    """Return the keys by which an article is found: its rarest words, its rarest meanings, and none that too many have.

    One in the other language has hardly any of its words, and what no other article has would leave no place for what
    both mean.
    """
    rare = sorted(
        (key for key in vector if counts.get(key, 0) <= COMMON_FROM), key=lambda key: (counts.get(key, 0), key)
    )
    words, meanings = ([key for key in rare if is_meaning(key) is is_one] for is_one in (False, True))
    return [*words[:RARE_KEYS], *meanings[:RARE_KEYS]]


def keep_trace(session: Session, *, article: Article, trace: Trace, keys: Sequence[str]) -> None:
    """Store what an article is recognised by, found by `keys`."""
    rounded = {key: round(weight, 4) for key, weight in trace.vector.items()}
    session.execute(sa.insert(ArticleTrace), [{"article_id": article.id, "at": trace.at, "keys": rounded}])
    if keys:
        session.execute(sa.insert(TraceKey), [{"key": key, "article_id": article.id, "at": trace.at} for key in keys])


def stories_near(session: Session, *, keys: Sequence[str], at: datetime, language: str) -> dict[int, list[Article]]:
    """Return the articles of the stories that share rare keys with an article of `at`, by the story's id.

    What words mean finds those in other languages alone, as it counts there alone.
    """
    meanings = [key for key in keys if is_meaning(key)]
    is_across = select(Article.id).where(Article.id == TraceKey.article_id, Article.language != language).exists()
    shared = (
        select(TraceKey.article_id)
        .where(TraceKey.key.in_(keys), TraceKey.at.between(at - WINDOW, at + WINDOW))
        .where(TraceKey.key.not_in(meanings) | is_across)
        .group_by(TraceKey.article_id)
        .order_by(func.count().desc(), TraceKey.article_id.desc())
        .limit(CANDIDATES)
    )
    found = select(Article.story_id).where(Article.id.in_(shared), Article.story_id.is_not(None))
    newest_first = (Article.published_at.desc(), Article.id.desc())
    place = func.row_number().over(partition_by=Article.story_id, order_by=newest_first)
    ranked = (
        select(Article.id, place.label("place"))
        .where(Article.story_id.in_(found), Article.published_at.between(at - WINDOW, at + WINDOW))
        .subquery()
    )
    members = select(Article).join(ranked, ranked.c.id == Article.id).where(ranked.c.place <= MEMBERS)
    stories: dict[int, list[Article]] = {}
    for article in session.scalars(members.order_by(*newest_first)):
        assert article.story_id is not None
        stories.setdefault(article.story_id, []).append(article)
    return stories


def traces_of(session: Session, articles: Iterable[Article]) -> dict[int, Trace]:
    """Return the traces of articles by their ids; forgotten ones are left out."""
    by_id = {article.id: article for article in articles}
    rows = session.execute(
        select(ArticleTrace.article_id, ArticleTrace.keys).where(ArticleTrace.article_id.in_(list(by_id)))
    )
    return {article_id: trace_of(by_id[article_id], keys) for article_id, keys in rows}


def trace_of(article: Article, vector: Mapping[str, float]) -> Trace:
    """Return the trace of an article, given its vector."""
    return Trace(
        article_id=article.id, source=family_of(article), language=article.language, at=article.published_at,
        title=article.title, vector=vector,
    )  # fmt: skip


def forget_traces(session: Session, *, now: datetime, limit: int = FORGET_BATCH) -> int:
    """Forget at most `limit` traces that are too old for anything to join them, and uncount their keys."""
    query = select(ArticleTrace).where(ArticleTrace.at < now - KEPT).order_by(ArticleTrace.at).limit(limit)
    old = session.scalars(query).all()
    if old:
        _uncount(session, [trace.keys for trace in old])
        ids = [trace.article_id for trace in old]
        session.execute(delete(TraceKey).where(TraceKey.article_id.in_(ids)))
        session.execute(delete(ArticleTrace).where(ArticleTrace.article_id.in_(ids)))
    return len(old)


def _uncount(session: Session, all_keys: Sequence[Iterable[str]]) -> None:
    numbers = _numbers(all_keys)
    count = KeyCount.__table__.c
    taking = update(KeyCount.__table__).where(count.key == sa.bindparam("of_key"))  # type: ignore[arg-type]
    taking = taking.values(articles=count.articles - sa.bindparam("number"))
    session.execute(taking, [{"of_key": key, "number": number} for key, number in sorted(numbers.items())])
    gone = iter(sorted(numbers.keys() - {ALL_ARTICLES}))
    while some := list(islice(gone, _AT_ONCE)):
        session.execute(delete(KeyCount).where(KeyCount.key.in_(some), KeyCount.articles <= 0))


def _numbers(all_keys: Sequence[Iterable[str]]) -> dict[str, int]:
    numbers = Counter(key for keys in all_keys for key in keys)
    return {ALL_ARTICLES: len(all_keys), **numbers}
