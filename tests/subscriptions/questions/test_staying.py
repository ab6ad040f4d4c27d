"""Readers of whom nothing was heard for years: asked once, kept by an act of theirs, else deleted."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.delivery.models import Delivery, DeliveryState
from app.delivery.queue import cancel_reader
from app.errors import NotFound, TransitionRefused
from app.product import Product
from app.subscriptions.departures.models import ConsentArchive
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.preferences import change_language
from app.subscriptions.questions.asking import agree
from app.subscriptions.questions.models import Question, QuestionKind, QuestionState
from app.subscriptions.questions.staying import ask_inactive, lapse_unanswered, note_act
from app.subscriptions.records import ConsentEvent
from app.subscriptions.suppression import address_hmac
from tests import make
from tests.conftest import NOW

YEARS, DAYS = timedelta(days=3 * 365 + 1), timedelta(days=30)
KEY = "k" * 40


def ask_all(session: Session, *, per_day: int = 100, now: datetime = NOW) -> int:
    return ask_inactive(session, before=now - YEARS + timedelta(days=1), stay_days=30, per_day=per_day, now=now)


def asked(session: Session) -> Question:
    """A reader who was asked, and whose letter was taken by the relay."""
    make.make_subscription(session, at=NOW - YEARS)
    assert ask_all(session) == 1
    make_sent(session)
    return session.scalars(select(Question)).one()


def make_sent(session: Session) -> None:
    for letter in session.scalars(select(Delivery).where(Delivery.state == DeliveryState.QUEUED)):
        letter.state = DeliveryState.ACCEPTED
    session.flush()


def kinds(session: Session) -> list[str]:
    return [kind.value for kind in session.scalars(select(ConsentEvent.kind).order_by(ConsentEvent.id))]


def test_silence_deletes_the_reader_and_archives_the_proof(product: Product) -> None:
    with product.database.transaction() as session:
        asked(session)
        chain_id = session.scalar(select(Subscriber.chain_id))
        assert lapse_unanswered(session, suppression_key=KEY, now=NOW + DAYS - timedelta(seconds=1)) == 0
        assert lapse_unanswered(session, suppression_key=KEY, now=NOW + DAYS) == 1
    with product.database.reading() as session:
        assert session.scalars(select(Subscriber)).all() == []
        archive = session.scalars(select(ConsentArchive)).one()
        assert archive.chain_id == chain_id
        assert archive.address_hmac == address_hmac(KEY, "alice@reader.example")
        assert kinds(session) == ["asked", "lapsed"]
        assert session.scalar(select(func.count()).select_from(Delivery)) == 1


def test_a_press_keeps_them_for_years_and_is_an_event(product: Product) -> None:
    with product.database.transaction() as session:
        question = asked(session)
        for _ in range(2):
            agree(session, public_id=question.public_id, kind=QuestionKind.STAY, now=NOW + timedelta(days=1))
        assert lapse_unanswered(session, suppression_key=KEY, now=NOW + 2 * DAYS) == 0
        assert kinds(session) == ["asked", "stayed"]
        assert ask_all(session, now=NOW + 2 * DAYS) == 0
        assert ask_all(session, now=NOW + timedelta(days=2) + YEARS) == 1, "three years on they are asked again"


def test_any_act_of_their_own_answers_too_and_a_form_anybody_can_send_does_not(product: Product) -> None:
    with product.database.transaction() as session:
        question = asked(session)
        change_language(session, public_id=question.subscription.public_id, language="en", now=NOW + DAYS / 2)
        assert lapse_unanswered(session, suppression_key=KEY, now=NOW + DAYS) == 1
        assert question.state is QuestionState.VOID
        assert session.scalars(select(Subscription.status)).one() is SubscriptionStatus.CONFIRMED
        subscription = session.scalars(select(Subscription)).one()
        before = subscription.acted_at
        make.make_request(session, subscription)
        assert subscription.acted_at == before
        note_act(session, subscriber_id=subscription.subscriber_id, at=NOW + DAYS)
        session.refresh(subscription)
        assert subscription.acted_at == NOW + DAYS


def test_they_are_asked_once_oldest_first_and_no_more_than_so_many_a_day(product: Product) -> None:
    with product.database.transaction() as session:
        for number in range(5):
            make.make_subscription(session, email=f"r{number}@reader.example", at=NOW - YEARS - timedelta(days=number))
        make.make_subscription(session, email="young@reader.example", at=NOW - timedelta(days=900))
        assert ask_all(session, per_day=3) == 3
        assert ask_all(session, per_day=3, now=NOW + timedelta(hours=23)) == 0
        assert ask_all(session, per_day=3, now=NOW + timedelta(hours=25)) == 2
        assert ask_all(session, per_day=3, now=NOW + timedelta(hours=50)) == 0
        emails = session.scalars(
            select(Subscriber.email).join(Subscription).join(Question).order_by(Question.id).limit(2)
        ).all()
        assert emails == ["r4@reader.example", "r3@reader.example"]


@pytest.mark.parametrize("obstacle", ["is_withheld", "paused_until"])
def test_who_gets_no_letters_is_not_asked(product: Product, obstacle: str) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, at=NOW - YEARS)
        setattr(subscription, obstacle, True if obstacle == "is_withheld" else NOW + DAYS)
        session.flush()
        assert ask_all(session) == 0


def test_nothing_lapses_for_want_of_a_letter_that_never_went(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, at=NOW - YEARS)
        ask_all(session)
        assert lapse_unanswered(session, suppression_key=KEY, now=NOW + DAYS) == 1
        assert subscription.status is SubscriptionStatus.CONFIRMED, "the letter still waits"
        assert session.scalars(select(Question.answer_until)).one() > NOW + DAYS
        cancel_reader(session, subscriber_id=subscription.subscriber_id, newsletter_id=1, now=NOW + DAYS)
        assert lapse_unanswered(session, suppression_key=KEY, now=NOW + 2 * DAYS) == 1
        assert subscription.status is SubscriptionStatus.CONFIRMED
        assert ask_all(session, now=NOW + 2 * DAYS) == 1, "it is asked anew"


def test_a_letter_that_was_refused_has_not_asked(product: Product) -> None:
    """A provider that refuses all of a day's letters is not to cost their readers."""
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, at=NOW - YEARS)
        ask_all(session)
        session.execute(update(Delivery).values(state=DeliveryState.REJECTED))
        assert lapse_unanswered(session, suppression_key=KEY, now=NOW + DAYS) == 1
        assert subscription.status is SubscriptionStatus.CONFIRMED


def test_who_left_meanwhile_has_left_and_cannot_be_kept(product: Product) -> None:
    with product.database.transaction() as session:
        question = asked(session)
        unsubscribe(
            session, public_id=question.subscription.public_id, method=ConsentMethod.ONE_CLICK, now=NOW + DAYS / 2
        )
        with pytest.raises(TransitionRefused):
            agree(session, public_id=question.public_id, kind=QuestionKind.STAY, now=NOW + DAYS / 2)
        assert lapse_unanswered(session, suppression_key=KEY, now=NOW + DAYS) == 1
        assert ConsentKind.LAPSED.value not in kinds(session)
        with pytest.raises(NotFound):
            agree(session, public_id=question.public_id, kind=QuestionKind.RENEWAL, now=NOW + DAYS)
