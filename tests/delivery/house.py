"""What the tests of the engine share: a kind of letter of their own, queued and composed in one line each."""

from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Database
from app.delivery.engine import Composed, Engine
from app.delivery.models import Delivery, DeliveryState
from app.delivery.queue import enqueue
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


def compose(session: Session, delivery: Delivery) -> Composed:
    """The same letter for everybody."""
    assert delivery.address is not None
    return Composed(LETTER, delivery.address)


def make_engine(database: Database, folder: Path, transport: Transport, **settings: Any) -> Engine:
    """An engine for one kind of letter."""
    defaults = {
        "compose": {"note": compose},
        "transport_for": lambda kind: transport,
        "envelope": ENVELOPE,
        "journal_dir": folder / "journal",
    }
    return Engine(database=database, **{**defaults, **settings})


def queue_notes(database: Database, count: int = 1, **fields: Any) -> list[int]:
    """Queue notes to r0, r1, … and return their ids."""
    with database.transaction() as session:
        return [
            enqueue(session, kind="note", language="fr", now=NOW, address=f"r{i}@reader.example", **fields).id
            for i in range(count)
        ]


def delivery_of(database: Database, key: int) -> Delivery:
    """One row as it stands."""
    with database.reading() as session:
        return session.scalars(select(Delivery).where(Delivery.id == key)).one()


def states(database: Database) -> list[DeliveryState]:
    """The state of every row, by id."""
    with database.reading() as session:
        return list(session.scalars(select(Delivery.state).order_by(Delivery.id)))


def make_edition(database: Database) -> int:
    """An edition to queue copies of."""
    with database.transaction() as session:
        newsletter = Newsletter(slug="vigie", timezone="Europe/Paris", created_at=NOW)
        session.add(newsletter)
        session.flush()
        edition = Edition(
            newsletter_id=newsletter.id, language="fr", subject="s", preheader="p", since=NOW, until=NOW, created_at=NOW
        )
        session.add(edition)
        session.flush()
        return edition.id


def make_subscriber(database: Database) -> int:
    """A subscriber to send to."""
    with database.transaction() as session:
        address = "alice@reader.example"
        subscriber = Subscriber(email=address, email_ascii=address, email_key=address, created_at=NOW)
        session.add(subscriber)
        session.flush()
        return subscriber.id
