"""The sign-up form in the browser's eyes: what it shows, what it takes, and what it never tells."""

import sqlite3
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from app.newsletters.defaults import install_defaults
from app.newsletters.models import ConsentWording, current_policy, current_wording
from app.product import Product
from app.subscriptions.kinds import ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.models import Subscriber
from app.subscriptions.records import ConsentEvent
from app.subscriptions.suppression import suppress
from app.web.forms import TRAP
from tests import make
from tests.conftest import NOW, ON_SQLITE
from tests.web.visitor import Page, counts, form_token, only, send_form

ADDRESS = "alice@reader.example"


@pytest.mark.parametrize(
    ("accepted", "home"),
    [
        ("", "/fr/"),
        ("en-GB,en;q=0.9", "/en/"),
        ("fr-CA", "/fr/"),
        ("de", "/fr/"),
        ("de,en;q=0.5", "/en/"),
        ("*", "/fr/"),
    ],
)
def test_the_root_chooses_the_language_and_french_is_the_default(client: FlaskClient, accepted: str, home: str) -> None:
    response = client.get("/", headers={"Accept-Language": accepted} if accepted else {})
    assert (response.status_code, response.headers["Location"]) == (302, home)
    assert "Accept-Language" in response.headers["Vary"]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_form_shows_the_stored_wording_before_a_button_that_names_the_act(
    client: FlaskClient, product: Product, language: str
) -> None:
    page = Page(client.get(f"/{language}/").text)
    with product.database.reading() as session:
        wording = session.scalars(current_wording(1, language)).one()
    shown = " ".join(page.text.split())
    for text in (wording.heading, *wording.statement.replace("]", "[").split("[")[::2], wording.button):
        assert " ".join(text.split()) in shown
    order = [
        page.position("input", id="email"),
        page.position("p", id="statement"),
        page.position("button", type="submit"),
    ]
    assert order == sorted(order)
    button = next(each for each in page.all("button"))
    assert button["aria-describedby"] == "statement"
    link = next(each for each in page.all("a") if each["href"] == f"/{language}/privacy" and "target" in each)
    assert (link["target"], link["rel"]) == ("_blank", "noopener")


@pytest.mark.parametrize("path", ["/fr/embed", "/en/embed", "/fr/confirm/x"])
def test_the_small_form_asks_for_the_address_alone(client: FlaskClient, path: str) -> None:
    assert {each["name"] for each in Page(client.get(path).text).all("input")} == {"email", "token", TRAP}


@pytest.mark.parametrize("path", ["/fr/", "/en/", "/fr/embed", "/en/embed", "/fr/confirm/x"])
def test_the_form_needs_the_address_alone_and_ticks_nothing(client: FlaskClient, path: str) -> None:
    page = Page(client.get(path).text)
    inputs = page.all("input")
    assert [each["name"] for each in inputs if "required" in each] == ["email"]
    assert {each["value"] for each in inputs if "checked" in each} <= {"newsletter"}, "as it comes, unless one chooses"
    assert not [each for each in page.all("details") if "open" in each]
    email = inputs[0]
    assert (email["type"], email["autocomplete"]) == ("email", "email")
    assert email["id"] in {each.get("for") for each in page.all("label")}
    assert set(email["aria-describedby"].split()) <= {attributes.get("id") for _, attributes in page.tags}


def test_the_trap_is_hidden_from_people_readers_and_password_fillers(client: FlaskClient) -> None:
    page = Page(client.get("/fr/").text)
    trap = next(each for each in page.all("input") if each["name"] == TRAP)
    assert (trap["tabindex"], trap["autocomplete"]) == ("-1", "off")
    wrapper = next(each for each in page.all("div") if each.get("class") == "trap")
    assert wrapper["aria-hidden"] == "true"


def test_a_sign_up_stores_the_versions_that_were_on_the_page(client: FlaskClient, product: Product) -> None:
    assert send_form(client, path="/en/", target="/en/subscribe").status_code == 303
    with product.database.reading() as session:
        event = session.scalars(select(ConsentEvent)).one()
        wording, policy = session.scalars(current_wording(1, "en")).one(), session.scalars(current_policy("en")).one()
        assert (event.wording_id, event.policy_id) == (wording.id, policy.id)
        assert event.form_url == "http://127.0.0.1:8000/en/"
        assert event.method is ConsentMethod.FORM
        assert only(session).language == "en"
        assert make.letters(session) == ["confirmation"]


