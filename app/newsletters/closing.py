"""What a closed newsletter does not take: new readers, in whatever way they come."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import NewsletterClosed
from app.newsletters.models import Newsletter


def check_open(session: Session, newsletter_id: int) -> None:
    """Let nobody new come to a newsletter that was closed. Raises NewsletterClosed."""
    if session.scalar(select(Newsletter.closed_at).where(Newsletter.id == newsletter_id)) is not None:
        raise NewsletterClosed("this newsletter is closed to new readers")
