"""Brings articles in: from the feeds that are due, many hosts at once, and by hand. No network inside a transaction."""

import hashlib
import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from app import i18n
from app.articles.apart import Parsers
from app.articles.arrival import Arrival
from app.articles.clean import title_line
from app.articles.entries import Feed
from app.articles.extract import Extracted
from app.articles.feeds import FEED_MAX_BYTES
from app.articles.fetch import Fetched, FetchLimits, fetch, origin_of
from app.articles.lanes import in_lanes
from app.articles.models import Article, Source, SourceKind
from app.articles.own import hold_row, own_row
from app.articles.sources import Reading, due_sources, record_fetch
from app.articles.urls import host_of, web_link
from app.db import Database
from app.errors import FetchRefused, HostAway, InputRefused, NotFound
from app.settings.fetching import FetchSettings

log = logging.getLogger(__name__)

_HEADER_VALUE = re.compile(r"[\x21-\x7e][\x20-\x7e]*")


@dataclass(frozen=True)
class FetchReport:
    """What the fetch of one source came to: what arrived, or a failure in words."""

    source_id: int
    name: str
    arrival: Arrival
    failure: str | None

    @property
    def new(self) -> int:
        """The number of new articles, those that are held among them."""
        return self.arrival.new


def fetch_due(
    database: Database,
    *,
    settings: FetchSettings,
    now: Callable[[], datetime],
    only: Collection[int] | None = None,
    is_forced: bool = False,
    progress: Callable[[FetchReport], None] | None = None,
) -> list[FetchReport]:
    """Fetch the sources that are due and store what is new; `progress` is called after each.

    `now` is the clock, read anew for each source: what arrives is to bear a time that no digest looked past before it
    could be seen.
    `is_forced` takes all active sources, due or not; `only` takes the sources of these ids, active or not.
    Of one host, feeds are fetched one after another; when it is away, or asks for a pause, the rest of them wait too.
    A source that fails, for whatever reason, is recorded with it and never stops those of other hosts.
    Raises NotFound, before any is fetched, where `only` names one that is none.
    """
    with database.reading() as session:
        sources = _chosen(session, now(), only, is_forced)
    limits = fetch_limits(settings)
    interval = timedelta(minutes=settings.interval_minutes)
    reports = []

    def read(source: Source, before: Reading | None) -> Reading:
        return before if before is not None and before.is_host_away else _read(source, limits, parsers, now())

    with Parsers() as parsers:
        for source, reading in in_lanes(sources, lane_of=lambda source: lane_of(source.location, limits), work=read):
            report = _record(database, source, reading, interval, now)
            reports.append(report)
            if progress is not None:
                progress(report)
    return reports


def preview_feed(location: str, *, settings: FetchSettings) -> Feed:
    """Return the feed at a URL or in a file as it would come in now; stores nothing. Raises FetchRefused."""
    with Parsers() as parsers:
        if "://" not in location:
            return read_feed_file(Path(location).absolute(), parsers)
        answer = fetch(location, limits=fetch_limits(settings))
        if answer.status != 200:
            raise FetchRefused(f"the server answers {answer.status}")
        return read_feed_answer(answer, parsers)


def fetch_limits(settings: FetchSettings) -> FetchLimits:
    """Return what one fetch may take, under these settings."""
    return FetchLimits(allowed_inward=settings.allowed_inward, contact=settings.contact)


def page_limits(feed: str, limits: FetchLimits) -> FetchLimits:
    """Return what a page that a feed links may take: only a feed of the newsroom's own leads inward."""
    return limits if _is_own(feed, limits) else replace(limits, allowed_inward=frozenset())


def lane_of(location: str, limits: FetchLimits) -> str | None:
    """Return the host whose feeds and pages are asked for one at a time; None for files and the newsroom's own."""
    host = host_of(location)
    return None if not host or _is_own(location, limits) else host


def add_article(
    session: Session, *, language: str, title: str | None, extracted: Extracted, link: str | None, now: datetime
) -> Article:
    """Return the article of `extracted`, added now.

    Raises InputRefused for an unknown language, a link that is not http or https, a missing title, and, naming it,
    where an article of the same link, or else of the same text, is there.
    """
    if language not in i18n.LANGUAGES:
        raise InputRefused(f"there is no newsletter in the language {language!r}")
    heading = title_line(title or extracted.title or "")
    if not heading:
        raise InputRefused("the article needs a title")
    page = web_link(link) if link else None
    if link and page is None:
        raise InputRefused("the link is not an http or https address")
    row = own_row(language=language, title=heading, summary=extracted.summary, text=extracted.text, link=page)
    hold_row(session, row)
    same_link, same_text = Article.link_key == row["link_key"], Article.guid == row["guid"]
    known = session.scalars(
        select(Article.id).where(same_link if page else and_(Article.source_id.is_(None), same_text))
    ).first()
    if known is not None:
        raise InputRefused(f"article {known} has this {'link' if page else 'text'} already")
    article = Article(**row, authors=extracted.authors, published_at=now, added_at=now)
    session.add(article)
    session.flush()
    return article


