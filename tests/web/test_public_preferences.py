"""A reader's own page."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask.testing import FlaskClient

from app.clock import now
from app.product import Product
from app.subscriptions.kinds import SubscriptionStatus
from tests import make
from tests.conftest import NOW
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
    chosen = [each["value"] for each in page.all("input") if "checked" in each and each["name"] == "letters_language"]
    assert chosen == ["en"]
    with product.database.reading() as session:
        assert (only(session).language, only(session).status) == ("en", SubscriptionStatus.CONFIRMED)


def test_a_pause_goes_by_the_clocks_of_the_newsletter(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    with product.database.transaction() as session:
        make.newsletter(session).timezone = "Pacific/Kiritimati"  # a day ahead, when it is noon in Paris
    with time_machine.travel(NOW + timedelta(hours=2), tick=False):
        assert 'min="2026-03-19"' in client.get(path).text
        client.post(f"{path}/pause", data={"span": "week"})
    with product.database.reading() as session:
        assert only(session).paused_until == datetime(2026, 3, 25, tzinfo=ZoneInfo("Pacific/Kiritimati"))


def test_letters_are_paused_for_a_span_or_until_a_day_and_come_again_at_once(
    client: FlaskClient, product: Product
) -> None:
    path = reader(product)
    for chosen, until in [
        ({"span": "week"}, date(2026, 3, 24)),
        ({"span": "month", "until": "2026-12-24"}, date(2026, 4, 17)),
        ({"span": "quarter"}, date(2026, 6, 17)),
        ({"span": "day", "until": "2027-03-17"}, date(2027, 3, 17)),
    ]:
        with time_machine.travel(NOW, tick=False):
            page = client.get(client.post(f"{path}/pause", data=chosen).headers["Location"]).text
        with product.database.reading() as session:
            paused_until = only(session).paused_until
        assert paused_until == datetime(until.year, until.month, until.day, tzinfo=ZoneInfo("Europe/Paris"))
        assert f"Aucune lettre ne viendra avant le {until.day}" in page
    client.post(f"{path}/resume")
    with product.database.reading() as session:
        assert only(session).paused_until is None


@pytest.mark.parametrize(
    ("hindrance", "said"),
    [
        ("restricted", "Vous avez limité l’usage de vos données."),
        ("withheld", "Nous n’écrivons plus à cette adresse"),
        ("paused", "Vos lettres sont en pause"),
    ],
)
def test_a_reader_to_whom_no_letter_goes_reads_so_before_anything_else(
    client: FlaskClient, product: Product, hindrance: str, said: str
) -> None:
    path = reader(product)
    assert said not in client.get(path).text
    with product.database.transaction() as session:
        subscription = only(session)
        if hindrance == "paused":
            subscription.paused_until = now() + timedelta(days=7)
        else:
            subscription.is_withheld = True
            subscription.subscriber.restricted_at = now() if hindrance == "restricted" else None
    text = Page(client.get(path).text).text
    assert said in text
    assert text.index(said) < text.index("Langue de vos lettres")
    assert "est envoyée à cette adresse" not in text


@pytest.mark.parametrize(
    "chosen",
    [{}, {"span": "day"}, {"span": "day", "until": "2026-03-17"}, {"span": "day", "until": "2027-03-18"},
     {"span": "day", "until": "tomorrow"}, {"span": "day", "until": "9999-99-99"}, {"span": "year"}],
)  # fmt: skip
def test_a_day_that_cannot_be_is_asked_for_again(client: FlaskClient, product: Product, chosen: dict[str, str]) -> None:
    path = reader(product)
    with time_machine.travel(NOW, tick=False):
        response = client.post(f"{path}/pause", data=chosen)
    assert response.status_code == 422
    assert "<title>Erreur\u00a0: Vos préférences" in response.text
    assert "entre le 18\u00a0mars\u00a02026 et le 17\u00a0mars\u00a02027" in response.text
    with product.database.reading() as session:
        assert only(session).paused_until is None


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
    for act in ("", "/pause", "/resume", "/data-link"):
        assert client.post(path + act, data={"letters_language": "en", "span": "week"}).status_code == 303


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