def test_a_form_opened_before_a_change_of_texts_proves_the_older_version(client: FlaskClient, product: Product) -> None:
    with time_machine.travel(NOW, tick=False):
        token = form_token(client)
    with product.database.transaction() as session:
        shown = session.scalars(current_wording(1, "fr")).one()
        session.add(
            ConsentWording(
                newsletter_id=1,
                language="fr",
                version=2,
                heading="h",
                statement="s [l]",
                button="b",
                sha256="0" * 64,
                created_at=NOW,
            )
        )
    with time_machine.travel(NOW + timedelta(seconds=8), tick=False):
        assert client.post("/fr/subscribe", data={"email": ADDRESS, "token": token}).status_code == 303
    with product.database.reading() as session:
        assert session.scalars(select(ConsentEvent)).one().wording_id == shown.id


def test_the_embedded_form_may_be_framed_and_so_may_all_its_answers(client: FlaskClient, product: Product) -> None:
    form = client.get("/fr/embed")
    assert 'action="/fr/subscribe?embedded"' in form.text
    refused = send_form(client, "nonsense", path="/fr/embed", target="/fr/subscribe?embedded")
    assert "<title>Erreur\u00a0: " in refused.text
    done = send_form(client, path="/fr/embed", target="/fr/subscribe?embedded")
    answer = client.get(done.headers["Location"])
    for response in (form, refused, answer):
        assert "frame-ancestors *" in response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in client.get("/fr/").headers["Content-Security-Policy"]
    with product.database.reading() as session:
        event = session.scalars(select(ConsentEvent)).one()
        assert (event.method, event.form_url) == (ConsentMethod.EMBEDDED_FORM, "http://127.0.0.1:8000/fr/embed")


@pytest.fixture
def every_state(product: Product) -> dict[str, str]:
    """One address in each state we know."""
    with product.database.transaction() as session:
        for status in SubscriptionStatus:
            make.make_subscription(
                session, email=f"{status.value}@reader.example", status=status, at=NOW - timedelta(days=1)
            )
        make.make_subscription(session, email="fresh@reader.example", status=SubscriptionStatus.PENDING, at=NOW)
        for reason in SuppressionReason:
            suppress(
                session, email_key=f"{reason.value}@reader.example", reason=reason, source="test", now=NOW,
                suppression_key=product.config.suppression_key,
            )  # fmt: skip
    names = [*SubscriptionStatus, "fresh", *SuppressionReason, "new"]
    return {str(name): f"{name}@reader.example" for name in names}


def test_the_answer_is_the_same_whatever_we_know_of_the_address(
    client: FlaskClient, every_state: dict[str, str]
) -> None:
    answers = set()
    for number, email in enumerate(every_state.values()):
        response = send_form(client, email, network=f"192.0.2.{number}")
        with time_machine.travel(NOW, tick=False):
            page = client.get(response.headers["Location"])
        headers = tuple(sorted(response.headers.items())), tuple(sorted(page.headers.items()))
        answers.add((response.status_code, response.data, page.status_code, page.data, headers))
    assert len(every_state) == len(SubscriptionStatus) + len(SuppressionReason) + 2
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (timedelta(seconds=1), "pas un robot"),
        (timedelta(hours=24, seconds=1), "ouverte depuis longtemps"),
        (timedelta(seconds=-5), "ouverte depuis longtemps"),
    ],
)
def test_a_form_sent_too_soon_or_too_late_comes_back_with_the_address_in_it(
    client: FlaskClient, product: Product, after: timedelta, words: str
) -> None:
    response = send_form(client, after=after)
    assert response.status_code == 422
    assert words in response.text
    assert f'value="{ADDRESS}"' in response.text
    assert counts(product)["subscribers"] == 0


@pytest.mark.parametrize("after", [timedelta(seconds=1), timedelta(hours=24, seconds=1)])
def test_an_empty_form_is_told_so_whenever_it_is_sent(client: FlaskClient, after: timedelta) -> None:
    """That "your address is still there" would be wrong, and the next press no better."""
    response = send_form(client, "", after=after)
    assert response.status_code == 422
    assert "Il manque l’adresse" in response.text
    assert "robot" not in response.text


