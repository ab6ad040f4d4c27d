"""The pages behind the letters that ask: opening changes nothing, one press answers, old links say so."""

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.clock import now
from app.newsletters.models import current_policy, current_wording
from app.newsletters.wordings import cut_statement, store_wording, texts_in_force
from app.product import Product
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.leaving import unsubscribe
from app.subscriptions.models import Subscription
from app.subscriptions.questions.asking import ask
from app.subscriptions.questions.models import Question, QuestionKind, QuestionState
from app.subscriptions.records import ConsentEvent
from tests import make
from tests.web import desk
from tests.web.visitor import Page


def path_of(product: Product, kind: QuestionKind, *, language: str = "fr") -> str:
    """The page of a question that was asked a day ago."""
    at = now() - timedelta(days=1)
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, language=language, at=at)
        shown = texts_in_force(session, 1, language) if kind is QuestionKind.RENEWAL else None
        question = ask(session, subscription, kind=kind, answer_until=at + timedelta(days=30), now=at, shown=shown)
    link = product.links.stay if kind is QuestionKind.STAY else product.links.renew
    return link(language, question.public_id, asked_at=at).removeprefix(product.config.public_url)


def state_of(product: Product) -> QuestionState:
    with product.database.reading() as session:
        return session.scalars(select(Question.state)).one()


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("kind", QuestionKind)
def test_opening_changes_nothing_and_a_press_answers(
    client: FlaskClient, product: Product, kind: QuestionKind, language: str
) -> None:
    path = path_of(product, kind, language=language)
    before = desk.everything(product.database)
    page = client.get(path)
    assert page.status_code == 200
    assert "alice@" not in page.text
    assert len(Page(page.text).all("form")) == 1
    assert desk.everything(product.database) == before
    assert state_of(product) is QuestionState.OPEN
    for _ in range(2):
        assert f"/{language}/preferences/" in client.post(path).text
    assert state_of(product) is QuestionState.AGREED
    with product.database.reading() as session:
        events = session.scalars(select(ConsentEvent.method).order_by(ConsentEvent.id)).all()
        assert [each.value for each in events] == [
            "clock",
            f"{'stay' if kind is QuestionKind.STAY else 'renewal'}-page",
        ]


def test_the_page_shows_the_texts_of_the_letter_though_newer_ones_are_in_force(
    client: FlaskClient, product: Product
) -> None:
    path = path_of(product, QuestionKind.RENEWAL)
    with product.database.transaction() as session:
        shown, policy = session.scalars(current_wording(1, "fr")).one(), session.scalars(current_policy("fr")).one()
        store_wording(
            session, newsletter_id=1, language="fr", heading="x", statement="Un [autre].", button="x", now=now()
        )
    page = client.get(path).text
    statement = cut_statement(shown.statement)
    assert statement.before.strip() in Page(page).text
    assert f"/fr/privacy/{policy.version}" in page
    assert client.get(path.replace("/fr/", "/en/")).location.startswith("/fr/renew/")


def test_whoever_stays_is_promised_letters_only_where_some_come(client: FlaskClient, product: Product) -> None:
    path = path_of(product, QuestionKind.STAY)
    assert "Vos lettres continuent" in client.post(path).text
    with product.database.transaction() as session:
        session.scalars(select(Subscription)).one().paused_until = now() + timedelta(days=7)
    again = client.post(path).text
    assert "Vos lettres continuent" not in again
    assert "Vos lettres sont en pause" in again


@pytest.mark.parametrize("kind", QuestionKind)
def test_who_has_left_is_told_so(client: FlaskClient, product: Product, kind: QuestionKind) -> None:
    path = path_of(product, kind)
    with product.database.transaction() as session:
        public_id = session.scalars(select(Subscription.public_id)).one()
        unsubscribe(session, public_id=public_id, method=ConsentMethod.ONE_CLICK, now=now())
    for answer in (client.get(path), client.post(path)):
        assert "<form" not in answer.text
        assert 'href="/fr/"' in answer.text
    assert state_of(product) is QuestionState.OPEN


def test_a_link_of_the_one_opens_nothing_of_the_other(client: FlaskClient, product: Product) -> None:
    stay = path_of(product, QuestionKind.STAY)
    assert "<form" not in client.get(stay.replace("/stay/", "/renew/")).text
    with product.database.transaction() as session:
        session.execute(update(Question).values(kind=QuestionKind.RENEWAL))
    assert "<form" not in client.get(stay).text
    client.post(stay)
    assert state_of(product) is QuestionState.OPEN


@pytest.mark.parametrize("kind", QuestionKind)
def test_a_link_that_was_cut_says_so_and_one_that_is_over_leads_to_the_form(
    client: FlaskClient, product: Product, kind: QuestionKind
) -> None:
    path = path_of(product, kind)
    for answer in (client.get(path[:-1]), client.post(path[:-1])):
        assert answer.status_code == 400
        assert "Ce lien n’est pas complet" in answer.text
    with time_machine.travel(now() + timedelta(days=366), tick=False):
        for answer in (client.get(path), client.post(path)):
            assert (answer.status_code, "Aucun abonnement ici" in answer.text) == (200, True)
    assert state_of(product) is QuestionState.OPEN
