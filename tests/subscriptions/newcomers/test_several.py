"""Lists for a second newsletter: its readers may read the first one, which an import into the second leaves alone."""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.mail.address import parse_address
from app.product import Product
from app.readership.exporting import export_readers
from app.readership.filters import ReaderFilter
from app.subscriptions.kinds import ConsentKind, SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.newcomers.imports import Arrival, Newcomer, Provenance, foresee_arrivals, import_readers
from app.subscriptions.records import ConsentEvent
from app.subscriptions.retention import purge_unconfirmed
from tests import make
from tests.conftest import NOW, ON_POSTGRESQL
from tests.seals.ledger import VERIFIED_AT, found, seal
from tests.statements import statements
from tests.subscriptions.test_signup import ask

PROOF = Provenance("fair", NOW)
ALICE, BOB = "alice@reader.example", "bob@reader.example"


def bring(session: Session, product: Product, newsletter_id: int, emails: Iterable[str]) -> list[Arrival]:
    """Import these addresses into a newsletter; what was foreseen is what came."""
    newcomers = [Newcomer(parse_address(email), "fr", PROOF) for email in emails]
    key = product.config.suppression_key
    foreseen = foresee_arrivals(session, newcomers, newsletter_id=newsletter_id, suppression_key=key)
    arrivals = import_readers(
        session, newcomers, newsletter_id=newsletter_id, actor="cli", suppression_key=key, now=NOW
    )
    assert arrivals == foreseen
    return arrivals


def test_a_reader_of_the_first_is_subscribed_to_the_second_and_stays_one_reader(product: Product) -> None:
    with product.database.transaction() as session:
        second = make.add_second(session, product.config)
        bring(session, product, 1, [ALICE])
        assert bring(session, product, second.id, [ALICE, BOB]) == [Arrival.SUBSCRIBED] * 2
        assert bring(session, product, second.id, [ALICE, BOB]) == [Arrival.KNOWN] * 2
        assert len(session.scalars(select(Subscriber)).all()) == 2
        alice = session.scalars(select(Subscriber).where(Subscriber.email_key == ALICE)).one()
        events = session.scalars(select(ConsentEvent).where(ConsentEvent.chain_id == alice.chain_id)).all()
    assert {(each.kind, each.seq, each.newsletter_id) for each in events} == {
        (ConsentKind.IMPORTED, 1, 1),
        (ConsentKind.IMPORTED, 2, second.id),
    }
    seal(product, VERIFIED_AT)
    assert found(product) == []
    assert "".join(export_readers(product.database, ReaderFilter(newsletter="north"))).count("fair") == 2


def test_who_restricted_the_use_of_their_data_is_brought_nowhere(product: Product) -> None:
    with product.database.transaction() as session:
        second = make.add_second(session, product.config)
        bring(session, product, 1, [ALICE])
        session.scalars(select(Subscriber)).one().restricted_at = NOW
        newcomer = Newcomer(parse_address(ALICE), "fr", PROOF)
        arrivals = import_readers(
            session, [newcomer], newsletter_id=second.id, actor="cli", suppression_key="k" * 32, now=NOW
        )
        assert arrivals == [Arrival.KNOWN]
        assert session.scalars(select(Subscription.newsletter_id)).all() == [1]


def test_a_request_that_is_purged_leaves_the_other_subscription_and_a_sound_chain(product: Product) -> None:
    with product.database.transaction() as session:
        second = make.add_second(session, product.config)
        bring(session, product, second.id, [ALICE])
        ask(session, product, email=ALICE)
        assert purge_unconfirmed(session, now=NOW + timedelta(days=15), pending_days=14) == 1
        left = session.scalars(select(Subscription)).one()
        assert (left.newsletter_id, left.status) == (second.id, SubscriptionStatus.CONFIRMED)
    seal(product, VERIFIED_AT)
    assert found(product) == []


def test_many_readers_of_the_first_cost_no_more_statements_than_one(product: Product) -> None:
    with product.database.transaction() as session:
        second = make.add_second(session, product.config)
        many = [f"reader{number}@reader.example" for number in range(30)]
        bring(session, product, 1, [ALICE, *many])
    counts = []
    for emails in ([ALICE], many):
        with product.database.transaction() as session, statements(product.database) as seen:
            assert bring(session, product, second.id, emails) == [Arrival.SUBSCRIBED] * len(emails)
        counts.append(len(seen))
    assert counts[0] == counts[1]
    seal(product, VERIFIED_AT)
    assert found(product) == []


@ON_POSTGRESQL
def test_an_import_and_an_edition_that_starts_do_not_wait_for_each_other(product: Product) -> None:
    with product.database.transaction() as session:
        second = make.add_second(session, product.config)
        bring(session, product, 1, [ALICE])
    with product.database.transaction() as starting, product.database.transaction() as session:
        starting.execute(select(Subscriber.id).with_for_update(read=True, key_share=True))  # as a foreign key does
        session.execute(text("SET LOCAL lock_timeout = '2s'"))
        assert bring(session, product, second.id, [ALICE]) == [Arrival.SUBSCRIBED]
