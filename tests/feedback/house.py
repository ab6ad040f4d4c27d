"""What the tests of feedback share: readers with copies that were taken, and notices of them."""

from datetime import datetime, timedelta
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.models import Chunk, Delivery, DeliveryState
from app.editions.models import Edition, EditionStatus
from app.feedback.applying import apply_events
from app.feedback.ingest import ingest
from app.feedback.notices import Notice, NoticeKind
from app.product import Product
from app.settings.feedback import FeedbackSettings
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import Suppression
from app.subscriptions.suppression import find_suppression
from tests import make
from tests.conftest import NOW, SUPPRESSION_KEY

RULES = FeedbackSettings()
_serial = count()


def make_edition(session: Session, *, status: EditionStatus = EditionStatus.SENDING) -> Edition:
    """An edition under way."""
    edition = Edition(
        newsletter_id=make.newsletter(session).id, language="fr", subject="s", preheader="p", since=NOW, until=NOW,
        created_at=NOW, status=status,
    )  # fmt: skip
    session.add(edition)
    session.flush()
    return edition


def make_copies(
    session: Session,
    readers: list[Subscriber],
    *,
    edition: Edition | None,
    state: DeliveryState = DeliveryState.ACCEPTED,
    at: datetime = NOW,
) -> list[int]:
    """One copy for each reader, all in one chunk; their ids."""
    chunk = Chunk(
        kind="edition" if edition else "confirmation", edition_id=edition.id if edition else None,
        newsletter_id=make.newsletter(session).id, language="fr", created_at=at, number=next(_serial),
        next_attempt_at=at if state is DeliveryState.QUEUED else None,
    )  # fmt: skip
    session.add(chunk)
    session.flush()
    copies = [
        Delivery(
            chunk_id=chunk.id, subscriber_id=reader.id, edition_id=chunk.edition_id, state=state, attempt=1,
            settled_at=None if state is DeliveryState.QUEUED else at,
        )
        for reader in readers
    ]  # fmt: skip
    session.add_all(copies)
    session.flush()
    return [copy.id for copy in copies]


def reader_with_copy(product: Product, *, email: str = "alice@reader.example", at: datetime = NOW) -> int:
    """A confirmed reader and one copy of an edition; the copy's id."""
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, email=email, at=at - timedelta(days=30))
        [copy] = make_copies(session, [subscription.subscriber], edition=make_edition(session), at=at)
    return copy


def notice(
    kind: NoticeKind, copy: int | None, *, at: datetime = NOW, source: str = "dsn", event_id: str | None = None,
    status: str | None = None, diagnostic: str = "",
) -> Notice:  # fmt: skip
    """A notice, of an event of its own unless told."""
    return Notice(kind, source, event_id or f"event-{next(_serial)}", at, copy, status=status, diagnostic=diagnostic)


def tell(product: Product, *notices: Notice, now: datetime = NOW, rules: FeedbackSettings = RULES) -> None:
    """Take notices in, and apply them."""
    with product.database.transaction() as session:
        ingest(session, notices, now=now)
    apply(product, now=now, rules=rules)


def apply(product: Product, *, now: datetime = NOW, rules: FeedbackSettings = RULES) -> int:
    """Apply what was taken in."""
    return apply_events(product.database, rules=rules, suppression_key=SUPPRESSION_KEY, now=now)


def suppression_of(session: Session, email: str = "alice@reader.example") -> Suppression | None:
    """Why an address is not mailed."""
    return find_suppression(session, email_key=email, suppression_key=SUPPRESSION_KEY)


def subscription_of(session: Session, email: str = "alice@reader.example") -> Subscription:
    """The one subscription of an address."""
    return session.scalars(select(Subscription).join(Subscriber).where(Subscriber.email_key == email)).one()
