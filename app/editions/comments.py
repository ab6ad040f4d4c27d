"""What editors say to each other of a draft: plain text, on the whole or on one article; nobody else ever reads it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.editions.models import Edition, EditionItem
from app.editions.records import EditionComment
from app.errors import InputRefused, NotFound

MAX_CHARACTERS = 2_000
#: Comments that a page shows, the newest.
SHOWN_MAX = 100


def add_comment(
    session: Session, *, edition_id: int, article_id: int | None, author: str, text: str, now: datetime
) -> EditionComment:
    """Add a comment on an edition, or on one of its articles. Raises InputRefused for an odd length, NotFound."""
    text = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not 0 < len(text) <= MAX_CHARACTERS:
        raise InputRefused(f"a comment has 1 to {MAX_CHARACTERS} characters")
    if session.get(Edition, edition_id) is None:
        raise NotFound(f"no edition {edition_id}")
    item = select(EditionItem.id).where(EditionItem.edition_id == edition_id, EditionItem.article_id == article_id)
    if article_id is not None and session.scalar(item) is None:
        raise NotFound(f"no article {article_id} in this edition")
    comment = EditionComment(edition_id=edition_id, article_id=article_id, at=now, author=author, text=text)
    session.add(comment)
    session.flush()
    return comment


def resolve_comment(session: Session, *, edition_id: int, comment_id: int, actor: str, now: datetime) -> None:
    """Mark a comment as dealt with; a second time changes nothing. Raises NotFound."""
    comment = session.get(EditionComment, comment_id)
    if comment is None or comment.edition_id != edition_id:
        raise NotFound(f"no comment {comment_id} on edition {edition_id}")
    if comment.resolved_at is None:
        comment.resolved_at, comment.resolved_by = now, actor
        session.flush()


def comments_on(session: Session, edition_id: int) -> Sequence[EditionComment]:
    """Return the comments on an edition, the open ones first, then the newest."""
    query = select(EditionComment).where(EditionComment.edition_id == edition_id)
    ordered = query.order_by(EditionComment.resolved_at.is_not(None), EditionComment.id.desc())
    return session.scalars(ordered.limit(SHOWN_MAX)).all()
