"""The confirm page: a look changes nothing, a press confirms, and a link that is over offers a new letter."""

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from app.mail.address import parse_address
from app.newsletters.models import ConsentWording, current_policy, current_wording
from app.product import Product
from app.subscriptions.kinds import ConsentKind, SubscriptionStatus
from app.subscriptions.models import Subscription
from app.subscriptions.records import ConsentEvent
from app.subscriptions.signup import add_subscriber
from tests import make
from tests.conftest import NOW
from tests.web.visitor import Page, counts, form_token, only, send_form


def pending(product: Product, *, language: str = "fr", email: str = "alice@reader.example") -> str:
    """The path of the link in a confirmation letter asked for at NOW."""
    with product.database.transaction() as session:
        subscription = make.make_subscription(
            session, email=email, language=language, status=SubscriptionStatus.PENDING, at=NOW
        )
        make.make_request(session, subscription)
    return link(product, subscription)


def added(product: Product, *, language: str = "fr") -> str:
    """The path of the link in a confirmation letter that an admin asked for at NOW."""
    with product.database.transaction() as session:
        subscription = add_subscriber(
            session, address=parse_address("alice@reader.example"), language=language,
            newsletter_id=make.newsletter(session).id, actor="cli",
            suppression_key=product.config.suppression_key, now=NOW,
        )  # fmt: skip
    return link(product, subscription)


def link(product: Product, subscription: Subscription) -> str:
    """The path of a subscription's confirm page."""
    assert subscription.confirmation_id
    url = product.links.confirm(subscription.language, subscription.confirmation_id, requested_at=NOW)
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
        assert make.letters(session) == ["welcome"]


def test_a_double_press_confirms_once_and_ends_in_the_same_place(client: FlaskClient, product: Product) -> None:
    path = pending(product)
    first, second = client.post(path), client.post(path)
    assert (first.status_code, first.headers["Location"]) == (second.status_code, second.headers["Location"])
    with product.database.reading() as session:
        assert session.scalars(select(ConsentEvent.kind)).all() == [ConsentKind.REQUESTED, ConsentKind.CONFIRMED]
        assert make.letters(session) == ["welcome"]


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
        assert make.letters(session) == ["confirmation"]
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


def test_a_request_made_on_a_form_needs_no_mark_and_ignores_one(client: FlaskClient, product: Product) -> None:
    path = pending(product)
    assert "token" not in {each.get("name") for each in Page(client.get(path).text).all("input")}
    assert client.post(path, data={"token": form_token(client, path="/en/")}).status_code == 303
    with product.database.reading() as session:
        asked, confirmed = session.scalars(select(ConsentEvent).order_by(ConsentEvent.id)).all()
        assert (confirmed.language, confirmed.wording_id, confirmed.policy_id) == (
            asked.language, asked.wording_id, asked.policy_id
        )  # fmt: skip


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_reader_whom_an_admin_added_sees_the_statement_before_the_button(
    client: FlaskClient, product: Product, language: str
) -> None:
    page = Page(client.get(added(product, language=language)).text)
    with product.database.reading() as session:
        wording = session.scalars(current_wording(1, language)).one()
    shown = " ".join(page.text.split())
    for text in wording.statement.replace("]", "[").split("[")[::2]:
        assert " ".join(text.split()) in shown
    assert page.position("p", id="statement") < page.position("button", type="submit")
    assert page.all("button")[0]["aria-describedby"] == "statement"
    privacy = next(each for each in page.all("a") if each["href"] == f"/{language}/privacy" and "target" in each)
    assert (privacy["target"], privacy["rel"]) == ("_blank", "noopener")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_their_press_however_quick_proves_the_versions_that_were_on_the_page(
    client: FlaskClient, product: Product, language: str
) -> None:
    path = added(product).replace("/fr/", f"/{language}/")
    token = form_token(client, path=path)
    with product.database.transaction() as session:
        wording_id = session.scalars(current_wording(1, language)).one().id
        policy_id = session.scalars(current_policy(language)).one().id
        session.add(
            ConsentWording(
                newsletter_id=1,
                language=language,
                version=2,
                heading="h",
                statement="s [l]",
                button="b",
                sha256="0" * 64,
                created_at=NOW,
            )
        )
    answers = [client.post(path, data={"token": token}), client.post(path)]
    assert [answer.status_code for answer in answers] == [303, 303]
    with product.database.reading() as session:
        asked, confirmed = session.scalars(select(ConsentEvent).order_by(ConsentEvent.id)).all()
        assert (asked.kind, asked.wording_id, asked.policy_id) == (ConsentKind.REQUESTED, None, None)
        assert (confirmed.kind, confirmed.language) == (ConsentKind.CONFIRMED, language)
        assert (confirmed.wording_id, confirmed.policy_id) == (wording_id, policy_id)


def unfit_marks(client: FlaskClient, product: Product) -> dict[str, str]:
    """One mark for each way in which it proves nothing."""
    return {
        "missing": "",
        "forged": "1-1-abc.YWJj.c2ln",
        "too old": product.form_tokens.sign("form", "1-1-abc", at=NOW - timedelta(days=1)),
        "of another purpose": product.link_tokens.sign("confirm", "1-1-abc"),
        "of another language": form_token(client, path="/en/"),
        "of texts that are gone": product.form_tokens.sign("form", "998-999-abc"),
    }


def test_without_a_good_mark_the_page_comes_back_and_confirms_nobody(client: FlaskClient, product: Product) -> None:
    path = added(product)
    for way, token in unfit_marks(client, product).items():
        before = counts(product)
        response = client.post(path, data={"token": token})
        assert response.status_code == 422, way
        assert "ouverte depuis longtemps" in response.text, way
        assert counts(product) == before, way
    again = Page(response.text)
    mark = next(each["value"] for each in again.all("input") if each["name"] == "token")
    assert client.post(path, data={"token": mark}).status_code == 303


def test_a_form_sent_after_an_admin_added_the_reader_is_the_proof_again(client: FlaskClient, product: Product) -> None:
    added(product)
    assert send_form(client, after=timedelta(minutes=1)).status_code == 303
    with product.database.reading() as session:
        path = link(product, only(session))
    assert "statement" not in {each.get("id") for each in Page(client.get(path).text).all("p")}
    assert client.post(path).status_code == 303
