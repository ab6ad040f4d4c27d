"""Feeds as rows: add, change, stop and remove one, find those that are due, record what a fetch brought.

Fetches nothing itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import i18n
from app.articles.arrival import Arrival, store_entries
from app.articles.clean import one_line
from app.articles.entries import Feed
from app.articles.fetch import parse_address
from app.articles.models import Article, Flood, Source, SourceKind
from app.articles.urls import host_of
from app.errors import FetchRefused, FieldsRefused, InputRefused, NotFound, TransitionRefused

NAME_MAX_CHARS = 200
FAILURE_MAX_CHARS = 500
#: A feed that keeps failing is still tried this often; a server may ask for a longer pause, up to a week.
RETRY_MAX = timedelta(days=1)
PAUSE_MAX = timedelta(days=7)


@dataclass(frozen=True)
class Reading:
    """What one fetch of a feed showed: a feed, nothing new (neither feed nor failure), or a failure in words.

    `is_host_away`: what was in the way concerns all feeds of the host, which is left alone for now.
    """

    feed: Feed | None = None
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    failure: str | None = None
    is_gone: bool = False
    retry_after: timedelta | None = None
    is_host_away: bool = False


def add_source(
    session: Session,
    *,
    location: str,
    language: str | None,
    name: str | None,
    now: datetime,
    takes_full_text: bool | None = None,
) -> Source:
    """Return the source at `location`: an http or https URL, or the path of a feed file. One location is one source.

    Without a language or name, the feed's own are taken when it is first read; without a word on full texts, what was
    said before stays, and nothing but the feed is read of a new source.
    Raises InputRefused if the location is neither, or the language is not one of ours.
    """
    if language and language not in i18n.LANGUAGES:
        raise InputRefused(f"there is no newsletter in the language {language!r}")
    kind, location = _place(location.strip())
    source = session.scalars(select(Source).where(Source.location == location)).one_or_none()
    if source is None:
        source = Source(kind=kind, location=location, language="", name=_first_name(location), created_at=now)
        session.add(source)
    source.is_active = True
    source.next_fetch_at = now
    if takes_full_text is not None:
        source.takes_full_text = takes_full_text
    source.language = language or source.language
    source.name = one_line(name or "", NAME_MAX_CHARS) or source.name
    session.flush()
    return source


def change_source(session: Session, source_id: int, *, name: str, language: str, takes_full_text: bool) -> Source:
    """Change what is said of a source; its language counts for articles to come. Raises FieldsRefused, NotFound."""
    source = _hold(session, source_id)
    name = name.strip()
    faults = {}
    if not name or not i18n.is_line(name):
        faults["name"] = "empty"
    elif len(name) > NAME_MAX_CHARS:
        faults["name"] = "long"
    if language not in {*i18n.LANGUAGES, source.language}:
        faults["language"] = "choice"
    if faults:
        raise FieldsRefused(faults)
    source.name, source.language, source.takes_full_text = name, language, takes_full_text
    session.flush()
    return source


def stop_source(session: Session, source_id: int) -> Source:
    """Read a source no more; its articles stay. Raises TransitionRefused where it is off already, NotFound."""
    source = _hold(session, source_id)
    if not source.is_active:
        raise TransitionRefused("this source is off already")
    source.is_active = False
    session.flush()
    return source


def resume_source(session: Session, source_id: int, *, now: datetime) -> Source:
    """Read a source again, soon. Raises TransitionRefused where it is not off, NotFound."""
    source = _hold(session, source_id)
    if source.is_active:
        raise TransitionRefused("this source is not off")
    source.is_active, source.failure, source.failures, source.next_fetch_at = True, None, 0, now
    session.flush()
    return source


def remove_source(session: Session, source_id: int) -> str:
    """Forget a source that never brought anything, and return its address.

    Raises TransitionRefused where articles came from it: letters name it beside them. NotFound.
    """
    source = _hold(session, source_id)
    if has_articles(session, source_id):
        raise TransitionRefused("articles came from this source; stop it instead")
    session.delete(source)
    session.flush()
    return source.location


def has_articles(session: Session, source_id: int) -> bool:
    """Return whether a source ever brought anything."""
    brought = select(sa.literal(1)).where(Article.source_id == source_id)
    held = select(sa.literal(1)).where(Flood.source_id == source_id)
    return bool(session.scalar(select(brought.exists() | held.exists())))


def due_sources(session: Session, now: datetime) -> Sequence[Source]:
    """Return the active sources whose time has come, the longest waiting first."""
    query = (
        select(Source).where(Source.is_active, Source.next_fetch_at <= now).order_by(Source.next_fetch_at, Source.id)
    )
    return session.scalars(query).all()


def record_fetch(session: Session, *, source_id: int, reading: Reading, interval: timedelta, now: datetime) -> Arrival:
    """Store what a fetch brought and say when the next one is due.

    One that was stopped meanwhile stays so. Raises NotFound if the source has gone meanwhile.
    """
    source = _hold(session, source_id)
    source.fetched_at = now
    if reading.failure is not None:
        _record_failure(source, reading, interval, now)
        return Arrival()
    source.failure, source.failures = None, 0
    source.next_fetch_at = now + interval
    if reading.feed is None:
        return Arrival()
    source.etag, source.last_modified = reading.etag, reading.last_modified
    source.body_hash = reading.body_hash
    _take_names(source, reading.feed)
    return store_entries(session, source=source, entries=reading.feed.entries, now=now)


def _record_failure(source: Source, reading: Reading, interval: timedelta, now: datetime) -> None:
    source.failure = one_line(reading.failure or "", FAILURE_MAX_CHARS)
    pause = min(interval * 2 ** min(source.failures, 10), max(interval, RETRY_MAX))
    source.failures += 1
    source.next_fetch_at = now + max(pause, min(reading.retry_after or timedelta(), PAUSE_MAX))
    source.is_active = source.is_active and not reading.is_gone


def _hold(session: Session, source_id: int) -> Source:
    source = session.get(Source, source_id, with_for_update=True, populate_existing=True)
    if source is None:
        raise NotFound(f"no source {source_id}")
    return source


def _take_names(source: Source, feed: Feed) -> None:
    """Fill in what nobody said when the source was added."""
    if not source.language:
        tag = (feed.language or "").replace("_", "-").partition("-")[0].lower()
        source.language = tag if tag.isascii() and tag.isalpha() and len(tag) in {2, 3} else i18n.DEFAULT_LANGUAGE
    if source.name == _first_name(source.location):
        source.name = one_line(feed.title, NAME_MAX_CHARS) or source.name


def _first_name(location: str) -> str:
    return one_line(host_of(location) or Path(location).name, NAME_MAX_CHARS)


def _place(location: str) -> tuple[SourceKind, str]:
    if "://" in location:
        try:
            return SourceKind.URL, parse_address(location).url
        except FetchRefused as error:
            raise InputRefused(str(error)) from error
    path = Path(location).expanduser().absolute()
    if not location.isprintable() or not path.is_file():
        raise InputRefused(f"there is no file {location!r}, and it is no http or https address")
    return SourceKind.FILE, str(path)
