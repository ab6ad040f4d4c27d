"""The confirm page: a look changes nothing, a press confirms, and a link that is over offers a new letter."""

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from app.delivery.models import Delivery
from app.product import Product
from app.subscriptions.models import ConsentEvent, ConsentKind, SubscriptionStatus
from tests import make
from tests.conftest import NOW
from tests.web.visitor import Page, counts, form_token, only, send_form


def pending(product: Product, *, language: str = "fr", email: str = "alice@reader.example") -> str:
    """The path of the link in a confirmation letter asked for at NOW."""
    with product.database.transaction() as session:
        subscription = make.make_subscription(
            session, email=email, language=language, status=SubscriptionStatus.PENDING, at=NOW
        )
    assert subscription.confirmation_id
    url = product.links.confirm(language, subscription.confirmation_id, requested_at=NOW)
    return url.removeprefix(product.config.public_url)


@pytest.fixture(autouse=True)
def _a_minute_later() -> object:
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False) as clock:
        yield clock


def test_looking_changes_nothing_and_shows_one_button(client: FlaskClient, product: Product) -> None:
    path, before = pending(product), None
    for method in ("GET", "HEAD", "GET"):
        before = before or counts(product)
        response = client.open(path, method=method)
        assert response.status_code == 200
        assert counts(product) == before
    page = Page(client.get(path).text)
    assert len(page.all("button")) == len(page.all("form")) == 1
    assert "a…e@reader.example" in page.text
    assert "alice@" not in page.text
    with product.database.reading() as session:
        assert only(session).status is SubscriptionStatus.PENDING


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_press_confirms_and_leads_to_the_preferences_with_a_welcome(
    client: FlaskClient, product: Product, language: str
) -> None:
    path = pending(product, language=language)
    response = client.post(path)
    assert response.status_code == 303
    assert response.headers["Location"].startswith(f"/{language}/preferences/")
    page = client.get(response.headers["Location"])
    assert page.status_code == 200
    assert {"fr": "Bienvenue", "en": "Welcome"}[language] in page.text
    with product.database.reading() as session:
        assert only(session).status is SubscriptionStatus.CONFIRMED
        assert session.scalars(select(Delivery.kind)).all() == ["welcome"]


def test_a_double_press_confirms_once_and_ends_in_the_same_place(client: FlaskClient, product: Product) -> None:
    path = pending(product)
    first, second = client.post(path), client.post(path)
    assert (first.status_code, first.headers["Location"]) == (second.status_code, second.headers["Location"])
    with product.database.reading() as session:
        assert session.scalars(select(ConsentEvent.kind)).all() == [ConsentKind.CONFIRMED]
        assert session.scalars(select(Delivery.kind)).all() == ["welcome"]


def broken_links(product: Product) -> dict[str, str]:
    """One path for each way in which a confirm link can be no good."""
    good, used = pending(product), pending(product, email="used@reader.example")
    foreign = product.link_tokens.sign("unsubscribe", "a" * 22)
    old = product.link_tokens.sign("confirm", "a" * 22, at=NOW - timedelta(hours=73))
    unknown = product.link_tokens.sign("confirm", "a" * 22, at=NOW)
    return {
        "used": used,
        "expired": f"/fr/confirm/{old}",
        "unknown": f"/fr/confirm/{unknown}",
        "truncated": good[:-3],
        "forged": good[:-3] + "aaa",
        "foreign": f"/fr/confirm/{foreign}",
        "malformed": "/fr/confirm/%00%ff..",
    }


def test_every_link_that_is_over_gives_the_same_page_with_a_form_for_a_new_letter(
    client: FlaskClient, product: Product
) -> None:
    links = broken_links(product)
    client.post(links["used"])
    with time_machine.travel(NOW + timedelta(minutes=30), tick=False):
        before = counts(product)
        pages = {
            (method, client.open(path, method=method).status_code, Page(client.get(path).text).text)
            for method in ("GET", "POST")
            for path in links.values()
        }
        assert counts(product) == before
    assert len(pages) == 2
    assert {(method, status) for method, status, _ in pages} == {("GET", 400), ("POST", 400)}
    assert len({text for _, _, text in pages}) == 1


def test_the_form_for_a_new_letter_works_like_any_sign_up(client: FlaskClient, product: Product) -> None:
    pending(product)
    response = send_form(client, path="/fr/confirm/over", after=timedelta(hours=1))
    assert response.status_code == 303
    with product.database.reading() as session:
        assert session.scalars(select(Delivery.kind)).all() == ["confirmation"]
    assert form_token(client, path="/fr/confirm/over")


def test_a_link_lives_exactly_as_long_as_the_setting_says(client: FlaskClient, product: Product) -> None:
    path = pending(product)
    life = timedelta(hours=product.config.retention.confirm_hours)
    with time_machine.travel(NOW + life - timedelta(seconds=1), tick=False):
        assert client.get(path).status_code == 200
    with time_machine.travel(NOW + life + timedelta(seconds=2), tick=False):
        assert client.get(path).status_code == 400
        assert client.post(path).status_code == 400


def test_the_link_to_cancel_on_the_page_forgets_the_request(client: FlaskClient, product: Product) -> None:
    page = Page(client.get(pending(product)).text)
    cancel = next(each["href"] for each in page.all("a") if "/unsubscribe/" in each["href"])
    assert client.post(cancel).status_code == 200
    assert counts(product)["subscribers"] == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_have_no_effect(client: FlaskClient, product: Product, method: str) -> None:
    path = pending(product)
    response = client.open(path, method=method)
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}
    with product.database.reading() as session:
        assert only(session).status is SubscriptionStatus.PENDING
