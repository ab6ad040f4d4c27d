"""Classifies the articles that are new or whose text changed, and all of them anew when the taxonomy did."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, Select, delete, func, insert, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.db import Database, insert_into
from app.topics.classify import Classification, classify
from app.topics.corrections import carried_topics
from app.topics.models import ArticleTopic, ArticleWords, TaxonomyUse
from app.topics.taxonomy import Taxonomy
from app.topics.word_index import filed_words

log = logging.getLogger(__name__)

#: Articles read, classified and written at once.
BATCH = 100

#: Id, language, title, summary, body.
_Text = Row[int, str, str, str, str]


@dataclass(frozen=True)
class Classified:
    """How many articles were classified for the first time or since their text changed, and how many anew."""

    new: int
    anew: int


def classify_articles(database: Database, taxonomy: Taxonomy, *, now: datetime, batches: int = 20) -> Classified:
    """Classify up to `batches` batches of articles, new ones first; what is left is for the next call.

    Texts are classified outside any transaction; an article whose text changes meanwhile stays to be done. Whoever
    changes an article's title or text sets its `classified_at` to None.
    """
    new = anew = 0
    for _ in range(batches):
        with database.reading() as session:
            waiting = session.execute(_waiting()).all()
        if waiting:
            new += _classify(database, taxonomy, waiting, now)
            continue
        use = _use_of(database, taxonomy, now)
        if use.ended_at is not None:
            break
        anew += _go_on(database, taxonomy, use, now)
    return Classified(new, anew)


def _go_on(database: Database, taxonomy: Taxonomy, use: TaxonomyUse, now: datetime) -> int:
    """Classify the next batch of those that an earlier taxonomy classified, and note how far that went."""
    with database.reading() as session:
        older = session.execute(_older(use)).all()
    number = _classify(database, taxonomy, older, now)
    done: dict[str, object] = {"below_id": older[-1].id} if older else {"ended_at": now}
    with database.transaction() as session:
        session.execute(update(TaxonomyUse).where(TaxonomyUse.id == use.id).values(done))
    return number


def _classify(database: Database, taxonomy: Taxonomy, texts: Sequence[_Text], now: datetime) -> int:
    """Classify articles, or each by itself where one breaks it: that stays without topics, and keeps none waiting."""
    try:
        return _classify_at_once(database, taxonomy, texts, now)
    except OperationalError:
        raise  # the database is away or busy: no article's fault
    except Exception:
        if len(texts) > 1:
            return sum(_classify(database, taxonomy, [text], now) for text in texts)
        log.exception("article %s cannot be classified", texts[0].id)
    with database.transaction() as session:
        session.execute(update(Article).where(Article.id == texts[0].id).values(classified_at=now))
    return 1


def _classify_at_once(database: Database, taxonomy: Taxonomy, texts: Sequence[_Text], now: datetime) -> int:
    found = {
        text.id: classify(taxonomy, title=text.title, text=text.body or text.summary, language=text.language)
        for text in texts
    }
    with database.transaction() as session:
        return _store(session, texts, found, now)


def _store(session: Session, texts: Sequence[_Text], found: dict[int, Classification], now: datetime) -> int:
    """Put topics and words in the place of the earlier ones of those articles that still have these texts."""
    held = _texts().where(Article.id.in_(found)).order_by(Article.id).with_for_update(key_share=True, of=Article)
    as_read = {text.id: tuple(text) for text in texts}
    ids = [text.id for text in session.execute(held).all() if tuple(text) == as_read[text.id]]
    rows = carried_topics(session, {article_id: found[article_id] for article_id in ids})
    session.execute(delete(ArticleTopic).where(ArticleTopic.article_id.in_(ids)))
    if rows:
        session.execute(insert(ArticleTopic), rows)
    _file_words(session, [text for text in texts if text.id in ids])
    session.execute(update(Article).where(Article.id.in_(ids)).values(classified_at=now))
    return len(ids)


def _file_words(session: Session, texts: Sequence[_Text]) -> None:
    """Keep the words by which the desk finds these articles; what has not changed is not written."""
    if not texts:
        return
    rows = [{"article_id": text.id, "words": filed_words(text.title, text.summary)} for text in texts]
    insert = insert_into(session, ArticleWords).values(rows)
    changed = {"words": insert.excluded.words}
    is_other = ArticleWords.words != insert.excluded.words
    session.execute(insert.on_conflict_do_update(index_elements=["article_id"], set_=changed, where=is_other))


def _texts() -> Select[int, str, str, str, str]:
    return select(Article.id, Article.language, Article.title, Article.summary, Article.body)


def _waiting() -> Select[int, str, str, str, str]:
    return _texts().where(Article.classified_at.is_(None)).order_by(Article.id.desc()).limit(BATCH)


def _older(use: TaxonomyUse) -> Select[int, str, str, str, str]:
    is_older = Article.classified_at < use.began_at
    return _texts().where(Article.id < use.below_id, is_older).order_by(Article.id.desc()).limit(BATCH)


def _use_of(database: Database, taxonomy: Taxonomy, now: datetime) -> TaxonomyUse:
    """Return the use of `taxonomy`; it begins now where another one was in use."""
    newest = select(TaxonomyUse).order_by(TaxonomyUse.id.desc()).limit(1)
    with database.reading() as session:
        use = session.scalars(newest).first()
    if use is not None and use.digest == taxonomy.digest:
        return use
    with database.transaction() as session:
        last_id = session.scalar(select(func.max(Article.id))) or 0
        use = TaxonomyUse(digest=taxonomy.digest, began_at=now, below_id=last_id + 1, ended_at=None)
        session.add(use)
    return use
