"""Entries become articles, each once: the same GUID in a source, or the same page anywhere, is the same article."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.entries import Entry
from app.articles.floods import flood_reason, hold
from app.articles.models import Article, Source, held_articles
from app.articles.reading_time import is_teaser, reading_minutes
from app.articles.revisions import revise_article, text_hash
from app.articles.urls import index_key, link_key
from app.db import insert_into

#: The web is younger; an earlier date is a default of somebody's software.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)

Row = dict[str, object]


@dataclass(frozen=True)
class Arrival:
    """What a feed brought: articles that are new, of those the ones that are held, and texts that were revised."""

    new: int = 0
    held: int = 0
    revised: int = 0


@dataclass(frozen=True)
class _Known:
    """An article that is there already, as far as it takes to know it again."""

    id: int
    is_own: bool
    text_hash: str | None


def store_entries(session: Session, *, source: Source, entries: Sequence[Entry], now: datetime) -> Arrival:
    """Add the entries that are new as articles of `source` arriving `now`, and note what it says anew of others.

    A link that several entries of one feed share is a page about them all, so that it tells none of them apart.
    """
    rows = _rows(source, entries, now)
    known = _known(session, source, rows)
    new, revised = [], {}
    for row in rows:
        there = known.get(row["guid"]) or known.get(row["link_key"])
        if there is None:
            new.append(row)
        elif there.is_own and there.text_hash != row["text_hash"]:
            revised[there.id] = row
    reason = flood_reason(session, source=source, rows=new, now=now)
    flood_id = hold(session, source=source, reason=reason, number=len(new), now=now) if reason else None
    inserted = insert_articles(session, [{**row, "flood_id": flood_id} for row in new])
    return Arrival(inserted, inserted if flood_id else 0, _revise(session, revised, now))


def insert_articles(session: Session, rows: Sequence[Row]) -> int:
    """Insert `rows`, passing over those that another process has stored meanwhile; return how many were inserted."""
    if not rows:
        return 0
    statement = insert_into(session, Article).on_conflict_do_nothing().returning(Article.id)
    return len(session.scalars(statement, rows).all())


def published(moment: datetime | None, now: datetime) -> datetime:
    """Return when a piece was published: never later than `now`, and `now` where the feed gives no likely date."""
    return min(moment, now) if moment is not None and moment >= EARLIEST else now


def _revise(session: Session, rows: Mapping[int, Row], now: datetime) -> int:
    """Give articles, by id, the texts of these rows, as far as they have others; return how many that were.

    They are held after their flood, as by whoever lets one through, and in the order of their ids, as by the
    classification.
    """
    articles = session.scalars(held_articles(rows)).all() if rows else []
    return sum(revise_article(session, article, rows[article.id], now) for article in articles)


def _rows(source: Source, entries: Sequence[Entry], now: datetime) -> list[Row]:
    shared = Counter(link_key(entry.link) for entry in entries if entry.link)
    rows: dict[object, Row] = {}
    for entry in entries:
        if entry.link or entry.summary:
            key = link_key(entry.link) if entry.link else None
            row = _row(entry, source, key if key and shared[key] == 1 else None, now)
            rows.setdefault(row["guid"], row)
    return list(rows.values())


def _row(entry: Entry, source: Source, key: str | None, now: datetime) -> Row:
    is_due = source.takes_full_text and entry.link and is_teaser(entry.body)
    return {
        "source_id": source.id,
        "guid": index_key(entry.guid or f"{entry.link or ''} {entry.title}"),
        "link": entry.link,
        "link_key": key,
        "language": entry.language or source.language,
        "title": entry.title,
        "summary": entry.summary,
        "body": entry.body,
        "authors": entry.authors,
        "image_url": entry.image_url,
        "reading_minutes": reading_minutes(entry.body),
        "text_hash": text_hash(entry.title, entry.body),
        "page_due_at": now if is_due else None,
        "published_at": published(entry.published_at, now),
        "added_at": now,
    }


def _known(session: Session, source: Source, rows: Iterable[Row]) -> Mapping[object, _Known]:
    """Return the articles that are there, by the GUIDs that the source has brought, and by link of any source."""
    columns = (Article.id, Article.source_id, Article.text_hash)
    guids, keys = [row["guid"] for row in rows], [row["link_key"] for row in rows if row["link_key"]]
    by_guid = select(Article.guid, *columns).where(Article.source_id == source.id, Article.guid.in_(guids))
    by_link = select(Article.link_key, *columns).where(Article.link_key.in_(keys))
    return {
        name: _Known(article_id, source_id == source.id, known_hash)
        for query in (by_link, by_guid)
        for name, article_id, source_id, known_hash in session.execute(query)
    }