@pytest.mark.parametrize("after", [timedelta(seconds=2), timedelta(hours=23, minutes=59)])
def test_a_form_sent_in_good_time_is_taken(client: FlaskClient, product: Product, after: timedelta) -> None:
    assert send_form(client, after=after).status_code == 303
    assert counts(product)["subscribers"] == 1


@pytest.mark.parametrize("token", ["", "x", "1-1-abc", "1-1-abc.YWJj.c2ln", "é" * 20, "a" * 10_000])
def test_a_missing_or_forged_mark_brings_the_form_back(client: FlaskClient, product: Product, token: str) -> None:
    response = client.post("/fr/subscribe", data={"email": ADDRESS, "token": token})
    assert response.status_code == 422
    assert f'value="{ADDRESS}"' in response.text
    assert counts(product)["subscribers"] == 0


def test_a_mark_of_another_purpose_or_language_is_not_taken(client: FlaskClient, product: Product) -> None:
    foreign = product.link_tokens.sign("confirm", "1-1-abc")
    assert client.post("/fr/subscribe", data={"email": ADDRESS, "token": foreign}).status_code == 422
    assert send_form(client, path="/fr/", target="/en/subscribe").status_code == 422
    assert counts(product)["subscribers"] == 0


def test_whatever_fills_in_the_trap_sees_success_and_leaves_nothing(client: FlaskClient, product: Product) -> None:
    good, trapped = send_form(client, "bob@reader.example"), send_form(client, **{TRAP: "Buy now"})
    assert (trapped.status_code, trapped.data, trapped.headers["Location"]) == (
        good.status_code,
        good.data,
        good.headers["Location"],
    )
    assert counts(product)["subscribers"] == 1


def test_a_likely_slip_is_asked_about_and_never_corrected_silently(client: FlaskClient, product: Product) -> None:
    asked = send_form(client, "alice@gmial.com")
    assert asked.status_code == 422
    assert 'value="alice@gmial.com"' in asked.text
    assert 'name="suggested" value="alice@gmail.com"' in asked.text
    assert counts(product)["subscribers"] == 0
    first_button = Page(asked.text).all("button")[0]
    assert "name" not in first_button, "the Enter key must keep what the reader wrote"


@pytest.mark.parametrize(
    ("fields", "stored"),
    [({"asked_about": "alice@gmial.com"}, "alice@gmial.com"), ({"suggested": "alice@gmail.com"}, "alice@gmail.com")],
)
def test_the_reader_decides_which_of_the_two_is_meant(
    client: FlaskClient, product: Product, fields: dict[str, str], stored: str
) -> None:
    assert send_form(client, "alice@gmial.com", **fields).status_code == 303
    with product.database.reading() as session:
        assert session.scalars(select(Subscriber.email)).one() == stored


@pytest.mark.parametrize(
    "email",
    ["", "   ", "alice", "alice@", "@reader.example", "alice@reader", "a b@reader.example", "alice@@reader.example",
     "alice@reader.example, bob@reader.example", "alice@reader.example;bob@reader.example", "<alice@reader.example>",
     "Alice <alice@reader.example>", "alice@[127.0.0.1]", "alice@127.0.0.1",
     "alice@reader.example\r\nBcc: bob@reader.example", "alice@reader.example\nX: y", "alice\x00@reader.example",
     "alice@reader.example\x00", "(comment)alice@reader.example",
     "a" * 65 + "@reader.example", "alice@" + "a" * 250 + ".example", "alice@-reader.example", ".alice@reader.example",
     "alice..b@reader.example", "alice@reader..example", "\u202ealice@reader.example", "alice@reader.example\u2028x",
     "alice@reader.example%0d%0aBcc:x", "javascript:alert(1)", "{{7*7}}", "a" * 60_000],
)  # fmt: skip
def test_what_is_no_address_comes_back_with_words_and_leaves_nothing(
    client: FlaskClient, product: Product, email: str
) -> None:
    response = send_form(client, email)
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.text
    assert 'aria-describedby="problem statement"' in response.text
    assert 'role="alert"' in response.text
    assert "<title>Erreur\u00a0: " in response.text
    assert "Traceback" not in response.text
    assert "\x00" not in response.text
    assert counts(product)["subscribers"] == 0


