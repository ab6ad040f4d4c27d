"""Asking and confirming: every state an address can be in, and what each leaves behind."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.delivery.models import Chunk, Delivery, DeliveryState
from app.errors import NotFound, TextsNotShown, TransitionRefused
from app.mail.address import parse_address
from app.newsletters.wordings import texts_in_force
from app.product import Product
from app.subscriptions.confirming import confirm_subscription, confirmable
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.preferences import correct_language
from app.subscriptions.records import ConsentEvent
from app.subscriptions.rights.acts import restrict
from app.subscriptions.signup import add_subscriber, request_subscription
from app.subscriptions.suppression import suppress
from tests import make
from tests.conftest import NOW, ON_POSTGRESQL, SUPPRESSION_KEY


def ask(
    session: Session, product: Product, *, email: str = "alice@reader.example", at: datetime = NOW, language: str = "fr"
) -> None:
    """The form, as sent."""
    request_subscription(
        session,
        address=parse_address(email),
        newsletter_id=make.newsletter(session).id,
        form_url="https://news.example/fr/",
        method=ConsentMethod.FORM,
        shown=texts_in_force(session, 1, language),
        suppression_key=product.config.suppression_key,
        now=at,
    )


def add(session: Session, product: Product, email: str) -> Subscription:
    """The same in a reader's name, by an admin, without a form."""
    return add_subscriber(
        session, address=parse_address(email), language="en", newsletter_id=make.newsletter(session).id,
        actor="desk@newsletter.example", suppression_key=product.config.suppression_key, now=NOW,
    )  # fmt: skip


def only(session: Session) -> Subscription:
    return session.scalars(select(Subscription)).one()


def letters(session: Session, state: DeliveryState = DeliveryState.QUEUED) -> list[str]:
    return make.letters(session, state)


def events(session: Session) -> list[ConsentKind]:
    return list(session.scalars(select(ConsentEvent.kind).order_by(ConsentEvent.id)))


def test_a_new_address_gets_a_pending_subscription_a_proof_and_one_letter(product: Product) -> None:
    with product.database.transaction() as session:
        ask(session, product, email="O'Connor+news@Exämple.fr")
        subscription = only(session)
        event = session.scalars(select(ConsentEvent)).one()
        delivery, chunk = session.execute(select(Delivery, Chunk).join(Chunk, Chunk.id == Delivery.chunk_id)).one()
        subscriber = subscription.subscriber
    assert subscription.status is SubscriptionStatus.PENDING
    assert (subscriber.email, subscriber.email_ascii) == ("O'Connor+news@exämple.fr", "O'Connor+news@xn--exmple-cua.fr")
    assert subscriber.email_key == "o'connor+news@xn--exmple-cua.fr"
    assert (event.kind, event.method, event.at, event.language) == (
        ConsentKind.REQUESTED,
        ConsentMethod.FORM,
        NOW,
        "fr",
    )
    assert event.wording_id is not None
    assert event.policy_id is not None
    assert event.form_url == "https://news.example/fr/"
    assert (chunk.kind, chunk.priority) == ("confirmation", 0)
    assert delivery.reference == subscription.confirmation_id


def test_the_same_address_in_other_case_is_the_same_reader(product: Product) -> None:
    with product.database.transaction() as session:
        ask(session, product, email="Alice@Reader.example")
        ask(session, product, email="alice@reader.EXAMPLE")
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 1


def test_asking_again_later_voids_the_older_link_and_its_waiting_letter(product: Product) -> None:
    with product.database.transaction() as session:
        ask(session, product)
        first = only(session).confirmation_id
        ask(session, product, at=NOW + timedelta(minutes=16), language="en")
        subscription = only(session)
        assert letters(session) == ["confirmation"]
        assert letters(session, DeliveryState.CANCELLED) == ["confirmation"]
        assert subscription.language == "en"
        assert first is not None
        assert confirmable(session, confirmation_id=first) is None
        with pytest.raises(NotFound):
            confirm_subscription(
                session, confirmation_id=first, suppression_key=SUPPRESSION_KEY, now=NOW + timedelta(minutes=17)
            )


def test_a_confirmed_reader_is_told_once_a_day_and_stays_confirmed(product: Product) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session)
        for hours in (0, 1, 23, 25):
            ask(session, product, at=NOW + timedelta(hours=hours))
        assert letters(session) == ["already-subscribed"] * 2
        assert only(session).status is SubscriptionStatus.CONFIRMED


