"""Articles of no feed, which somebody put in by hand: known by their link, else by their text."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from app.articles.clean import title_line
from app.articles.extract import Extracted
from app.articles.models import Article, held_articles
from app.articles.reading_time import reading_minutes
from app.articles.revisions import revise_article, text_hash
from app.articles.urls import index_key, link_key
from app.db import hold_key
from app.errors import NotFound, TransitionRefused


def own_row(*, language: str, title: str, summary: str, text: str, link: str | None) -> Mapping[str, object]:
    """Return the columns of an article of no feed; `link` must come from `web_link`."""
    return {
        "language": language, "title": title, "summary": summary, "body": text, "link": link,
        "link_key": link_key(link) if link else None, "guid": _own_key(language, title, text),
        "reading_minutes": reading_minutes(text), "text_hash": text_hash(title, text),
    }  # fmt: skip


def hold_row(session: Session, row: Mapping[str, object]) -> None:
    """Let whoever puts in the same link, or the same text without one, wait until this transaction ends."""
    hold_key(session, f"article {row['link_key'] or row['guid']}")


def revise_own_article(
    session: Session, *, article_id: int, title: str | None, extracted: Extracted, now: datetime
) -> Article:
    """Give an article that was put in by hand the text of `extracted`, and its title, unless it keeps the one it has.

    Raises NotFound; TransitionRefused for an article of a feed, which would bring its own text again, and where the
    text is the one that it has.
    """
    article = own_article(session, article_id)
    heading = title_line(title or extracted.title or "") or article.title
    row = {
        "text_hash": text_hash(heading, extracted.text), "title": heading, "summary": extracted.summary,
        "body": extracted.text, "reading_minutes": reading_minutes(extracted.text), "page_due_at": None,
    }  # fmt: skip
    if not revise_article(session, article, row, now):
        raise TransitionRefused("this is the text that the article has")
    article.guid, article.markdown = _own_key(article.language, heading, extracted.text), None
    session.flush()
    return article


def own_article(session: Session, article_id: int) -> Article:
    """Return an article that was put in by hand, held until the transaction ends.

    Raises NotFound, and TransitionRefused for an article of a feed, which would bring its own text again.
    """
    article = session.scalars(held_articles([article_id])).one_or_none()
    if article is None:
        raise NotFound(f"no article {article_id}")
    if article.source_id is not None:
        raise TransitionRefused("this article is a feed's, which says what it reads")
    return article


def _own_key(language: str, title: str, text: str) -> str:
    return index_key(f"{language} {title}\n{text}")
