"""Reads the pages of articles of which the feed has only a teaser. No network inside a transaction."""

import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.apart import Parsers
from app.articles.clean import one_line
from app.articles.fetch import PAGE_FORMATS, FetchLimits, fetch
from app.articles.intake import fetch_limits, lane_of, page_limits, retry_after
from app.articles.invitations import without_invitation
from app.articles.lanes import in_lanes
from app.articles.models import Article, Source, held_articles
from app.articles.reading_time import reading_minutes
from app.articles.web_page import WebPage
from app.db import Database
from app.errors import FetchRefused, HostAway
from app.settings.fetching import FetchSettings

log = logging.getLogger(__name__)

#: Pages read in one run of the job.
PAGES = 100
#: Between two pages of one host.
PAUSE_S = 1.0
#: When a page that could not be read is tried again; after the last of these it is given up.
RETRIES = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
PAUSE_MAX = timedelta(days=7)
FAILURE_MAX_CHARS = 500
#: Answers after which no other is to be expected.
FINAL = frozenset({401, 402, 404, 405, 406, 410, 451})
_LONG_WORD = re.compile(r"\w{4,}")


@dataclass(frozen=True)
class PageReading:
    """What came of reading one page: the article in it, or a failure in words."""

    page: WebPage | None = None
    failure: str | None = None
    is_final: bool = False
    retry_after: timedelta | None = None
    is_host_away: bool = False


@dataclass(frozen=True)
class DuePage:
    """A page to read; `title` is what its article is called in the feed, `feed` where that is."""

    article_id: int
    link: str
    title: str
    feed: str


def read_due_pages(database: Database, *, settings: FetchSettings, now: datetime) -> dict[int, PageReading]:
    """Read the pages whose time has come, of each host one after another, and return what came of each article's."""
    with database.reading() as session:
        due = due_pages(session, now)
    limits, readings = fetch_limits(settings), dict[int, PageReading]()

    def read(page: DuePage, before: PageReading | None) -> PageReading:
        if before is not None:
            if before.is_host_away:
                return before
            time.sleep(PAUSE_S)
        return _read(page, page_limits(page.feed, limits), parsers, now)

    with Parsers() as parsers:
        for page, reading in in_lanes(due, lane_of=lambda page: lane_of(page.link, limits), work=read):
            readings[page.article_id] = _record(database, page.article_id, reading, now)
    return readings


def due_pages(session: Session, now: datetime) -> Sequence[DuePage]:
    """Return the pages to read, the longest waiting first; those of articles that are held wait for the editor too."""
    query = (
        select(Article.id, Article.link, Article.title, sa.func.coalesce(Source.location, ""))
        .outerjoin(Source, Source.id == Article.source_id)
        .where(Article.page_due_at <= now, Article.link.is_not(None), Article.flood_id.is_(None))
        .order_by(Article.page_due_at, Article.id)
        .limit(PAGES)
    )
    return [DuePage(article_id, str(link), *rest) for article_id, link, *rest in session.execute(query)]


def record_page(session: Session, *, article_id: int, reading: PageReading, now: datetime) -> None:
    """Store what the page of an article says, or when it is tried again; the feed's own title stays."""
    article = session.scalars(held_articles([article_id])).one()
    if reading.page is None:
        _record_failure(article, reading, now)
        return
    article.page_due_at, article.page_failure = None, None
    text = without_invitation(reading.page.text)
    said_by_feed = article.body if article.page_read_at is None else article.summary
    if len(text) > len(said_by_feed):
        article.body, article.reading_minutes, article.page_read_at = text, reading_minutes(text), now
        article.language = reading.page.language or article.language
        article.classified_at = None
    article.authors = article.authors or reading.page.authors
    article.image_url = article.image_url or reading.page.image_url
    article.canonical_link = reading.page.link


def _record(database: Database, article_id: int, reading: PageReading, now: datetime) -> PageReading:
    """Store a reading, or else that it could not be stored: its page would stay the first to be read, for ever."""
    unfit = PageReading(failure="what the page says could not be stored")
    for each in (reading, unfit):
        try:
            with database.transaction() as session:
                record_page(session, article_id=article_id, reading=each, now=now)
            return each
        except Exception:
            log.exception("the page of article %s could not be recorded", article_id)
    return unfit


def _record_failure(article: Article, reading: PageReading, now: datetime) -> None:
    article.page_failure = one_line(reading.failure or "", FAILURE_MAX_CHARS)
    tries, article.page_tries = article.page_tries, article.page_tries + 1
    if reading.is_final or tries >= len(RETRIES):
        article.page_due_at = None
    else:
        article.page_due_at = now + max(RETRIES[tries], min(reading.retry_after or timedelta(), PAUSE_MAX))


def _read(due: DuePage, limits: FetchLimits, parsers: Parsers, now: datetime) -> PageReading:
    """Return what one page says now; this is the loop's body, where a defect of ours must not stop other pages."""
    try:
        answer = fetch(due.link, limits=limits, formats=PAGE_FORMATS)
        if answer.status in {429, 503}:
            pause = retry_after(answer, now)
            return PageReading(failure=f"the server answers {answer.status}", retry_after=pause, is_host_away=True)
        if answer.status != 200:
            return PageReading(failure=f"the server answers {answer.status}", is_final=answer.status in FINAL)
        content_type = answer.headers.get("content-type", "")
        if "html" not in content_type.lower():
            return PageReading(failure="this is no web page", is_final=True)
        page = parsers.page(answer.body, answer.url, content_type=content_type)
    except FetchRefused as refusal:
        return PageReading(failure=str(refusal), is_host_away=isinstance(refusal, HostAway))
    except Exception:
        log.exception("the page of article %s could not be read", due.article_id)
        return PageReading(failure="the page could not be read: an error of ours, see the log")
    if not _is_about(page, due.title):
        return PageReading(failure="the page shows another text than the feed announces")
    return PageReading(page=page)


def _is_about(page: WebPage, title: str) -> bool:
    """Say whether a page has half of the title's words: a wall of consent or payment has few of them."""
    words = set(_LONG_WORD.findall(title.casefold()))
    found = set(_LONG_WORD.findall(f"{page.title}\n{page.text}".casefold()))
    return bool(page.text) and len(words & found) * 2 >= len(words)
