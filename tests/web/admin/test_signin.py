import logging
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.product import Product
from tests.conftest import NOW
from tests.web import desk


def secret_of(client: FlaskClient) -> str:
    cookie = client.get_cookie("vigie-desk")
    assert cookie is not None
    return cookie.value


def test_a_one_time_link_is_used_by_its_button_only(client: FlaskClient, product: Product) -> None:
    path = f"/admin/sign-in/{desk.make_link(product, desk.make_admin(product))}"
    for _ in range(3):
        page = client.get(path)
        assert page.status_code == 200
        assert page.text.count("<button") == 1
        assert "Set-Cookie" not in page.headers
    assert client.post(path).location == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_used_link_is_gone(app: Flask, client: FlaskClient, product: Product) -> None:
    path = f"/admin/sign-in/{desk.make_link(product, desk.make_admin(product))}"
    client.post(path)
    stranger = app.test_client()
    assert stranger.get(path).status_code == 410
    assert stranger.post(path).status_code == 410
    assert stranger.get("/admin/").status_code == 302


@pytest.mark.parametrize("secret", ["x", "x" * 300, "%00", "..%2f..", "'--"])
def test_an_invented_link_opens_nothing(client: FlaskClient, product: Product, secret: str) -> None:
    assert client.get(f"/admin/sign-in/{secret}").status_code in {404, 410}
    assert client.post(f"/admin/sign-in/{secret}").status_code in {404, 405, 410}


def test_a_link_page_passes_its_address_on_to_nobody(client: FlaskClient, product: Product) -> None:
    page = client.get(f"/admin/sign-in/{desk.make_link(product, desk.make_admin(product))}")
    assert page.headers["Referrer-Policy"] == "no-referrer"


def test_whoever_came_by_link_is_asked_to_choose_a_password(client: FlaskClient, product: Product) -> None:
    link = desk.make_link(product, desk.make_admin(product, password=None))
    client.post(f"/admin/sign-in/{link}")
    assert "Choose a password" in client.get("/admin/").text
    client.post("/admin/account/password", data={"new": desk.PASSWORD})
    assert "Choose a password" not in client.get("/admin/").text


