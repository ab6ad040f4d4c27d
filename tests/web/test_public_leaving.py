"""Leaving by the link of a letter, pressed by people and posted by mail programs (RFC 8058)."""

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from app.delivery.models import Delivery, DeliveryState
from app.delivery.queue import enqueue
from app.product import Product
from app.subscriptions.kinds import ConsentMethod, SubscriptionStatus
from app.subscriptions.models import Subscriber
from app.subscriptions.records import ConsentEvent
from app.tokens import Tokens
from tests import make
from tests.conftest import KEY, NOW
from tests.web.visitor import Page, counts, only

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"


def reader(product: Product, *, language: str = "fr", status: SubscriptionStatus = SubscriptionStatus.CONFIRMED) -> str:
    """The path of a reader's leave link."""
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, language=language, status=status)
    return product.links.unsubscribe(language, subscription.public_id).removeprefix(product.config.public_url)


def status(product: Product) -> SubscriptionStatus:
    with product.database.reading() as session:
        return only(session).status


@pytest.mark.parametrize(("language", "button"), [("fr", "Me désabonner"), ("en", "Unsubscribe me")])
def test_the_page_has_one_button_and_nothing_to_type(
    client: FlaskClient, product: Product, language: str, button: str
) -> None:
    path = reader(product, language=language)
    before = counts(product)
    for method in ("GET", "HEAD", "GET"):
        response = client.open(path, method=method)
        assert response.status_code == 200
    page = Page(response.text)
    assert counts(product) == before
    assert status(product) is SubscriptionStatus.CONFIRMED
    assert button in page.text
    assert (len(page.all("form")), len(page.all("button"))) == (1, 1)
    assert not page.all("input") + page.all("script")
    assert "action" not in page.all("form")[0], "the form posts to the same address"


def multipart(boundary: str) -> dict[str, object]:
    field = 'Content-Disposition: form-data; name="List-Unsubscribe"'
    body = f"--{boundary}\r\n{field}\r\n\r\nOne-Click\r\n--{boundary}--\r\n"
    return {"data": body.encode(), "content_type": f'multipart/form-data; boundary="{boundary}"'}


BODIES: dict[str, dict[str, object]] = {
    "as the standard says": {"data": ONE_CLICK, "content_type": FORM},
    "with a charset": {"data": ONE_CLICK, "content_type": FORM + "; charset=utf-8"},
    "multipart": multipart("----aBoundary7MA4YWxk"),
    "multipart with an odd boundary": multipart("_=:,()+?/' 1"),
    "multipart cut short": {"data": b"--x\r\nContent-Disp", "content_type": "multipart/form-data; boundary=x"},
    "multipart without a boundary": {"data": b"x", "content_type": "multipart/form-data"},
    "empty": {},
    "another word": {"data": "hello=world", "content_type": FORM},
    "JSON": {"data": b"{}", "content_type": "application/json"},
    "no type": {"data": b"\xff\xfe\x00"},
}


@pytest.mark.parametrize("body", BODIES)
def test_a_post_of_any_body_unsubscribes_with_200_no_cookie_and_no_redirect(
    client: FlaskClient, product: Product, body: str
) -> None:
    response = client.post(reader(product), **BODIES[body])  # type: ignore[arg-type]
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert "Location" not in response.headers
    assert status(product) is SubscriptionStatus.UNSUBSCRIBED
    with product.database.reading() as session:
        assert session.scalars(select(ConsentEvent.method)).one() is ConsentMethod.ONE_CLICK


def test_a_chunked_post_unsubscribes(client: FlaskClient, product: Product) -> None:
    import io

    response = client.post(
        reader(product),
        input_stream=io.BytesIO(ONE_CLICK.encode()),
        content_type=FORM,
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert response.status_code == 200
    assert status(product) is SubscriptionStatus.UNSUBSCRIBED


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://mail.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Cookie": "__Host-vigie=abc; vigie-desk=abc"},
    ],
)
def test_authority_is_the_token_alone(client: FlaskClient, product: Product, headers: dict[str, str]) -> None:
    response = client.post(reader(product), data=ONE_CLICK, content_type=FORM, headers=headers)
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert status(product) is SubscriptionStatus.UNSUBSCRIBED


