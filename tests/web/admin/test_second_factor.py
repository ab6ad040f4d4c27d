"""The second step of a sign-in, one's own factors and sessions, and showing once more who one is, page by page."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.admins.models import Admin, AdminSession, AuditAct, AuditEntry, AuditResult, Passkey, Role
from app.clock import now
from app.product import Product
from app.web.admin.people.agents import agent
from tests.conftest import NOW, ON_SQLITE
from tests.web import desk

#: One kind of database is enough here: no rule and no query is tested.
pytestmark = ON_SQLITE

FACTORS = "/admin/account/factors"


@pytest.fixture(autouse=True)
def clock() -> Iterator:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def ada(client: FlaskClient, product: Product) -> FlaskClient:
    desk.make_admin(product)
    desk.sign_in(client)
    return client


def enrol(client: FlaskClient) -> tuple[str, list[str]]:
    """Set an app up; return what it shares with the desk, and the recovery codes."""
    page = client.get(FACTORS).text
    secret = re.search(r'class="key">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    token = re.search(r'name="token" value="([^"]+)"', page)[1]
    done = client.post(f"{FACTORS}/authenticator", data={"token": token, "code": pyotp.TOTP(secret).at(NOW)})
    assert done.status_code == 200
    return secret, re.findall(r"<code>([\w-]+)</code>", done.text)


def test_a_sign_in_asks_for_the_code_and_then_leads_on(app: Flask, ada: FlaskClient, clock) -> None:
    secret, codes = enrol(ada)
    assert len(codes) == 10
    clock.shift(60)
    phone = app.test_client()
    step = desk.sign_in(phone, next="/admin/sources")
    assert step.location == "/admin/second-step?next=/admin/sources"
    assert phone.get_cookie("vigie-browser") is None
    assert phone.get("/admin/sources").location.startswith("/admin/sign-in")
    assert 'value="/admin/sources"' in phone.get(step.location).text
    wrong = phone.post("/admin/second-step", data={"code": "000000", "next": "/admin/sources"})
    assert (wrong.status_code, 'role="alert"' in wrong.text) == (403, True)
    entered = phone.post("/admin/second-step", data={"code": code(secret), "next": "/admin/sources"})
    assert entered.location == "/admin/sources"
    assert phone.get("/admin/sources").status_code == 200


def code(secret: str) -> str:
    return pyotp.TOTP(secret).at(now())


def test_guesses_are_made_to_wait(app: Flask, ada: FlaskClient) -> None:
    enrol(ada)
    phone = app.test_client()
    desk.sign_in(phone)
    answers = [phone.post("/admin/second-step", data={"code": f"{n:06}"}) for n in range(7)]
    assert [answer.status_code for answer in answers] == [403] * 6 + [429]
    assert answers[-1].headers["Retry-After"] == "1"


def answer(**response: str) -> str:
    """What a browser would say of a passkey whose id is "abcd"."""
    return json.dumps({"id": "YWJjZA", "rawId": "YWJjZA", "type": "public-key", "response": response})


NO_ANSWERS = [
    "9" * 5000,
    "[" * 3000,
    answer(clientDataJSON="YQ", authenticatorData="YQ", signature="YQ", userHandle="a", attestationObject="YQ"),
    answer(clientDataJSON="YQ", authenticatorData="YQ", signature="YQ", userHandle="é", attestationObject="YQ"),
]


@pytest.mark.parametrize("no_answer", NO_ANSWERS)
def test_what_is_no_answer_of_a_passkey_is_a_wrong_one(
    app: Flask, ada: FlaskClient, product: Product, no_answer: str
) -> None:
    enrol(ada)
    with product.database.transaction() as session:
        session.add(Passkey(admin_id=1, credential_id=b"abcd", public_key=b"", sign_count=0, name="x", created_at=NOW))
    phone = app.test_client()
    desk.sign_in(phone)
    phone.post("/admin/second-step/challenge")
    assert phone.post("/admin/second-step", data={"answer": no_answer}).status_code == 403
    ada.post(f"{FACTORS}/passkeys/challenge")
    assert ada.post(f"{FACTORS}/passkeys", data={"answer": no_answer}).status_code == 422
    with product.database.reading() as session:
        assert session.scalars(sa.select(AdminSession.challenge)).all() == [None, None]
        assert AuditResult.FAILED in session.scalars(sa.select(AuditEntry.result)).all()


def test_the_step_leads_to_pages_of_the_desk_only(app: Flask, ada: FlaskClient) -> None:
    _, codes = enrol(ada)
    phone = app.test_client()
    desk.sign_in(phone)
    assert phone.post("/admin/second-step", data={"code": codes[0], "next": "//evil.example"}).location == "/admin/"


def test_without_a_first_step_there_is_no_second(client: FlaskClient, product: Product) -> None:
    assert client.get("/admin/second-step").location.startswith("/admin/sign-in")
    assert client.post("/admin/second-step", data={"code": "1"}).location.startswith("/admin/sign-in")
    assert client.post("/admin/second-step/challenge").status_code == 403


def test_recovery_codes_are_shown_once_and_come_as_a_file(ada: FlaskClient) -> None:
    _, codes = enrol(ada)
    assert not any(each in ada.get(FACTORS).text for each in codes)
    file = ada.post(f"{FACTORS}/codes/file", data={"code": codes})
    assert file.text.split() == codes
    assert file.headers["Content-Disposition"] == 'attachment; filename="recovery-codes.txt"'
    assert ada.post(f"{FACTORS}/codes/file", data={"code": ["<script>"] * 10}).status_code == 422
    assert ada.post(f"{FACTORS}/codes/file", data={"code": codes[:1] * 10}).status_code == 422


def test_a_form_that_is_sent_again_shows_the_codes_that_count(ada: FlaskClient) -> None:
    page = ada.get(FACTORS).text
    secret = re.search(r'class="key">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    token = re.search(r'name="token" value="([^"]+)"', page)[1]
    sent = {"token": token, "code": pyotp.TOTP(secret).at(NOW)}
    ada.post(f"{FACTORS}/authenticator", data=sent)  # what it answered, a second click has kept from being seen
    codes = re.findall(r"<code>([\w-]+)</code>", ada.post(f"{FACTORS}/authenticator", data=sent).text)
    assert len(codes) == 10
    assert ada.post(f"{FACTORS}/codes/file", data={"code": codes}).text.split() == codes


def test_new_codes_are_others(ada: FlaskClient) -> None:
    _, codes = enrol(ada)
    made = re.findall(r"<code>([\w-]+)</code>", ada.post(f"{FACTORS}/codes").text)
    assert len(made) == 10
    assert not set(made) & set(codes)


def test_the_page_of_factors_stands_under_ones_account(ada: FlaskClient) -> None:
    marked = re.findall(r'aria-current="(\w+)"[^>]*>([^<]+)</a>', ada.get(FACTORS).text)
    assert marked == [("true", "My account")]
    assert 'aria-current="page"' in ada.get("/admin/account").text


def test_the_square_holds_no_style_and_no_script(ada: FlaskClient) -> None:
    square = re.search(r"<svg.*?</svg>", ada.get(FACTORS).text, re.DOTALL)[0]
    assert set(re.findall(r"<(\w+)", square)) == {"svg", "g", "path"}
    assert not re.search(r"\s(style|on\w+|xlink:href)=", square)


@pytest.fixture
def strict(config, product: Product) -> Iterator[FlaskClient]:
    """A desk that asks everybody for a second factor."""
    app = create_app(replace(config, requires_second_factor=True))
    yield app.test_client()
    app.extensions["vigie"].database.dispose()


def test_where_a_factor_is_asked_for_nothing_else_is_open(strict: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    desk.sign_in(strict)
    for path in ("/admin/", "/admin/readers", "/admin/people", "/admin/account"):
        assert strict.get(path).location == FACTORS, path
    assert strict.post("/admin/editions").location == FACTORS
    page = strict.get(FACTORS).text
    assert '<a href="/admin/readers"' not in page
    assert "This desk asks everybody" in page
    enrol(strict)
    assert strict.get("/admin/readers").status_code == 200
    refused = strict.post(f"{FACTORS}/authenticator/removal")
    assert (refused.status_code, "your only second factor" in refused.text) == (409, True)


def test_a_trial_on_this_machine_asks_and_does_not_insist(ada: FlaskClient) -> None:
    page = ada.get("/admin/")
    assert page.status_code == 200
    assert "no second factor yet" in page.text


def test_a_desk_left_open_asks_who_is_there_before_data_leaves(ada: FlaskClient, product: Product, clock) -> None:
    clock.shift(16 * 60)
    before = desk.everything(product.database)
    asked = ada.post(
        "/admin/people", data={"email": "eve@desk.example", "role": "admin"},
        headers={"Referer": "http://localhost/admin/people"},
    )  # fmt: skip
    assert asked.location == "/admin/again?next=/admin/people"
    assert {name for name, rows in desk.everything(product.database).items() if rows != before[name]} <= {
        "admin_sessions", "admins",
    }  # fmt: skip
    assert ada.post("/admin/again", data={"password": "wrong", "next": "/admin/people"}).status_code == 403
    back = ada.post("/admin/again", data={"password": desk.PASSWORD, "next": "/admin/people"})
    assert back.location == "/admin/people"
    invited = ada.post("/admin/people", data={"email": "eve@desk.example", "role": "admin"})
    assert invited.location == "/admin/people?note=invited"


@pytest.mark.parametrize(
    ("before", "way_back"),
    [
        ("/admin/readers?status=held&language=en", "/admin/readers?status=held&language=en"),
        (f"/admin/readers/{'x' * 22}/rights/address", f"/admin/readers/{'x' * 22}"),
        ("/admin/readers/filters?q=e", "/admin/readers"),
        ("/admin/editions/7/nowhere/at/all", "/admin/editions/7"),
        ("/admin/x", "/admin/"),
    ],
)
def test_the_way_back_keeps_a_filter_and_leads_to_a_page_that_is_there(
    ada: FlaskClient, clock, before: str, way_back: str
) -> None:
    clock.shift(16 * 60)
    asked = ada.post("/admin/readers/export", headers={"Referer": f"http://localhost{before}"})
    assert parse_qs(urlsplit(asked.location).query) == {"next": [way_back]}


@pytest.mark.parametrize("referrer", ["https://evil.example/admin/x", "http://[", "", "/fr/"])
def test_the_way_back_is_a_page_of_ours(ada: FlaskClient, clock, referrer: str) -> None:
    clock.shift(16 * 60)
    location = ada.post("/admin/people", headers={"Referer": referrer}).location
    assert location == "/admin/again?next=/admin/"


def test_every_page_that_wants_a_fresh_proof_asks_for_it(app: Flask, ada: FlaskClient, product: Product, clock) -> None:
    clock.shift(16 * 60)
    asked = {
        route.endpoint.removeprefix("admin.")
        for route in desk.routes(app, edition_id=1, public_id="x" * 22)
        if route.endpoint not in desk.OPEN and route.endpoint != "admin.sign_out_submit"
        and (ada.open(route.path, method=route.method).location or "").startswith("/admin/again")
    }  # fmt: skip
    assert asked == {
        "authenticator_submit", "authenticator_removal_submit", "passkey_challenge_submit", "passkey_submit",
        "passkey_removal_submit", "codes_submit", "invitation_submit", "invitation_again_submit", "role_submit",
        "member_sessions_submit", "member_factors_submit", "member_removal_submit", "export_submit",
        "readers_export_submit", "reader_erasure_submit", "receipt", "receipt_file",
    }  # fmt: skip


def test_a_desk_left_open_by_somebody_without_a_password_takes_none(ada: FlaskClient, product: Product, clock) -> None:
    secret, _ = enrol(ada)
    with product.database.transaction() as session:
        session.execute(sa.update(Admin).values(password_hash=None))
    clock.shift(16 * 60)
    asked = ada.post("/admin/account/password", data={"new": "canal brume 19 tilleul"})
    assert asked.location.startswith("/admin/again")
    with product.database.reading() as session:
        assert session.scalar(sa.select(Admin.password_hash)) is None
    ada.post("/admin/again", data={"code": code(secret)})
    chosen = ada.post("/admin/account/password", data={"new": "canal brume 19 tilleul"})
    assert chosen.location == "/admin/account?note=password"


def test_who_can_show_nothing_is_told_to_come_in_anew(client: FlaskClient, product: Product, clock) -> None:
    link = desk.make_link(product, desk.make_admin(product, password=None))
    client.post(f"/admin/sign-in/{link}")
    clock.shift(16 * 60)
    assert client.post("/admin/account/password", data={"new": desk.PASSWORD}).location.startswith("/admin/again")
    page = client.get("/admin/again").text
    assert "have the page to sign in mail you a link" in page
    assert page.count('action="/admin/sign-out"') == 2
    assert "Have a new one mailed to you" in client.get("/admin/sign-in/used").text


@pytest.mark.parametrize(
    ("shown", "marked", "words"),
    [
        ({"password": "wrong"}, ["password"], "This is not your password."),
        ({"code": "000000"}, ["code"], "Each code is good once"),
        ({"answer": "{}"}, [], "The passkey was not recognised."),
    ],
)
def test_what_was_tried_is_what_is_marked(
    ada: FlaskClient, clock, shown: dict[str, str], marked: list[str], words: str
) -> None:
    enrol(ada)
    clock.shift(16 * 60)
    refused = ada.post("/admin/again", data=shown)
    assert refused.status_code == 403
    assert re.findall(r'<input[^>]*id="(\w+)"[^>]*aria-invalid', refused.text) == marked
    assert words in refused.text
    assert ("Each code is good once" in refused.text) is ("code" in shown)


def test_one_ends_ones_other_sessions_and_nobody_elses(app: Flask, ada: FlaskClient, product: Product) -> None:
    desk.make_admin(product, email="ben@desk.example", role=Role.EDITOR)
    phone, ben = app.test_client(), app.test_client()
    desk.sign_in(phone)
    desk.sign_in(ben, email="ben@desk.example")
    page = ada.get("/admin/account").text
    assert page.count("/sessions/") == 2
    number = re.search(r"/sessions/(\d+)/end", page)[1]
    ben.post(f"/admin/account/sessions/{number}/end")
    assert phone.get("/admin/").status_code == 200
    ada.post(f"/admin/account/sessions/{number}/end")
    assert phone.get("/admin/").status_code == 302
    desk.sign_in(phone)
    ada.post("/admin/account/sessions/end")
    assert [visitor.get("/admin/").status_code for visitor in (ada, phone, ben)] == [200, 302, 200]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/139.0 Safari/537.36 Edg/139.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari, iOS"),
        ("curl/8.5", ""),
        ("", ""),
    ],
)
def test_a_browser_is_named_as_one_would_name_it(app: Flask, given: str, name: str) -> None:
    with app.test_request_context(headers={"User-Agent": given}):
        assert agent() == name


def test_each_step_is_on_record(app: Flask, ada: FlaskClient, product: Product) -> None:
    _, codes = enrol(ada)
    phone = app.test_client()
    desk.sign_in(phone)
    phone.post("/admin/second-step", data={"code": codes[0]})
    with product.database.reading() as session:
        entries = session.query(AuditEntry).order_by(AuditEntry.id).all()
    assert [(entry.act, entry.detail) for entry in entries[-4:]] == [
        (AuditAct.FACTOR_ADDED, "authenticator"),
        (AuditAct.CODES_MADE, None),
        (AuditAct.FIRST_STEP, "sign-in"),
        (AuditAct.SIGN_IN, "recovery-code"),
    ]
