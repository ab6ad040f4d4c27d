"""The consent ledger: chains that hold together, say all that was done, and outlive the reader without naming them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.models import Delivery, DeliveryState
from app.errors import NotFound
from app.mail.address import parse_address
from app.product import Product
from app.subscriptions.confirming import confirm_subscription
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.ledger import Act, address_hash
from app.subscriptions.models import Subscriber, Subscription, gets_letters
from app.subscriptions.records import ConsentEvent, ConsentStub, Suppression
from app.subscriptions.rights.erasure import erase_reader
from app.subscriptions.signup import CONFIRMATION
from app.subscriptions.suppression import is_suppressed
from tests import make
from tests.conftest import NOW, SUPPRESSION_KEY
from tests.subscriptions.test_signup import ask, only

ACT = Act(ConsentKind.REQUESTED, ConsentMethod.FORM, NOW, "fr", None, None, "https://news.example/fr/", "desk", "x=1")
OTHERS = {
    "kind": ConsentKind.CONFIRMED, "method": ConsentMethod.ADMIN, "at": NOW + timedelta(microseconds=1),
    "language": "en", "form_url": None, "actor": None, "detail": None,
}  # fmt: skip


def chain(session: Session) -> list[ConsentEvent]:
    return list(session.scalars(select(ConsentEvent).order_by(ConsentEvent.chain_id, ConsentEvent.seq)))


def join(session: Session, product: Product) -> Subscription:
    """A reader who asked and confirmed."""
    ask(session, product)
    confirmation_id = only(session).confirmation_id
    assert confirmation_id is not None
    return confirm_subscription(
        session, confirmation_id=confirmation_id, suppression_key=SUPPRESSION_KEY, now=NOW + timedelta(hours=1)
    )


def test_each_event_holds_the_hash_of_the_one_before(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = join(session, product)
        unsubscribe(session, public_id=subscription.public_id, method=ConsentMethod.ONE_CLICK, now=NOW)
        ask(session, product, at=NOW + timedelta(hours=2))
    with product.database.reading() as session:
        events = chain(session)
        reader = session.scalars(select(Subscriber)).one()
    assert [event.seq for event in events] == [1, 2, 3, 4]
    assert {event.chain_id for event in events} == {reader.chain_id}
    assert [event.previous_hash for event in events] == ["", *(event.hash for event in events[:-1])]
    assert all(event.hash == make.event_hash(event) for event in events), "as read back from the database"
    assert {event.address_hash for event in events} == {address_hash(reader.chain_salt, "alice@reader.example")}


def test_readers_have_chains_of_their_own(product: Product) -> None:
    with product.database.transaction() as session:
        for name in ("alice", "bob"):
            ask(session, product, email=f"{name}@reader.example")
    with product.database.reading() as session:
        first, second = chain(session)
    assert (first.seq, second.seq, first.previous_hash, second.previous_hash) == (1, 1, "", "")
    assert first.chain_id != second.chain_id
    assert first.address_hash != second.address_hash


@pytest.mark.parametrize("field", OTHERS)
def test_whatever_an_event_says_is_in_its_hash(product: Product, field: str) -> None:
    with product.database.transaction() as session:
        event = make.make_event(session, make.make_subscription(session), ACT)
        other = make.make_event(session, make.make_subscription(session, email="b@reader.example"), ACT)
        other.chain_id, other.address_hash = event.chain_id, event.address_hash
        assert make.event_hash(event) == make.event_hash(other)
        changed = replace(ACT, **{field: OTHERS[field]})
        setattr(other, field, getattr(changed, field))
        assert make.event_hash(event) != make.event_hash(other)
        session.rollback()


def test_an_erased_reader_leaves_a_chain_of_nobody_and_a_keyed_hash(product: Product) -> None:
    key = product.config.suppression_key
    with product.database.transaction() as session:
        reader_id = join(session, product).subscriber_id
        last = erase_reader(
            session, subscriber_id=reader_id, method=ConsentMethod.ADMIN, suppression_key=key, now=NOW, actor="desk"
        )
        assert last.kind is ConsentKind.ERASED
    with product.database.reading() as session:
        assert session.scalars(select(Subscriber)).all() == session.scalars(select(Subscription)).all() == []
        events = chain(session)
        assert [event.kind.value for event in events] == ["requested", "confirmed", "erased"]
        assert all(event.subscription_id is None and event.hash == make.event_hash(event) for event in events)
        assert session.scalars(select(Suppression.reason)).one() is SuppressionReason.ERASED
        assert is_suppressed(session, email_key=parse_address("Alice@reader.example").key, suppression_key=key)
        assert set(make.letters(session, DeliveryState.CANCELLED)) >= {CONFIRMATION}
        assert session.scalars(select(Delivery.subscriber_id).distinct()).all() == [None]


def test_an_unknown_reader_cannot_be_erased(product: Product) -> None:
    with product.database.transaction() as session, pytest.raises(NotFound):
        erase_reader(session, subscriber_id=7, method=ConsentMethod.ADMIN, suppression_key="k", now=NOW)


def test_of_a_request_never_confirmed_stay_places_and_hashes(product: Product) -> None:
    with product.database.transaction() as session:
        ask(session, product)
        ask(session, product, at=NOW + timedelta(hours=1))
        known = [(event.chain_id, event.seq, event.at, event.hash) for event in chain(session)]
        unsubscribe(session, public_id=only(session).public_id, method=ConsentMethod.ONE_CLICK, now=NOW)
    with product.database.reading() as session:
        assert chain(session) == []
        assert session.scalars(select(Subscriber)).all() == []
        stubs = session.scalars(select(ConsentStub).order_by(ConsentStub.seq)).all()
    assert [(stub.chain_id, stub.seq, stub.at, stub.hash) for stub in stubs] == known
    assert {stub.pruned_at for stub in stubs} == {NOW}


def test_a_withheld_or_paused_reader_is_in_no_audience(product: Product) -> None:
    with product.database.transaction() as session:
        for name in ("wanted", "withheld", "paused", "back"):
            make.make_subscription(session, email=f"{name}@reader.example")
        make.make_subscription(session, email="pending@reader.example", status=SubscriptionStatus.PENDING)
        rows = {row.subscriber.email.partition("@")[0]: row for row in session.scalars(select(Subscription))}
        rows["withheld"].is_withheld = True
        rows["paused"].paused_until = NOW + timedelta(seconds=1)
        rows["back"].paused_until = NOW
        session.flush()
        found = session.scalars(select(Subscriber.email).join(Subscription).where(gets_letters(NOW))).all()
    assert {email.partition("@")[0] for email in found} == {"wanted", "back"}