def test_the_button_is_recorded_as_the_button(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    button = Page(client.get(path).text).all("button")[0]
    client.post(path, data={button["name"]: button["value"]})
    with product.database.reading() as session:
        assert session.scalars(select(ConsentEvent.method)).one() is ConsentMethod.UNSUBSCRIBE_PAGE


def test_waiting_copies_are_cancelled_in_the_same_breath(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    with product.database.transaction() as session:
        subscription = only(session)
        enqueue(
            session, kind="edition", language="fr", now=NOW,
            newsletter_id=subscription.newsletter_id, subscriber_id=subscription.subscriber_id,
        )  # fmt: skip
    client.post(path)
    with product.database.reading() as session:
        assert session.scalars(select(Delivery.state)).all() == [DeliveryState.CANCELLED]


def test_a_second_post_and_one_for_an_erased_reader_give_the_same_answer(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    first, second = client.post(path), client.post(path)
    with product.database.transaction() as session:
        session.execute(delete(Subscriber))
    third = client.post(path)
    assert {(each.status_code, each.data) for each in (first, second, third)} == {(200, first.data)}
    assert client.get(path).status_code == 200


def test_a_pending_request_is_forgotten(client: FlaskClient, product: Product) -> None:
    assert client.post(reader(product, status=SubscriptionStatus.PENDING)).status_code == 200
    assert counts(product)["subscribers"] == 0


def test_malformed_forged_and_foreign_links_give_one_neutral_400(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    tokens = [
        "x", "..", "%00", path.rpartition("/")[2][:-1], path.rpartition("/")[2][:-3] + "abc", "a" * 5000,
        "%C3%A9.%C3%A9",
        *(product.link_tokens.sign(purpose, "a" * 22) for purpose in ("preferences", "view", "confirm")),
        Tokens(("z" * 40,)).sign("unsubscribe", "a" * 22),
    ]  # fmt: skip
    for method in ("GET", "POST"):
        answers = {
            (response.status_code, Page(response.text).text)
            for token in tokens
            for response in [client.open(f"/fr/unsubscribe/{token}", method=method)]
        }
        assert len(answers) == 1
        code, text = answers.pop()
        assert code == 400
        assert "contact@newsletter.example" in text
    assert status(product) is SubscriptionStatus.CONFIRMED


def test_links_made_ten_years_ago_and_before_a_change_of_keys_still_work(client: FlaskClient, product: Product) -> None:
    path = reader(product)
    public_id = path.rpartition("/")[2].partition(".")[0]
    with time_machine.travel(NOW - timedelta(days=3653), tick=False):
        token = Tokens((KEY + "-links",)).sign("unsubscribe", public_id)
    rotated = Tokens((KEY + "-links", "n" * 40))
    assert rotated.read("unsubscribe", token) == public_id
    assert client.post(f"/fr/unsubscribe/{token}").status_code == 200
    assert status(product) is SubscriptionStatus.UNSUBSCRIBED


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused_without_effect(client: FlaskClient, product: Product, method: str) -> None:
    path = reader(product)
    response = client.open(path, method=method)
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}
    assert status(product) is SubscriptionStatus.CONFIRMED


def test_a_forwarded_view_link_gives_no_power(client: FlaskClient, product: Product) -> None:
    public_id = reader(product).rpartition("/")[2].partition(".")[0]
    view = product.link_tokens.sign("view", public_id)
    for path in (f"/fr/unsubscribe/{view}", f"/fr/preferences/{view}", f"/fr/confirm/{view}"):
        for method in ("GET", "POST"):
            assert client.open(path, method=method).status_code == 400
    assert status(product) is SubscriptionStatus.CONFIRMED


def test_a_token_holds_an_opaque_id_and_nothing_personal(client: FlaskClient, product: Product) -> None:
    token = reader(product).rpartition("/")[2]
    value, _, signature = token.partition(".")
    assert len(value) == 22
    assert len(signature) == 43
    with product.database.reading() as session:
        assert value == only(session).public_id
