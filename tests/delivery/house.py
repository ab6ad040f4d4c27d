"""What the tests of the engine share: a kind of letter of their own, queued and composed in one line each."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.db import Database
from app.delivery import claims, queue, settling
from app.delivery.claims import Copy
from app.delivery.composing import Composed, one_by_one
from app.delivery.endings import Ending, Settlement
from app.delivery.engine import Engine
from app.delivery.models import Delivery, DeliveryState
from app.editions.models import Edition
from app.mail.envelope import Envelope
from app.mail.letter import Letter
from app.mail.transport import Transport
from app.newsletters.models import Newsletter
from app.subscriptions.models import Subscriber
from tests.conftest import NOW

ENVELOPE = Envelope(keys=("k" * 32,), sender_domain="newsletter.example", bounce_domain="bounces.newsletter.example")

LETTER = Letter(
    subject="Un câble coupé en mer Baltique",
    html="<p>Les autorités enquêtent.</p>",
    text="Les autorités enquêtent.",
    language="fr",
    from_name="Vigie",
    from_address="lettre@newsletter.example",
    list_name="Vigie, la lettre",
    list_id="fr.vigie.newsletter.example",
    unsubscribe_url="https://newsletter.example/fr/unsubscribe/token",
    archive_url="https://newsletter.example/fr/archive",
    help_url="https://newsletter.example/fr/",
    owner="contact@newsletter.example",
    feedback_id="1:fr:test:vigie",
    is_automatic=True,
)


def compose(session: Session, copy: Copy) -> Composed:
    """The same letter for everybody."""
    address = copy.address or session.get_one(Subscriber, copy.subscriber_id).email_ascii
    return Composed(LETTER, address, copy.chunk.created_at)


def make_engine(database: Database, folder: Path, transport: Transport, **settings: Any) -> Engine:
    """An engine for one kind of letter."""
    defaults = {
        "compose": {"note": one_by_one(compose)},
        "transport": transport,
        "envelope": ENVELOPE,
        "journal_dir": folder / "journal",
        "limit": 1000,
    }
    return Engine(database=database, **{**defaults, **settings})


def queue_notes(database: Database, count: int = 1, **fields: Any) -> list[int]:
    """Queue notes to r0, r1, …, each a chunk of its own, and return their ids."""
    with database.transaction() as session:
        return [
            queue.enqueue(session, kind="note", language="fr", now=NOW, address=f"r{i}@reader.example", **fields)
            for i in range(count)
        ]


def queue_edition(
    database: Database,
    readers: int,
    *,
    chunk_copies: int = 500,
    domains: Sequence[str] = ("reader.example",),
    now: datetime = NOW,
) -> int:
    """Queue an edition's copies to r0, r1, …, at each of the domains in turn, and return its id.

    `now` matters where the sender goes by its own clock: an old edition's copies expire.
    """
    edition_id, newsletter_id = make_edition(database)
    with database.transaction() as session:
        session.add_all(make_reader(i, domains[i % len(domains)]) for i in range(readers))
        session.flush()
        copies = queue.enqueue_edition(
            session,
            audience=select(Subscriber.id),
            kind="note",
            edition_id=edition_id,
            newsletter_id=newsletter_id,
            language="fr",
            now=now,
            chunk_copies=chunk_copies,
        )
    assert copies == readers
    return edition_id


def claim(database: Database, owner: str = "one", limit: int = 1000, now: datetime = NOW) -> list[Copy]:
    """Claim what is due."""
    with database.transaction() as session:
        return claims.claim(session, owner=owner, kinds={"note"}, now=now, limit=limit)


def settle(
    database: Database,
    copies: Sequence[Copy],
    ending: Ending | Callable[[Copy], Ending],
    owner: str = "one",
    now: datetime = NOW,
) -> int:
    """Settle copies, all with one ending, and give their chunks back."""
    settlements = [Settlement(copy, ending(copy) if callable(ending) else ending) for copy in copies]
    with database.transaction() as session:
        changed = settling.settle(session, owner=owner, settlements=settlements, now=now)
        claims.release(session, owner=owner, chunk_ids={copy.chunk.id for copy in copies}, now=now)
        return changed


def delivery_of(database: Database, key: int) -> Delivery:
    """One row as it stands."""
    with database.reading() as session:
        return session.scalars(select(Delivery).where(Delivery.id == key).options(joinedload(Delivery.chunk))).one()


def states(database: Database) -> list[DeliveryState]:
    """The state of every row as people are told it, by id."""
    with database.reading() as session:
        rows = session.scalars(select(Delivery).order_by(Delivery.id).options(joinedload(Delivery.chunk)))
        return [delivery.state_now for delivery in rows]


def make_edition(database: Database) -> tuple[int, int]:
    """An edition to queue copies of, and its newsletter."""
    with database.transaction() as session:
        newsletter = Newsletter(slug="vigie", timezone="Europe/Paris", created_at=NOW)
        session.add(newsletter)
        session.flush()
        edition = Edition(
            newsletter_id=newsletter.id, language="fr", subject="s", preheader="p", since=NOW, until=NOW, created_at=NOW
        )
        session.add(edition)
        session.flush()
        return edition.id, newsletter.id


def make_reader(number: int, domain: str = "reader.example") -> Subscriber:
    """A subscriber to send to."""
    address = f"r{number}@{domain}"
    return Subscriber(email=address, email_ascii=address, email_key=address, created_at=NOW)
