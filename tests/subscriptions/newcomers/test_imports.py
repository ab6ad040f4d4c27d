"""Imported readers: proof makes a subscriber, nothing revives anybody, and the rest are held until they are asked."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.models import DeliveryState
from app.digests.newsletters import close_newsletter, open_newsletter
from app.errors import InputRefused, NewsletterClosed, TransitionRefused
from app.mail.address import parse_address
from app.product import Product
from app.subscriptions.archive import archive_left
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.models import Subscriber, Subscription, gets_letters
from app.subscriptions.newcomers.held import ask_held, read_held, start_asking, stop_asking
from app.subscriptions.newcomers.imports import Arrival, Newcomer, Provenance, foresee_arrivals, import_readers
from app.subscriptions.records import ConsentEvent
from app.subscriptions.rights.erasure import erase_reader
from app.subscriptions.signup import CONFIRMATION
from app.subscriptions.suppression import suppress
from tests import make
from tests.conftest import NOW
from tests.subscriptions.test_signup import ask

PROOF = Provenance("conference in Tallinn, paper form", NOW - timedelta(days=400))


def bring(session: Session, product: Product, *emails: str, proof: Provenance | None = None) -> Counter[Arrival]:
    """Import these addresses, and count what became of them."""
    newcomers = [Newcomer(parse_address(email), "fr", proof) for email in emails]
    arrivals = import_readers(
        session, newcomers, newsletter_id=make.newsletter(session).id, actor="desk@newsletter.example",
        suppression_key=product.config.suppression_key, now=NOW,
    )  # fmt: skip
    return Counter(arrivals)


def wanted(session: Session, now: datetime = NOW) -> list[str]:
    """Who gets letters."""
    query = select(Subscriber.email).join(Subscription).where(gets_letters(now)).order_by(Subscriber.email)
    return list(session.scalars(query))


def test_whoever_comes_with_proof_gets_letters_and_an_event_that_says_so(product: Product) -> None:
    with product.database.transaction() as session:
        counts = bring(session, product, "a@reader.example", "A@reader.example", "b@reader.example", proof=PROOF)
    assert counts == {Arrival.SUBSCRIBED: 2, Arrival.KNOWN: 1}
    with product.database.reading() as session:
        assert wanted(session) == ["a@reader.example", "b@reader.example"]
        events = session.scalars(select(ConsentEvent)).all()
        confirmed = session.scalars(select(Subscription.confirmed_at)).all()
    assert {(event.kind, event.seq, event.actor) for event in events} == {
        (ConsentKind.IMPORTED, 1, "desk@newsletter.example")
    }
    assert {event.detail for event in events} == {"2025-02-10: conference in Tallinn, paper form"}
    assert all(event.hash == make.event_hash(event) for event in events)
    assert set(confirmed) == {PROOF.consented_at}


def test_whoever_comes_without_proof_is_held_and_gets_nothing(product: Product) -> None:
    with product.database.transaction() as session:
        assert bring(session, product, "a@reader.example")[Arrival.HELD] == 1
        assert ask_held(session, now=NOW + timedelta(days=9)) == 0, "nobody said so"
    with product.database.reading() as session:
        assert wanted(session) == []
        assert make.letters(session) == []
        assert session.scalars(select(Subscription.status)).one() is SubscriptionStatus.HELD


@pytest.mark.parametrize("proof", [PROOF, None])
def test_an_import_revives_nobody(product: Product, proof: Provenance | None) -> None:
    key = product.config.suppression_key
    with product.database.transaction() as session:
        left = make.make_subscription(session, email="left@reader.example", status=SubscriptionStatus.UNSUBSCRIBED)
        ask(session, product, email="pending@reader.example")
        erased = make.make_subscription(session, email="erased@reader.example")
        erase_reader(
            session, subscriber_id=erased.subscriber_id, method=ConsentMethod.ADMIN, suppression_key=key, now=NOW
        )
        suppress(
            session, email_key="dead@reader.example", suppression_key=key, reason=SuppressionReason.HARD_BOUNCE,
            source="test", now=NOW,
        )  # fmt: skip
        names = ("left", "pending", "erased", "dead")
        counts = bring(session, product, *(f"{name}@reader.example" for name in names), proof=proof)
        assert counts == {Arrival.KNOWN: 2, Arrival.SUPPRESSED: 2}
        assert left.status is SubscriptionStatus.UNSUBSCRIBED
    with product.database.reading() as session:
        assert wanted(session) == []
        assert session.scalars(select(Subscriber.email).order_by(Subscriber.id)).all() == [
            "left@reader.example", "pending@reader.example",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("proof", "arrival"),
    [
        (None, Arrival.KNOWN),
        (PROOF, Arrival.KNOWN),
        (Provenance("fair", NOW - timedelta(days=40)), Arrival.KNOWN),
        (Provenance("fair", NOW - timedelta(days=39)), Arrival.SUBSCRIBED),
    ],
)
def test_who_left_and_was_archived_comes_back_by_a_newer_consent_alone(
    product: Product, proof: Provenance | None, arrival: Arrival
) -> None:
    key, left_at = product.config.suppression_key, NOW - timedelta(days=40)
    with product.database.transaction() as session:
        other = make.add_second(session, product.config).id
        reader = make.make_subscription(session, email="left@reader.example", at=NOW - timedelta(days=500))
        make.make_request(session, reader)
        unsubscribe(session, public_id=reader.public_id, method=ConsentMethod.ONE_CLICK, now=left_at)
        assert archive_left(session, before=NOW, suppression_key=key, now=NOW) == 1
        newcomers = [Newcomer(parse_address("left@reader.example"), "fr", proof)]
        assert foresee_arrivals(session, newcomers, newsletter_id=1, suppression_key=key) == [arrival]
        elsewhere = foresee_arrivals(session, newcomers, newsletter_id=other, suppression_key=key)
        assert elsewhere == [Arrival.SUBSCRIBED if proof else Arrival.HELD], "they never left that one"
        assert bring(session, product, "left@reader.example", proof=proof) == {arrival: 1}
        assert bool(wanted(session)) is (arrival is Arrival.SUBSCRIBED)


@pytest.mark.parametrize(
    "proof", [Provenance("fair", NOW + timedelta(seconds=1)), Provenance(" ", NOW), Provenance("x" * 121, NOW),
              Provenance("two\nlines", NOW)],
)  # fmt: skip
def test_what_cannot_be_proof_is_refused(product: Product, proof: Provenance) -> None:
    with product.database.transaction() as session, pytest.raises(InputRefused):
        bring(session, product, "a@reader.example", proof=proof)


def test_the_held_are_asked_at_the_pace_that_was_set(product: Product) -> None:
    with product.database.transaction() as session:
        bring(session, product, *(f"r{number}@reader.example" for number in range(5)))
        assert start_asking(session, newsletter_id=1, per_day=48, actor="desk@newsletter.example", now=NOW) == 5
        asked = [ask_held(session, now=NOW + timedelta(minutes=minute)) for minute in range(0, 100, 10)]
        assert asked == [0, 0, 0, 1, 0, 0, 1, 0, 0, 1]
        assert make.letters(session, DeliveryState.QUEUED) == [CONFIRMATION] * 3
        assert ask_held(session, now=NOW + timedelta(days=30)) == 2, "an hour's worth, however long nobody looked"
        assert ask_held(session, now=NOW + timedelta(days=31)) == 0
        assert read_held(session, newsletter_id=1).asking is None, "an asking ends with the last of them"
        last = session.scalars(select(ConsentEvent).order_by(ConsentEvent.id.desc())).first()
    assert last is not None
    assert (last.kind, last.seq, last.actor) == (ConsentKind.REQUESTED, 2, "desk@newsletter.example")


def test_an_asking_is_started_once_and_can_be_stopped(product: Product) -> None:
    with product.database.transaction() as session:
        with pytest.raises(TransitionRefused):
            start_asking(session, newsletter_id=1, per_day=10, actor="x", now=NOW)
        bring(session, product, "a@reader.example")
        start_asking(session, newsletter_id=1, per_day=10, actor="x", now=NOW)
        with pytest.raises(TransitionRefused):
            start_asking(session, newsletter_id=1, per_day=10, actor="x", now=NOW)
        stop_asking(session, newsletter_id=1)
        assert ask_held(session, now=NOW + timedelta(days=1)) == 0
        with pytest.raises(TransitionRefused):
            stop_asking(session, newsletter_id=1)


def test_nobody_is_asked_for_a_closed_newsletter(product: Product) -> None:
    with product.database.transaction() as session:
        bring(session, product, "a@reader.example", "b@reader.example")
        start_asking(session, newsletter_id=1, per_day=24, actor="x", now=NOW)
        close_newsletter(session, newsletter_id=1, now=NOW)
        assert ask_held(session, now=NOW + timedelta(hours=1)) == 0
        open_newsletter(session, newsletter_id=1)
        assert ask_held(session, now=NOW + timedelta(hours=1)) == 1
        stop_asking(session, newsletter_id=1)
        close_newsletter(session, newsletter_id=1, now=NOW)
        with pytest.raises(NewsletterClosed):
            start_asking(session, newsletter_id=1, per_day=24, actor="x", now=NOW)


def test_whoever_is_held_may_subscribe_or_go_by_themselves(product: Product) -> None:
    with product.database.transaction() as session:
        bring(session, product, "a@reader.example", "b@reader.example")
        ask(session, product, email="a@reader.example")
        rows = {row.subscriber.email: row for row in session.scalars(select(Subscription))}
        assert rows["a@reader.example"].status is SubscriptionStatus.PENDING
        unsubscribe(
            session, public_id=rows["b@reader.example"].public_id, method=ConsentMethod.UNSUBSCRIBE_PAGE, now=NOW
        )
        assert session.scalars(select(Subscriber.email)).all() == ["a@reader.example"]