def test_a_suppressed_address_leaves_no_trace(product: Product) -> None:
    with product.database.transaction() as session:
        suppress(
            session, email_key="alice@reader.example", suppression_key=product.config.suppression_key,
            reason=SuppressionReason.COMPLAINT, source="test", now=NOW,
        )  # fmt: skip
        ask(session, product, email="ALICE@reader.example")
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 0
        assert session.scalar(select(func.count()).select_from(Delivery)) == 0
        assert session.scalar(select(func.count()).select_from(Chunk)) == 0


def test_one_who_left_may_come_back_with_a_new_proof(product: Product) -> None:
    with product.database.transaction() as session:
        make.make_subscription(session, status=SubscriptionStatus.UNSUBSCRIBED)
        ask(session, product)
        request = only(session).confirmation_id
        assert request is not None
        confirm_subscription(
            session, confirmation_id=request, suppression_key=SUPPRESSION_KEY, now=NOW + timedelta(minutes=1)
        )
        assert only(session).status is SubscriptionStatus.CONFIRMED
        assert events(session) == [ConsentKind.REQUESTED, ConsentKind.CONFIRMED]


def test_confirming_records_the_texts_that_were_shown_and_queues_the_welcome(product: Product) -> None:
    with product.database.transaction() as session:
        ask(session, product)
        request = only(session).confirmation_id
        assert request is not None
        subscription = confirm_subscription(
            session, confirmation_id=request, suppression_key=SUPPRESSION_KEY, now=NOW + timedelta(hours=1)
        )
        asked, confirmed = session.scalars(select(ConsentEvent).order_by(ConsentEvent.id)).all()
    assert subscription.confirmed_at == NOW + timedelta(hours=1)
    assert (confirmed.wording_id, confirmed.policy_id) == (asked.wording_id, asked.policy_id)
    assert confirmed.method is ConsentMethod.CONFIRM_PAGE
    with product.database.reading() as session:
        assert letters(session) == ["confirmation", "welcome"]


def test_a_consent_is_recorded_in_the_language_of_its_text(product: Product) -> None:
    """An admin may correct the language of the letters before the reader confirms."""
    with product.database.transaction() as session:
        ask(session, product)
        subscription = only(session)
        correct_language(session, subscriber_id=subscription.subscriber_id, language="en", actor="ada", now=NOW)
        assert subscription.confirmation_id is not None
        confirm_subscription(
            session, confirmation_id=subscription.confirmation_id, suppression_key=SUPPRESSION_KEY, now=NOW
        )
        consent = session.scalars(select(ConsentEvent).where(ConsentEvent.kind == ConsentKind.CONFIRMED)).one()
        assert consent.wording_id == texts_in_force(session, 1, "fr").wording_id
        assert (consent.language, subscription.language) == ("fr", "en")


def test_the_same_press_twice_is_one_confirmation_and_a_late_one_is_refused(product: Product) -> None:
    with product.database.transaction() as session:
        ask(session, product)
        request = only(session).confirmation_id
        assert request is not None
        for seconds in (0, 3):
            confirm_subscription(
                session, confirmation_id=request, suppression_key=SUPPRESSION_KEY, now=NOW + timedelta(seconds=seconds)
            )
        assert events(session).count(ConsentKind.CONFIRMED) == 1
        assert letters(session).count("welcome") == 1
        with pytest.raises(TransitionRefused):
            confirm_subscription(
                session, confirmation_id=request, suppression_key=SUPPRESSION_KEY, now=NOW + timedelta(minutes=11)
            )


def test_the_welcome_letter_can_be_switched_off(product: Product) -> None:
    with product.database.transaction() as session:
        make.newsletter(session).sends_welcome = False
        ask(session, product)
        request = only(session).confirmation_id
        assert request is not None
        confirm_subscription(session, confirmation_id=request, suppression_key=SUPPRESSION_KEY, now=NOW)
        assert "welcome" not in letters(session)


def test_an_old_confirm_link_never_revives_one_who_left(product: Product) -> None:
    with product.database.transaction() as session:
        ask(session, product)
        subscription = only(session)
        request = subscription.confirmation_id
        assert request is not None
        confirm_subscription(session, confirmation_id=request, suppression_key=SUPPRESSION_KEY, now=NOW)
        unsubscribe(session, public_id=subscription.public_id, method=ConsentMethod.ONE_CLICK, now=NOW)
        with pytest.raises(NotFound):
            confirm_subscription(
                session, confirmation_id=request, suppression_key=SUPPRESSION_KEY, now=NOW + timedelta(seconds=1)
            )
        assert only(session).status is SubscriptionStatus.UNSUBSCRIBED