def _is_own(location: str, limits: FetchLimits) -> bool:
    try:
        return origin_of(location) in limits.allowed_inward
    except FetchRefused:
        return False  # whoever asks for it will be told why


def _chosen(session: Session, now: datetime, only: Collection[int] | None, is_forced: bool) -> Sequence[Source]:
    if only is not None:
        named = session.scalars(select(Source).where(Source.id.in_(only)).order_by(Source.id)).all()
        if missing := sorted(set(only) - {source.id for source in named}):
            raise NotFound(f"no source {missing[0]}")
        return named
    if is_forced:
        return session.scalars(select(Source).where(Source.is_active).order_by(Source.id)).all()
    return due_sources(session, now)


def _record(
    database: Database, source: Source, reading: Reading, interval: timedelta, now: Callable[[], datetime]
) -> FetchReport:
    """Store a reading, or else that it could not be stored: the source would be due, and asked, again at once."""
    unfit = Reading(failure="what was fetched could not be stored")
    for each in (reading, unfit):
        try:
            with database.transaction() as session:
                arrival = record_fetch(session, source_id=source.id, reading=each, interval=interval, now=now())
            return FetchReport(source.id, source.name, arrival, each.failure)
        except NotFound:
            return FetchReport(source.id, source.name, Arrival(), "the source was removed meanwhile")
        except Exception:
            log.exception("source %s could not be recorded", source.id)
    return FetchReport(source.id, source.name, Arrival(), unfit.failure)


def _read(source: Source, limits: FetchLimits, parsers: Parsers, now: datetime) -> Reading:
    """Return what one source shows now; this is the loop's body, where a defect of ours must not stop other feeds."""
    try:
        if source.kind is SourceKind.FILE:
            return Reading(feed=read_feed_file(Path(source.location), parsers))
        answer = fetch(source.location, etag=source.etag, modified=source.last_modified, limits=limits)
        return _read_answer(source, answer, parsers, now)
    except FetchRefused as refusal:
        return Reading(failure=str(refusal), is_host_away=isinstance(refusal, HostAway))
    except Exception:
        log.exception("source %s could not be read", source.id)
        return Reading(failure="the feed could not be read: an error of ours, see the log")


def read_feed_file(path: Path, parsers: Parsers) -> Feed:
    """Return the feed in a file. Raises FetchRefused."""
    try:
        with path.open("rb") as file:
            body = file.read(FEED_MAX_BYTES + 1)
    except OSError as error:
        raise FetchRefused(f"the file cannot be read: {error.strerror}") from error
    return parsers.feed(body, path.as_uri())


def read_feed_answer(answer: Fetched, parsers: Parsers) -> Feed:
    """Return the feed in an answer. Raises FetchRefused."""
    return parsers.feed(answer.body, answer.url, content_type=answer.headers.get("content-type", ""))


def _read_answer(source: Source, answer: Fetched, parsers: Parsers, now: datetime) -> Reading:
    match answer.status:
        case 200:
            body_hash = hashlib.sha256(answer.body).hexdigest()
            if body_hash == source.body_hash:
                return Reading()
            feed = read_feed_answer(answer, parsers)
            etag, modified = _kept(answer.headers, "etag", 500), _kept(answer.headers, "last-modified", 100)
            return Reading(feed=feed, etag=etag, last_modified=modified, body_hash=body_hash)
        case 304:
            return Reading()
        case 410:
            return Reading(failure="the feed is gone for good, says its server (410)", is_gone=True)
        case 429 | 503:
            asked = f"the server asks us to come back later ({answer.status})"
            return Reading(failure=asked, retry_after=retry_after(answer, now), is_host_away=True)
    return Reading(failure=f"the server answers {answer.status}")


def _kept(headers: Mapping[str, str], name: str, max_chars: int) -> str | None:
    """Return a header that is fit to be sent back later, else None."""
    value = headers.get(name, "").strip()
    return value if len(value) <= max_chars and _HEADER_VALUE.fullmatch(value) else None


def retry_after(answer: Fetched, now: datetime) -> timedelta | None:
    """Return the pause a server asks for, in seconds or until a date (RFC 9110 §10.2.3)."""
    value = answer.headers.get("retry-after", "")
    try:
        if re.fullmatch(r"[0-9]{1,9}", value.strip()):
            return timedelta(seconds=int(value))
        moment = parsedate_to_datetime(value)
        return max((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now, timedelta())
    except (ValueError, OverflowError):
        return None