def test_a_wrong_password_and_an_unknown_address_give_the_same_page(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    wrong = desk.sign_in(client, password="wrong wrong wrong")
    unknown = desk.sign_in(client, email="eve@desk.example", password="wrong wrong wrong")
    assert wrong.status_code == unknown.status_code == 403
    assert wrong.text.replace(desk.EMAIL, "") == unknown.text.replace("eve@desk.example", "")
    assert "Set-Cookie" not in wrong.headers


def test_too_many_attempts_have_to_wait_and_are_told_how_long(client: FlaskClient, product: Product) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        desk.make_admin(product)
        for _ in range(6):
            desk.sign_in(client, password="wrong wrong wrong")
        answer = desk.sign_in(client)
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "1"
        clock.shift(timedelta(seconds=1))
        assert desk.sign_in(client).status_code == 303


def test_guesses_of_a_stranger_do_not_delay_a_browser_that_was_here(app: Flask, product: Product) -> None:
    with time_machine.travel(NOW, tick=False):
        desk.make_admin(product)
        owner, stranger = app.test_client(), app.test_client()
        desk.sign_in(owner)
        owner.post("/admin/sign-out")
        for _ in range(8):
            desk.sign_in(stranger, password="wrong wrong wrong")
        assert desk.sign_in(stranger).status_code == 429
        assert desk.sign_in(owner).status_code == 303


def test_a_forged_mark_of_an_earlier_sign_in_is_worth_nothing(client: FlaskClient, product: Product) -> None:
    with time_machine.travel(NOW, tick=False):
        admin_id = desk.make_admin(product)
        answers = []
        for number in range(8):
            client.set_cookie("vigie-browser", f"{admin_id}-forged{number}.x.y")
            answers.append(desk.sign_in(client, password="wrong wrong wrong").status_code)
        assert answers == [403] * 6 + [429] * 2


def test_signing_in_gives_a_new_session_and_ends_the_browsers_old_one(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    desk.sign_in(client)
    first = secret_of(client)
    desk.sign_in(client)
    assert secret_of(client) != first
    client.set_cookie("vigie-desk", first)
    assert client.get("/admin/").status_code == 302


def test_a_session_chosen_by_somebody_else_is_not_taken_over(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    client.set_cookie("vigie-desk", "fixed" * 9)
    desk.sign_in(client)
    assert secret_of(client) != "fixed" * 9


def test_signing_out_ends_the_session_on_the_server(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    desk.sign_in(client)
    secret = secret_of(client)
    assert client.post("/admin/sign-out").location == "/admin/sign-in"
    assert client.get_cookie("vigie-desk") is None
    client.set_cookie("vigie-desk", secret)
    assert client.get("/admin/").status_code == 302


def test_an_admin_who_is_signed_in_is_led_past_the_form(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    desk.sign_in(client)
    assert client.get("/admin/sign-in").location == "/admin/"


def test_what_was_typed_is_shown_escaped(client: FlaskClient, product: Product) -> None:
    page = desk.sign_in(client, email='"><script>alert(1)</script>', password="x")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


@pytest.mark.parametrize("data", [{}, {"email": "a" * 5000, "password": "b" * 5000}, {"email": "\0", "password": "\0"}])
def test_an_odd_form_is_refused_like_any_other(client: FlaskClient, product: Product, data: dict[str, str]) -> None:
    assert client.post("/admin/sign-in", data=data).status_code == 403


def test_the_desk_speaks_the_browsers_language_to_strangers(client: FlaskClient, product: Product) -> None:
    assert 'lang="en"' in client.get("/admin/sign-in", headers={"Accept-Language": "en-GB,en"}).text
    assert 'lang="fr"' in client.get("/admin/sign-in", headers={"Accept-Language": "de"}).text


def test_no_secret_reaches_the_log(client: FlaskClient, product: Product, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    link = desk.make_link(product, desk.make_admin(product))
    client.post(f"/admin/sign-in/{link}")
    desk.sign_in(client, password="wrong\r\nX: y")
    desk.sign_in(client)
    for secret in (link, secret_of(client), desk.PASSWORD, "wrong\r\n"):
        assert secret not in caplog.text


def test_changing_the_password_ends_sessions_elsewhere(app: Flask, client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    elsewhere = app.test_client()
    desk.sign_in(client)
    desk.sign_in(elsewhere)
    new = "canal brume 19 tilleul"
    answer = client.post("/admin/account/password", data={"current": desk.PASSWORD, "new": new})
    assert answer.location == "/admin/account?note=password"
    assert client.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302
    assert desk.sign_in(elsewhere).status_code == 403
    assert desk.sign_in(elsewhere, password=new).status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "status", "field"),
    [
        ("wrong wrong wrong", "canal brume 19 tilleul", 403, "current-error"),
        (desk.PASSWORD, "short", 422, "new-error"),
        (desk.PASSWORD, "motdepasse1234", 422, "new-error"),
        (desk.PASSWORD, "x" * 200, 422, "new-error"),
        (desk.PASSWORD, "ada@desk.example", 422, "new-error"),
    ],
)
def test_a_refused_password_change_says_why_at_its_field(
    client: FlaskClient, product: Product, current: str, new: str, status: int, field: str
) -> None:
    desk.make_admin(product)
    desk.sign_in(client)
    page = client.post("/admin/account/password", data={"current": current, "new": new})
    assert page.status_code == status
    assert f'id="{field}"' in page.text
    assert 'aria-invalid="true"' in page.text
    assert f'value="{new}"' not in page.text.replace(f'name="username" value="{desk.EMAIL}"', "")


def test_the_language_of_the_desk_is_ones_own(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    desk.sign_in(client)
    client.post("/admin/account/language", data={"language": "fr", "email": "eve@desk.example", "is_admin": "1"})
    page = client.get("/admin/account").text
    assert 'lang="fr"' in page
    assert desk.EMAIL in page
    client.post("/admin/account/language", data={"language": "xx"})
    assert 'lang="fr"' in client.get("/admin/account").text


def test_a_link_is_mailed_and_nobody_learns_to_whom(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    assert 'formaction="/admin/sign-in/mail"' in client.get("/admin/sign-in").text
    known = client.post("/admin/sign-in/mail", data={"email": desk.EMAIL})
    unknown = client.post("/admin/sign-in/mail", data={"email": "eve@desk.example"})
    assert "Regardez votre boîte de réception" in known.text
    assert known.text.replace(desk.EMAIL, "") == unknown.text.replace("eve@desk.example", "")
    for _ in range(5):
        last = client.post("/admin/sign-in/mail", data={"email": desk.EMAIL})
    assert (last.status_code, last.headers["Retry-After"]) == (429, "1")
