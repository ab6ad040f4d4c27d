"""A reader's own page."""

import pytest
from flask.testing import FlaskClient

from app.product import Product
from app.subscriptions.models import SubscriptionStatus
from tests import make
from tests.web.visitor import Page, counts, only


def reader(product: Product, status: SubscriptionStatus = SubscriptionStatus.CONFIRMED) -> str:
    """The path of a reader's page."""
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, status=status)
    return product.links.preferences("fr", subscription.public_id).removeprefix(product.config.public_url)


def test_the_page_masks_the_address_and_looking_changes_nothing(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    before = counts(product)
    page = client.get(path)
    assert page.status_code == 200
    assert "a…e@reader.example" in page.text
    assert "alice" not in page.text
    assert counts(product) == before
    assert "Bienvenue" not in page.text


def test_the_language_can_be_chosen_and_the_page_follows(client: FlaskClient, product: Product) -> None:
    response = client.post(
        reader(product), data={"letters_language": "en", "status": "unsubscribed", "email": "x@y.example"}
    )
    assert response.status_code == 303
    assert response.headers["Location"].startswith("/en/preferences/")
    page = Page(client.get(response.headers["Location"]).text)
    assert "Your choice is saved." in page.text
    chosen = [each["value"] for each in page.all("input") if "checked" in each]
    assert chosen == ["en"]
    with product.database.reading() as session:
        assert (only(session).language, only(session).status) == ("en", SubscriptionStatus.CONFIRMED)


def test_the_leave_button_of_the_page_works(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    page = Page(client.get(path).text)
    leave = next(each["action"] for each in page.all("form") if "/unsubscribe/" in each.get("action", ""))
    assert client.post(leave, data={"by": "button"}).status_code == 200
    with product.database.reading() as session:
        assert only(session).status is SubscriptionStatus.UNSUBSCRIBED


@pytest.mark.parametrize("language", ["", "de", "FR", "fr\x00"])
def test_a_language_we_have_not_is_refused(client: FlaskClient, product: Product, language: str) -> None:
    assert client.post(reader(product), data={"letters_language": language}).status_code == 422


@pytest.mark.parametrize("status", [SubscriptionStatus.PENDING, SubscriptionStatus.UNSUBSCRIBED, None])
def test_whoever_is_not_subscribed_sees_the_same_page_without_an_address(
    client: FlaskClient, product: Product, status: SubscriptionStatus | None
) -> None:
    if status is None:
        path = "/fr/preferences/" + product.link_tokens.sign("preferences", "a" * 22)
    else:
        path = reader(product, status)
    page = client.get(path)
    assert page.status_code == 200
    assert "Aucun abonnement ici" in page.text
    assert "reader.example" not in page.text
    assert client.post(path, data={"letters_language": "en"}).status_code == 303


@pytest.mark.parametrize("token", ["x", "a.b", "%00"])
def test_a_link_that_is_not_ours_gives_the_neutral_400(client: FlaskClient, token: str) -> None:
    assert client.get(f"/fr/preferences/{token}").status_code == 400
    assert client.post(f"/fr/preferences/{token}", data={"letters_language": "en"}).status_code == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(client: FlaskClient, product: Product, method: str) -> None:
    assert client.open(reader(product), method=method).status_code == 405


def test_another_site_cannot_change_a_readers_language(client: FlaskClient, product: Product) -> None:
    response = client.post(reader(product), data={"letters_language": "en"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 403
    with product.database.reading() as session:
        assert only(session).language == "fr"
