"""What is said anew of an article that is there: the newer text is kept, and what it replaced is noted."""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from app.articles.models import Article, ArticleRevision

#: Earlier texts that are noted of one article: some feeds write the hour into each.
NOTED_MAX = 50
_WORD = re.compile(r"\w+")


def text_hash(title: str, body: str) -> str:
    """Return a hash of the words of an article: other blanks, capitals or commas make no other text."""
    words = " ".join(_WORD.findall(f"{title}\n{body}".casefold()))
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()


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
