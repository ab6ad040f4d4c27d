"""Clippings: the articles of sent editions, each once in a language, to be found by topic and by words."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.db import insert_into
from app.editions.archive import is_listed, is_the_newsletters, sent_at
from app.editions.models import Edition, EditionItem
from app.editions.pieces import Piece, piece_of
from app.editions.records import CLIPPING_INDEX, Clipping
from app.newsletters.models import Newsletter
from app.topics.classify import Rank
from app.topics.corrections import topics_of
from app.topics.models import ArticleTopic
from app.topics.word_index import filed_words

#: Editions that one call files.
BATCH = 20
#: What topics are counted over: the clippings of so long, and no more than so many of them.
COUNTED_FOR = timedelta(days=365)
COUNTED_MAX = 5_000

#: Literally, as the partial index says it.
_IS_UNFILED = sa.text("editions.status = 'sent' AND editions.filed_at IS NULL AND editions.variant_of IS NULL")


@dataclass(frozen=True)
class Clip:
    """A clipping as pages show it. `place` is the article's in its edition, `revision` says which text that carried.

    `topics` are the keys of its primary ones, `zone` is the newsletter's.
    """

    number: int
    article_id: int
    revision: int | None
    piece: Piece
    edition_public_id: str
    place: int
    sent_at: datetime
    filed_at: datetime
    zone: str
    topics: tuple[str, ...]

    @property
    def sent_on(self) -> date:
        """The day that its edition was sent, on the newsletter's calendar."""
        return self.sent_at.astimezone(ZoneInfo(self.zone)).date()


def file_editions(session: Session, *, now: datetime) -> int:
    """Make clippings of the articles of editions that were sent since, the oldest first; return how many editions.

    An article that an earlier edition of the same language carried keeps its place. The first article of an edition is
    filed last, so that it comes first where the newest do. What will never be listed is filed without any: to be looked
    at once is enough.
    """
    others = sa.update(Edition).where(_IS_UNFILED, ~is_the_newsletters()).values(filed_at=now)
    session.execute(others, execution_options={"synchronize_session": False})
    unfiled = select(Edition).where(_IS_UNFILED, is_listed(now))
    held = unfiled.order_by(Edition.id).limit(BATCH).with_for_update(key_share=True, skip_locked=True, of=Edition)
    editions = session.scalars(held).all()
    for edition in editions:
        if edition.items:
            insert = insert_into(session, Clipping).values([_filed(edition, item) for item in reversed(edition.items)])
            session.execute(insert.on_conflict_do_nothing())
        edition.filed_at = now
    session.flush()
    return len(editions)


def clippings(
    session: Session,
    *,
    language: str,
    topics: Collection[str] = (),
    words: tuple[str, ...] = (),
    before: int | None = None,
    length: int,
    publication: str,
    now: datetime,
) -> list[Clip]:
    """Return clippings of `language`, newest first, from below the number `before` on.

    Only those on one of `topics`, if any are given, and with all of `words` (`asked_words`), if any.
    """
    query = _listed(language, now).limit(length)
    if topics:
        query = query.where(_is_on(topics))
    if words:
        query = CLIPPING_INDEX.newest_with(session, query, words=words, before=before)
    else:
        query = query.where(Clipping.id < before) if before is not None else query
        query = query.order_by(Clipping.id.desc())
    rows = session.execute(query).unique().all()
    carried = primary_topics(session, [row[1].article_id for row in rows])
    return [_clip(*row, carried, publication) for row in rows]


def topic_counts(
    session: Session, *, language: str, regions: Mapping[str, Collection[str]], now: datetime
) -> Mapping[str, int]:
    """Return how many clippings of the last year carry each topic, by its key, and how many there are under "".

    A region is carried with each of its countries, which `regions` names by its key. Counted are the newest
    `COUNTED_MAX` at most.
    """
    newest = _newest(language, now).subquery()
    carried = select(ArticleTopic.topic, ArticleTopic.article_id)
    carried = carried.join(newest, newest.c.article_id == ArticleTopic.article_id)
    articles: dict[str, set[int]] = {}
    for topic, article_id in session.execute(carried):
        articles.setdefault(topic, set()).add(article_id)
    for region, countries in regions.items():
        articles[region] = articles.get(region, set()).union(*(articles.get(country, ()) for country in countries))
    total = session.scalar(select(sa.func.count()).select_from(newest)) or 0
    return {"": total, **{topic: len(found) for topic, found in articles.items() if found}}


def primary_topics(session: Session, article_ids: Sequence[int]) -> Mapping[int, tuple[str, ...]]:
    """Return the keys of the topics that articles are about, the heaviest first, by article."""
    carried: dict[int, tuple[str, ...]] = {}
    for each in session.scalars(topics_of(article_ids)):
        if each.rank is Rank.PRIMARY:
            carried[each.article_id] = (*carried.get(each.article_id, ()), each.topic)
    return carried


def _filed(edition: Edition, item: EditionItem) -> dict[str, object]:
    return {
        "item_id": item.id,
        "article_id": item.article_id,
        "language": edition.language,
        "sent_at": sent_at(edition),
        "words": filed_words(item.shown_title, item.shown_summary),
    }


def _listed(language: str, now: datetime) -> Select[Clipping, EditionItem, Edition, str]:
    return (
        select(Clipping, EditionItem, Edition, Newsletter.timezone)
        .join(EditionItem, EditionItem.id == Clipping.item_id)
        .join(Edition, Edition.id == EditionItem.edition_id)
        .join(Newsletter, Newsletter.id == Edition.newsletter_id)
        .where(Clipping.language == language, is_listed(now))
    )


def _clip(
    clipping: Clipping,
    item: EditionItem,
    edition: Edition,
    zone: str,
    carried: Mapping[int, tuple[str, ...]],
    publication: str,
) -> Clip:
    return Clip(
        number=clipping.id,
        article_id=item.article_id,
        revision=item.revision,
        piece=piece_of(item, zone=zone, publication=publication),
        edition_public_id=edition.public_id,
        place=item.position,
        sent_at=clipping.sent_at,
        filed_at=edition.filed_at or clipping.sent_at,
        zone=zone,
        topics=carried.get(item.article_id, ()),
    )


def _newest(language: str, now: datetime) -> Select[int]:
    listed = select(EditionItem.id).join(Edition).where(EditionItem.id == Clipping.item_id, is_listed(now))
    return (
        select(Clipping.article_id)
        .where(Clipping.language == language, Clipping.sent_at > now - COUNTED_FOR, listed.exists())
        .order_by(Clipping.id.desc())
        .limit(COUNTED_MAX)
    )


def _is_on(topics: Collection[str]) -> sa.ColumnElement[bool]:
    # Asked of each clipping: there are far fewer of them than articles on a topic.
    carried = select(ArticleTopic.topic).where(ArticleTopic.topic.in_(topics))
    return carried.where(ArticleTopic.article_id == Clipping.article_id).exists()
