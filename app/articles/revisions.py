"""What is said anew of an article that is there: the newer text is kept, and what it replaced is noted."""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from app.articles.clean import title_line
from app.articles.extract import Extracted
from app.articles.models import Article, ArticleRevision, held_articles
from app.articles.reading_time import reading_minutes
from app.articles.urls import index_key
from app.errors import NotFound, TransitionRefused

#: Earlier texts that are noted of one article: some feeds write the hour into each.
NOTED_MAX = 50
_WORD = re.compile(r"\w+")


def text_hash(title: str, body: str) -> str:
    """Return a hash of the words of an article: other blanks, capitals or commas make no other text."""
    words = " ".join(_WORD.findall(f"{title}\n{body}".casefold()))
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()


def own_key(language: str, title: str, text: str) -> str:
    """Return what an article of no feed is known by, where it has no link: its text."""
    return index_key(f"{language} {title}\n{text}")


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
    article.guid, article.markdown = own_key(article.language, heading, extracted.text), None
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


def revise_article(session: Session, article: Article, row: Mapping[str, object], now: datetime) -> bool:
    """Give `article` the text of `row` if that is another one than it was given last; say whether it was.

    A text that was read from the article's page stays where the page is due to be read again, until then.
    """
    known = article.text_hash or text_hash(article.title, article.body)
    article.text_hash = str(row["text_hash"])
    if article.text_hash == known:
        return False
    if article.revision <= NOTED_MAX:
        session.add(
            ArticleRevision(
                article_id=article.id, revision=article.revision, title=article.title, text_hash=known, at=now
            )
        )
    article.revision += 1
    article.title, article.summary = str(row["title"]), str(row["summary"])
    article.classified_at = None
    if row["page_due_at"] is None:
        article.page_read_at = None
    if article.page_read_at is None:
        article.body = str(row["body"])
        article.reading_minutes = row["reading_minutes"]  # type: ignore[assignment]
    article.page_due_at, article.page_tries = row["page_due_at"], 0  # type: ignore[assignment]
    return True
