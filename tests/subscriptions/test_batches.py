"""Batches of readers that clocks go through, beside an import of the same readers: nobody waits in a circle."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.mail.address import parse_address
from app.product import Product
from app.subscriptions.archive import archive_left
from app.subscriptions.kinds import ConsentMethod, SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.newcomers.held import ask_held, start_asking
from app.subscriptions.newcomers.imports import Arrival, Newcomer, import_readers
from app.subscriptions.questions.asking import ask
from app.subscriptions.questions.models import QuestionKind
from app.subscriptions.questions.staying import ask_inactive, lapse_unanswered
from app.subscriptions.retention import forget_held, purge_unconfirmed
from app.subscriptions.rights.acts import restrict
from app.subscriptions.rights.erasure import erase_reader
from app.subscriptions.suppression import close_address
from tests import make
from tests.conftest import NOW, ON_POSTGRESQL, SUPPRESSION_KEY
from tests.subscriptions.newcomers.test_several import PROOF, bring

LATER = NOW + timedelta(days=1)
EMAILS = ("alice@reader.example", "bob@reader.example")
Batch = Callable[[Session], int]

CLOCKS: dict[SubscriptionStatus | QuestionKind, Batch] = {
    SubscriptionStatus.HELD: lambda session: forget_held(session, before=LATER, now=LATER),
    SubscriptionStatus.PENDING: lambda session: purge_unconfirmed(session, now=LATER, pending_days=0),
    SubscriptionStatus.UNSUBSCRIBED: lambda session: archive_left(
        session, before=LATER, suppression_key=SUPPRESSION_KEY, now=LATER
    ),
    SubscriptionStatus.CONFIRMED: lambda session: ask_inactive(
        session, before=LATER, stay_days=30, per_day=10, now=LATER
    ),
    QuestionKind.STAY: lambda session: lapse_unanswered(session, suppression_key=SUPPRESSION_KEY, now=LATER),
}


def _make_readers(session: Session, of: SubscriptionStatus | QuestionKind) -> None:
    """Alice's row comes before Bob's; what the clock looks at is Bob's first."""
    readers = [Subscriber(email=email, email_ascii=email, email_key=email, created_at=NOW) for email in EMAILS]
    session.add_all(readers)
    session.flush()
    for reader in reversed(readers):
        subscription = Subscription(
            newsletter_id=1, subscriber=reader, language="fr", requested_at=NOW, acted_at=NOW, unsubscribed_at=NOW,
            status=SubscriptionStatus.CONFIRMED if isinstance(of, QuestionKind) else of,
        )  # fmt: skip
        session.add(subscription)
        session.flush()
        if isinstance(of, QuestionKind):
            ask(session, subscription, kind=of, answer_until=NOW, now=NOW)


def _wait_for_waiting(product: Product, number: int) -> None:
    """Return once so many transactions wait for a row."""
    until = time.monotonic() + 20
    with product.database.reading() as session:
        while session.scalar(text("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")) != number:
            assert time.monotonic() < until, "nobody waits"
            time.sleep(0.01)


@ON_POSTGRESQL
@pytest.mark.parametrize("of", CLOCKS)
def test_a_clock_and_an_import_of_the_same_readers_do_not_wait_in_a_circle(
    product: Product, of: SubscriptionStatus | QuestionKind
) -> None:
    with product.database.transaction() as session:
        second = make.add_second(session, product.config).id
        _make_readers(session, of)

    def run_clock() -> int:
        with product.database.transaction() as session:
            return CLOCKS[of](session)

    def run_import() -> list[Arrival]:
        with product.database.transaction() as session:
            return bring(session, product, second, EMAILS)

    with ThreadPoolExecutor(2) as threads:
        with product.database.transaction() as session:
            session.scalars(select(Subscriber).where(Subscriber.email == EMAILS[0]).with_for_update()).one()
            importing = threads.submit(run_import)
            _wait_for_waiting(product, 1)
            striking = threads.submit(run_clock)
            _wait_for_waiting(product, 2)
        assert importing.result() == [Arrival.SUBSCRIBED] * 2
        assert striking.result() == (0 if of is SubscriptionStatus.UNSUBSCRIBED else 2)


@ON_POSTGRESQL
def test_nobody_is_asked_to_confirm_who_restricts_meanwhile(product: Product) -> None:
    with product.database.transaction() as session:
        _make_readers(session, SubscriptionStatus.HELD)
        start_asking(session, newsletter_id=1, per_day=48, actor="test", now=NOW)

    def run_asking() -> int:
        with product.database.transaction() as session:
            return ask_held(session, now=NOW + timedelta(hours=1))

    with ThreadPoolExecutor(1) as threads:
        with product.database.transaction() as session:
            for subscriber_id in session.scalars(select(Subscriber.id)).all():
                restrict(session, subscriber_id=subscriber_id, method=ConsentMethod.DATA_PAGE, now=NOW)
            asking = threads.submit(run_asking)
            _wait_for_waiting(product, 1)
        asking.result()
    with product.database.reading() as session:
        assert make.letters(session) == []
        assert set(session.scalars(select(Subscription.status))) == {SubscriptionStatus.HELD}


def _erase(session: Session, subscriber: Subscriber) -> None:
    method = ConsentMethod.ADMIN
    erase_reader(session, subscriber_id=subscriber.id, method=method, suppression_key=SUPPRESSION_KEY, now=NOW)


def _close(session: Session, subscriber: Subscriber) -> None:
    close_address(
        session, email_key=subscriber.email_key, suppression_key=SUPPRESSION_KEY, actor="test", note="said so", now=NOW
    )


@ON_POSTGRESQL
@pytest.mark.parametrize("ending", [_erase, _close])
def test_an_import_brings_nobody_whose_address_is_being_suppressed(
    product: Product, ending: Callable[[Session, Subscriber], None]
) -> None:
    with product.database.transaction() as session:
        second = make.add_second(session, product.config).id
        make.make_subscription(session, email=EMAILS[0])

    def run_import() -> list[Arrival]:
        with product.database.transaction() as session:
            newcomers = [Newcomer(parse_address(email), "fr", PROOF) for email in EMAILS]
            return import_readers(
                session, newcomers, newsletter_id=second, actor="cli", suppression_key=SUPPRESSION_KEY, now=NOW
            )

    with ThreadPoolExecutor(1) as threads:
        with product.database.transaction() as session:
            ending(session, session.scalars(select(Subscriber)).one())
            importing = threads.submit(run_import)
            _wait_for_waiting(product, 1)
        assert importing.result() == [Arrival.KNOWN, Arrival.SUBSCRIBED]
    with product.database.reading() as session:
        brought = select(Subscriber.email).join(Subscription).where(Subscription.newsletter_id == second)
        assert session.scalars(brought).all() == [EMAILS[1]]
        assert (EMAILS[0] in session.scalars(select(Subscriber.email)).all()) is (ending is _close)