def test_an_admin_starts_the_same_double_opt_in_and_is_told_when_it_cannot_be(product: Product) -> None:
    with product.database.transaction() as session:
        assert add(session, product, "new@reader.example").status is SubscriptionStatus.PENDING
        event = session.scalars(select(ConsentEvent)).one()
        assert (event.method, event.actor) == (ConsentMethod.ADMIN, "desk@newsletter.example")
        assert letters(session) == ["confirmation"]
        make.make_subscription(session, email="alice@reader.example")
        with pytest.raises(TransitionRefused):
            add(session, product, "alice@reader.example")
        suppress(
            session, email_key="gone@reader.example", suppression_key=product.config.suppression_key,
            reason=SuppressionReason.HARD_BOUNCE, source="test", now=NOW,
        )  # fmt: skip
        with pytest.raises(TransitionRefused):
            add(session, product, "gone@reader.example")


def test_a_request_without_a_form_is_confirmed_only_with_what_the_page_showed(product: Product) -> None:
    with product.database.transaction() as session:
        request = add(session, product, "alice@reader.example").confirmation_id
        assert request is not None
        with pytest.raises(TextsNotShown):
            confirm_subscription(session, confirmation_id=request, suppression_key=SUPPRESSION_KEY, now=NOW)
        assert only(session).status is SubscriptionStatus.PENDING
        assert letters(session) == ["confirmation"]
        shown = texts_in_force(session, 1, "fr")
        assert (
            confirm_subscription(
                session, confirmation_id=request, suppression_key=SUPPRESSION_KEY, now=NOW, shown=shown
            ).language
            == "en"
        )
        event = session.scalars(select(ConsentEvent).order_by(ConsentEvent.id.desc()).limit(1)).one()
    assert (event.kind, event.language) == (ConsentKind.CONFIRMED, "fr")
    assert (event.wording_id, event.policy_id) == (shown.wording_id, shown.policy_id)


def restricted(session: Session, status: SubscriptionStatus) -> Subscription:
    """A reader who asked that their data be kept and not used; their address bounces as well."""
    subscription = make.make_subscription(session, status=status)
    restrict(session, subscriber_id=subscription.subscriber_id, method=ConsentMethod.DATA_PAGE, now=NOW)
    suppress(
        session, email_key="alice@reader.example", suppression_key=SUPPRESSION_KEY,
        reason=SuppressionReason.HARD_BOUNCE, source="test", now=NOW,
    )  # fmt: skip
    session.refresh(subscription)
    return subscription


@pytest.mark.parametrize("status", [SubscriptionStatus.CONFIRMED, SubscriptionStatus.PENDING])
def test_nobody_moves_a_restricted_reader_by_typing_their_address(product: Product, status: SubscriptionStatus) -> None:
    with product.database.transaction() as session:
        restricted(session, status)
        before = events(session)
        ask(session, product, at=NOW + timedelta(days=1))
        with pytest.raises(TransitionRefused):
            add(session, product, "alice@reader.example")
        assert (only(session).status, events(session), letters(session)) == (status, before, [])


def test_a_request_from_before_a_restriction_confirms_nothing(product: Product) -> None:
    with product.database.transaction() as session:
        ask(session, product)
        request = only(session).confirmation_id
        assert request is not None
        restrict(session, subscriber_id=only(session).subscriber_id, method=ConsentMethod.DATA_PAGE, now=NOW)
        assert confirmable(session, confirmation_id=request) is None
        with pytest.raises(NotFound):
            confirm_subscription(session, confirmation_id=request, suppression_key=SUPPRESSION_KEY, now=NOW)


@ON_POSTGRESQL
def test_an_edition_that_names_a_reader_does_not_wait_for_their_next_request(product: Product) -> None:
    with product.database.transaction() as session:
        ask(session, product)
    with product.database.transaction() as asking, product.database.transaction() as starting:
        ask(asking, product, at=NOW + timedelta(days=1))
        starting.execute(text("SET LOCAL lock_timeout = '1s'"))
        starting.execute(select(Subscriber.id).with_for_update(read=True, key_share=True))  # as a foreign key does
