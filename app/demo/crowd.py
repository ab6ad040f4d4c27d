"""Invented readers and an edition for them, in a database that nobody else uses. Their domains stand for nobody."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.clock import now
from app.db import new_public_id
from app.editions.audience import start_edition
from app.editions.compile import compile_edition
from app.editions.compose import read_manuscript, set_letter
from app.errors import InputRefused
from app.newsletters.models import newsletter_by_slug
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription

LANGUAGE = "en"
#: Reserved for examples (RFC 2606 §3).
DOMAINS = ("example.org", "example.com", "example.net")
ROWS_AT_ONCE = 10_000


def address_of(number: int) -> str:
    """Return the address of one invented reader, counted from 1."""
    return f"reader-{number}@{DOMAINS[number % len(DOMAINS)]}"


def make_crowd(product: Product, readers: int) -> int:
    """Add so many confirmed readers, start an edition for all of them, and return its id."""
    at = now()
    with product.database.transaction() as session:
        newsletter = session.scalars(newsletter_by_slug()).one()
        _add_readers(session, newsletter.id, readers)
        _add_article(session)
        edition_id = compile_edition(session, newsletter=newsletter, language=LANGUAGE, until=at, now=at).edition_id
    if edition_id is None:
        raise InputRefused("there is nothing to send")
    with product.database.reading() as session:
        manuscript = read_manuscript(session, edition_id=edition_id, now=at)
    letter = set_letter(manuscript, config=product.config, links=product.links, now=at)
    with product.database.transaction() as session:
        start_edition(session, letter=letter, actor="drill", now=at, announce=product.announce)
    return edition_id


def _add_readers(session: Session, newsletter_id: int, readers: int) -> None:
    """Add readers in bulk, past the sign-up, which sends letters of its own."""
    at = now() - timedelta(days=1)
    for first in range(1, readers + 1, ROWS_AT_ONCE):
        addresses = map(address_of, range(first, min(first + ROWS_AT_ONCE, readers + 1)))
        rows = [
            {"public_id": new_public_id(), "email": address, "email_ascii": address, "email_key": address,
             "created_at": at}
            for address in addresses
        ]  # fmt: skip
        session.execute(sa.insert(Subscriber), rows)
    subscriber_ids = session.scalars(sa.select(Subscriber.id)).all()
    for begin in range(0, len(subscriber_ids), ROWS_AT_ONCE):
        rows = [
            {"public_id": new_public_id(), "newsletter_id": newsletter_id, "subscriber_id": subscriber_id,
             "status": SubscriptionStatus.CONFIRMED, "language": LANGUAGE, "requested_at": at, "confirmed_at": at}
            for subscriber_id in subscriber_ids[begin : begin + ROWS_AT_ONCE]
        ]  # fmt: skip
        session.execute(sa.insert(Subscription), rows)


def _add_article(session: Session) -> None:
    at = now() - timedelta(hours=1)
    text = "An invented article. " * 40
    session.add(
        Article(language=LANGUAGE, title="Workers are killed, letters are not lost", summary=text, body=text,
                published_at=at, added_at=at)
    )  # fmt: skip
