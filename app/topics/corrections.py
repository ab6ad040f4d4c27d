"""What editors correct: a topic added to an article or taken from it. Their word stands over every classification."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from app.articles.models import Article, held_articles
from app.db import insert_into
from app.errors import InputRefused, NotFound
from app.topics.classify import Classification, Found, Rank, classify
from app.topics.models import ArticleTopic, Correction, Reason, TopicCorrection
from app.topics.taxonomy import Taxonomy


def correct_topic(
    session: Session,
    taxonomy: Taxonomy,
    *,
    article_id: int,
    topic: str,
    correction: Correction,
    by: str,
    now: datetime,
) -> Correction | None:
    """Add a topic to an article as a primary one, or take it away, for good: `by` is the editor's address.

    The editor's latest word on the same topic replaces the earlier one, which is returned if there is one. What an
    article carries may be taken away even if the taxonomy no longer has it.
    Raises NotFound for an article, InputRefused for a topic that is not there.
    """
    _hold_article(session, article_id)
    carried = {each.topic: each for each in session.scalars(topics_of([article_id]))}
    if topic not in taxonomy.topics and not (topic in carried and correction is Correction.REMOVED):
        raise InputRefused(f"the taxonomy has no topic {topic!r}")
    before = session.get(TopicCorrection, (article_id, topic), populate_existing=True)
    earlier = before.correction if before else None
    values = {"correction": correction, "by": by, "at": now}
    insert = insert_into(session, TopicCorrection).values(article_id=article_id, topic=topic, **values)
    session.execute(insert.on_conflict_do_update(index_elements=["article_id", "topic"], set_=values))
    _apply(session, carried.get(topic), _added(article_id, topic, []), correction)
    return earlier


def withdraw_correction(session: Session, taxonomy: Taxonomy, *, article_id: int, topic: str) -> None:
    """Let the rules decide on a topic again of which an editor had said something.

    Raises NotFound for an article, InputRefused where nobody said anything.
    """
    article = _hold_article(session, article_id)
    key = (article_id, topic)
    correction = session.get(TopicCorrection, key, populate_existing=True) if topic.isprintable() else None
    if correction is None:
        raise InputRefused(f"nobody corrected the topic {topic!r} of this article")
    session.delete(correction)
    session.execute(delete(ArticleTopic).where(ArticleTopic.article_id == article_id, ArticleTopic.topic == topic))
    text = article.body or article.summary
    found = classify(taxonomy, title=article.title, text=text, language=article.language)
    session.add_all(ArticleTopic(**_by_rules(article_id, each)) for each in found.topics if each.key == topic)
    session.flush()


def carried_topics(session: Session, found: Mapping[int, Classification]) -> list[dict[str, object]]:
    """Return the rows of `article_topics` for articles by id: what the rules found, as editors corrected it."""
    query = select(TopicCorrection).where(TopicCorrection.article_id.in_(found))
    corrections = {(each.article_id, each.topic): each.correction for each in session.scalars(query)}
    rows = []
    for article_id, classification in found.items():
        by_rules = {topic.key: topic for topic in classification.topics}
        for key, topic in by_rules.items():
            if (article_id, key) not in corrections:
                rows.append(_by_rules(article_id, topic))
        rows += [
            _added(article_id, key, _reasons(by_rules[key]) if key in by_rules else [])
            for (of, key), correction in corrections.items()
            if of == article_id and correction is Correction.ADDED
        ]
    return rows


def topics_of(article_ids: Iterable[int]) -> Select[ArticleTopic]:
    """Select the topics that articles carry, primary ones first, the heaviest first."""
    query = select(ArticleTopic).where(ArticleTopic.article_id.in_(list(article_ids)))
    return query.order_by(ArticleTopic.article_id, ArticleTopic.rank, ArticleTopic.weight.desc(), ArticleTopic.topic)


def _hold_article(session: Session, article_id: int) -> Article:
    """Return an article, which the classification holds first too: it must not put back what is taken away here."""
    article = session.scalars(held_articles([article_id])).one_or_none()
    if article is None:
        raise NotFound(f"no article {article_id}")
    return article


def _apply(session: Session, carried: ArticleTopic | None, added: dict[str, object], correction: Correction) -> None:
    if correction is Correction.ADDED and carried is not None:
        carried.weight, carried.rank, carried.is_by_editor = 1.0, Rank.PRIMARY, True
    elif correction is Correction.ADDED:
        session.add(ArticleTopic(**added))
    elif carried is not None:
        session.delete(carried)
    session.flush()


def _by_rules(article_id: int, topic: Found) -> dict[str, object]:
    return {
        "article_id": article_id,
        "topic": topic.key,
        "weight": topic.weight,
        "rank": topic.rank,
        "words": _reasons(topic),
        "is_by_editor": False,
    }


def _added(article_id: int, topic: str, words: list[Reason]) -> dict[str, object]:
    return {
        "article_id": article_id,
        "topic": topic,
        "weight": 1.0,
        "rank": Rank.PRIMARY,
        "words": words,
        "is_by_editor": True,
    }


def _reasons(topic: Found) -> list[Reason]:
    return [{"word": each.written, "where": each.zone.value, "times": each.times} for each in topic.evidence]