def test_markup_in_the_address_field_stays_text(client: FlaskClient) -> None:
    response = send_form(client, '"><script>alert(1)</script>@x')
    assert "<script>" not in response.text
    assert "&lt;script&gt;" in response.text


def test_fields_that_the_form_has_not_are_ignored(client: FlaskClient, product: Product) -> None:
    extra = {
        "status": "confirmed",
        "is_admin": "1",
        "newsletter_id": "99",
        "method": "admin",
        "language": "en",
        "wording_id": "7",
    }
    assert send_form(client, **extra).status_code == 303
    with product.database.reading() as session:
        subscription = only(session)
        assert (subscription.status, subscription.language) == (SubscriptionStatus.PENDING, "fr")
        assert session.scalars(select(ConsentEvent.method)).one() is ConsentMethod.FORM


@pytest.mark.parametrize("type_", ["application/json", "text/plain", "application/xml", "application/octet-stream"])
def test_a_body_that_is_no_form_is_refused(client: FlaskClient, product: Product, type_: str) -> None:
    response = client.post("/fr/subscribe", data=b'{"email": "alice@reader.example"}', content_type=type_)
    assert response.status_code == 415
    assert "Traceback" not in response.text
    assert counts(product)["subscribers"] == 0


def test_a_body_too_large_or_of_too_many_fields_is_refused(client: FlaskClient) -> None:
    assert client.post("/fr/subscribe", data={"email": "a" * 70_000}).status_code == 413
    many = {f"field{number}": "x" for number in range(100)}
    assert client.post("/fr/subscribe", data=many, content_type="multipart/form-data").status_code == 413


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(client: FlaskClient, method: str) -> None:
    assert client.open("/fr/subscribe", method=method).status_code == 405


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/fr/subscribe", "/fr/"),
        ("/en/subscribe?embedded=1", "/en/embed"),
        ("/fr/newsletters/north/subscribe", "/fr/newsletters/north/"),
    ],
)
def test_who_comes_back_to_a_form_that_was_refused_finds_the_form(client: FlaskClient, path: str, form: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.location) == (302, form)


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
)
def test_a_page_of_another_site_cannot_send_the_form(
    client: FlaskClient, product: Product, headers: dict[str, str]
) -> None:
    response = client.post("/fr/subscribe", data={"email": ADDRESS}, headers=headers)
    assert response.status_code == 403
    assert counts(product)["subscribers"] == 0


def test_a_form_whose_texts_are_gone_comes_back_instead_of_failing(client: FlaskClient, product: Product) -> None:
    token = product.form_tokens.sign("form", "998-999-abc", at=NOW)
    with time_machine.travel(NOW + timedelta(seconds=9), tick=False):
        response = client.post("/fr/subscribe", data={"email": ADDRESS, "token": token})
    assert response.status_code == 422
    assert counts(product)["subscribers"] == 0


@ON_SQLITE
def test_a_locked_database_is_a_clear_503_and_nothing_is_half_written(
    client: FlaskClient, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.SQLITE_BUSY_TIMEOUT_MS", 50)
    product.database.dispose()
    path = sa.make_url(product.config.database_url).database
    before = counts(product)
    product.database.dispose()
    holder = sqlite3.connect(str(path), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        response = send_form(client)
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "30"
    assert "rien n’est perdu" in response.text
    assert "Traceback" not in response.text
    assert counts(product) == before
    assert send_form(client).status_code == 303


@ON_SQLITE
def test_a_full_disk_is_a_clear_503_and_nothing_is_half_written(client: FlaskClient, product: Product) -> None:
    before = counts(product)
    with product.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1")  # as many pages as there are: not one more
    long_name = "a" * 60
    answers = {
        send_form(client, f"{long_name}{number}@reader.example", network=f"192.0.2.{number}").status_code
        for number in range(40)
    }
    after = counts(product)
    assert 503 in answers
    assert answers <= {303, 503}
    assert after["subscribers"] == after["subscriptions"] == after["consent_events"] == after["deliveries"]
    assert after["chunks"] == after["deliveries"]
    assert before["subscribers"] == 0


def test_a_product_that_is_not_set_up_says_so(client: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        session.execute(sa.delete(ConsentWording))
    assert client.get("/fr/").status_code == 404
    with product.database.transaction() as session:
        install_defaults(session, product.config, NOW)
    assert client.get("/fr/").status_code == 200
