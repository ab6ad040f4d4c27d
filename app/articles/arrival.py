"""Entries become articles, each once: the same GUID in a source, or the same page anywhere, is the same article."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.entries import Entry
from app.articles.models import Article, Source
from app.articles.urls import index_key, link_key
from app.db import insert_into

#: The web is younger; an earlier date is a default of somebody's software.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


def store_entries(session: Session, *, source: Source, entries: Sequence[Entry], now: datetime) -> int:
    """Add the entries that are new as articles of `source` arriving `now`; return their number.

    A link that several entries of one feed share is a page about them all, so that it tells none of them apart.
    """
    shared = Counter(link_key(entry.link) for entry in entries if entry.link)
    rows: dict[str, dict[str, object]] = {}
    for entry in entries:
        if entry.link or entry.summary:
            key = link_key(entry.link) if entry.link else None
            row = _row(entry, source, key if key and shared[key] == 1 else None, now)
            rows.setdefault(str(row["guid"]), row)
    known = _known(session, source, rows.values())
    return insert_articles(session, [row for row in rows.values() if not known & {row["guid"], row["link_key"]}])


def insert_articles(session: Session, rows: Sequence[dict[str, object]]) -> int:
    """Insert `rows`, passing over those that another process has stored meanwhile; return how many were inserted."""
    if not rows:
        return 0
    statement = insert_into(session, Article).on_conflict_do_nothing().returning(Article.id)
    return len(session.scalars(statement, rows).all())


def published(moment: datetime | None, now: datetime) -> datetime:
    """Return when a piece was published: never later than `now`, and `now` where the feed gives no likely date."""
    return min(moment, now) if moment is not None and moment >= EARLIEST else now


def _row(entry: Entry, source: Source, key: str | None, now: datetime) -> dict[str, object]:
    return {
        "source_id": source.id,
        "guid": index_key(entry.guid or f"{entry.link or ''} {entry.title}"),
        "link": entry.link,
        "link_key": key,
        "language": source.language,
        "title": entry.title,
        "summary": entry.summary,
        "body": entry.body,
        "image_url": entry.image_url,
        "published_at": published(entry.published_at, now),
        "added_at": now,
    }


def _known(session: Session, source: Source, rows: Iterable[dict[str, object]]) -> set[object]:
    """Return the GUIDs of `rows` that the source has brought before, and their link keys that any article has."""
    guids, keys = zip(*((row["guid"], row["link_key"]) for row in rows), strict=True) if rows else ((), ())
    by_guid = select(Article.guid).where(Article.source_id == source.id, Article.guid.in_(guids))
    by_link = select(Article.link_key).where(Article.link_key.in_([key for key in keys if key]))
    return {*session.scalars(by_guid), *session.scalars(by_link)}
