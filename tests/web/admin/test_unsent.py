"""What is sent from the desk when nobody is signed in any more: whoever typed it keeps it, and nobody else sees it."""

import re
from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import select

from app.admins.models import Role
from app.articles.models import Article
from app.product import Product
from app.web.admin.unsent import FIELDS_MAX, SECRET_PATHS
from tests.conftest import NOW, ON_SQLITE
from tests.web import desk
from tests.web.admin.test_access import FOREIGN
from tests.web.admin.test_second_factor import enrol

OURS = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "en"}
NEW = "/admin/articles/new"
MARK = "lanterne sourde"
WRITTEN = {
    "title": "Un câble « coupé » <au> large",
    "language": "fr",
    "summary": "",
    "markdown": f'Le câble est **coupé**.\r\n\r\n"Deux" & trois\' <b>{MARK}</b>',
}


@pytest.fixture
def routes(app: Flask, product: Product) -> list[desk.Route]:
    edition_id = desk.make_draft(product)
    return list(desk.routes(app, edition_id=edition_id, public_id="x" * 22))


def kept(page: str) -> list[tuple[str, str]]:
    """The fields that a browser would send from the only form of a page."""
    (form,) = html.fromstring(page).forms
    assert (form.method, form.action) == ("POST", None)
    return [(name, value.replace("\r\n", "\n").replace("\n", "\r\n")) for name, value in form.form_values()]


def titles(product: Product) -> list[str]:
    with product.database.reading() as session:
        return list(session.scalars(select(Article.title)))


@pytest.mark.parametrize("enctype", ["multipart/form-data", "application/x-www-form-urlencoded"])
def test_an_article_sent_after_half_an_hour_is_sent_once_more_after_signing_in(
    client: FlaskClient, product: Product, enctype: str
) -> None:
    desk.make_admin(product)
    with time_machine.travel(NOW, tick=False) as clock:
        desk.sign_in(client)
        clock.shift(timedelta(minutes=31))
        before = desk.everything(product.database)
        page = client.post(NEW, data=WRITTEN, headers=OURS, content_type=enctype)
        assert desk.everything(product.database) == before
        assert page.status_code == 401
        assert "<h1>Your session has ended</h1>" in page.text
        assert f'enctype="{enctype}"' in page.text
        assert page.cache_control.no_store
        assert not {"Location", "Set-Cookie"} & set(page.headers.keys())
        assert dict(kept(page.text)) == WRITTEN
        desk.sign_in(client)
        again = client.post(NEW, data=dict(kept(page.text)), headers=OURS, content_type=enctype)
    assert "note=article-added" in again.location
    assert titles(product) == [WRITTEN["title"]]


@ON_SQLITE
def test_all_values_of_a_field_are_kept_and_none_is_read_as_a_tag(client: FlaskClient, product: Product) -> None:
    hostile = '"><script>alert(1)</script>'
    sent = {"story": ["3", "1", "2"], hostile: [hostile, "' onfocus='x {{ 7 * 7 }}"], "empty": [""]}
    page = client.post("/admin/stories/merge", data=sent, headers=OURS)
    assert page.status_code == 401
    assert sorted(kept(page.text)) == sorted((name, value) for name, values in sent.items() for value in values)
    assert not re.findall(r"<script>alert|49", page.text)
    assert html.fromstring(page.text).xpath("//@onfocus | //*[local-name() = 'script']") == []


@ON_SQLITE
@pytest.mark.parametrize("headers", [OURS, {"Origin": "http://localhost"}])
def test_every_form_of_the_desk_is_kept_but_where_secrets_are_typed(
    client: FlaskClient, product: Product, routes: list[desk.Route], headers: dict[str, str]
) -> None:
    sent = dict.fromkeys(("password", "current", "new", "code", "answer", "title"), MARK)
    before = desk.everything(product.database)
    for route in routes:
        if route.method == "POST" and route.endpoint not in desk.OPEN:
            answer = client.post(route.path, data=sent, headers=headers)
            if route.path.startswith(SECRET_PATHS):
                assert answer.location == "/admin/sign-in", route
                assert MARK not in answer.text, route
            else:
                assert answer.status_code == 401, route
                assert dict(kept(answer.text)) == sent, route
    assert desk.everything(product.database) == before


@ON_SQLITE
@pytest.mark.parametrize("headers", [*FOREIGN, {}, {"Sec-Fetch-Site": "none"}])
def test_nothing_is_shown_of_a_form_that_does_not_say_it_is_ours(
    client: FlaskClient, product: Product, routes: list[desk.Route], headers: dict[str, str]
) -> None:
    expected = 403 if headers in FOREIGN else 302
    for route in routes:
        if route.method == "POST" and route.endpoint not in desk.OPEN:
            for more in ({}, {"HX-Request": "true"}):
                answer = client.post(route.path, data={"title": MARK, MARK: "x"}, headers={**headers, **more})
                assert answer.status_code == (401 if more and expected == 302 else expected), route
                assert MARK not in answer.text + str(answer.headers), route


@ON_SQLITE
def test_fields_for_secrets_stand_in_forms_that_are_never_kept(
    app: Flask, client: FlaskClient, product: Product, routes: list[desk.Route]
) -> None:
    desk.make_admin(product)
    desk.sign_in(client)
    found = set()
    for route in routes:
        page = client.get(route.path) if route.method == "GET" else None
        if page is None or page.mimetype != "text/html" or route.endpoint in desk.OPEN:
            continue
        for form in html.fromstring(page.text).forms:
            if form.get("data-passkey") or form.xpath(".//input[@type='password' or @autocomplete='one-time-code']"):
                found.add(form.action)
    assert found >= {"/admin/account/password", "/admin/account/factors/authenticator", "/admin/again"}
    assert [action for action in found if not action.startswith(SECRET_PATHS)] == []


@ON_SQLITE
def test_what_waits_for_the_second_factor_is_kept_as_well(app: Flask, client: FlaskClient, product: Product) -> None:
    with time_machine.travel(NOW, tick=False):
        desk.make_admin(product)
        desk.sign_in(client)
        enrol(client)
        phone = app.test_client()
        desk.sign_in(phone)
        page = phone.post(NEW, data=WRITTEN, headers=OURS)
        assert dict(kept(page.text)) == WRITTEN
        (link,) = html.fromstring(page.text).xpath("//a[@target='_blank']/@href")
        assert phone.get(link).status_code == 200  # the code is asked for
    assert titles(product) == []


@ON_SQLITE
def test_the_link_leads_a_stranger_through_the_sign_in_to_a_word_on_what_to_do(
    client: FlaskClient, product: Product
) -> None:
    desk.make_admin(product)
    page = client.post(NEW, data=WRITTEN, headers=OURS)
    (link,) = html.fromstring(page.text).xpath("//a[@target='_blank']/@href")
    form = client.get(link, follow_redirects=True)
    (target,) = html.fromstring(form.text).xpath("//input[@name='next']/@value")
    assert "Close this tab" in client.get(desk.sign_in(client, next=target).location).text


@ON_SQLITE
def test_who_sends_it_again_needs_the_role_for_it(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product, email="first@desk.example")
    desk.make_admin(product, role=Role.VIEWER)
    page = client.post(NEW, data=WRITTEN, headers=OURS)
    desk.sign_in(client)
    assert client.post(NEW, data=dict(kept(page.text)), headers=OURS).status_code == 403
    assert client.post(NEW, data=dict(kept(page.text)), headers=FOREIGN[0]).status_code == 403
    assert titles(product) == []


@ON_SQLITE
@pytest.mark.parametrize("size", [10, 200_000])
def test_a_file_is_to_be_chosen_again(client: FlaskClient, size: int) -> None:
    sent = {"list": (BytesIO(b"x" * size), "readers.csv"), "note": MARK}
    page = client.post(
        "/admin/readers/imports", data=sent, headers={**OURS, "Referer": "http://localhost/admin/readers/imports"}
    )
    assert page.status_code == 401
    assert "choose it again" in page.text
    assert 'href="/admin/readers/imports">Back to the page' in page.text
    assert html.fromstring(page.text).forms == []
    assert MARK not in page.text


@ON_SQLITE
def test_what_is_larger_than_any_form_is_refused_unseen(client: FlaskClient) -> None:
    for sent in ({"title": MARK + "x" * 70_000}, {MARK: ["x"] * (FIELDS_MAX + 1)}):
        answer = client.post(NEW, data=sent, headers=OURS)
        assert answer.status_code == 413
        assert MARK not in answer.text


@ON_SQLITE
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_script_gets_a_sentence_for_its_page_and_nothing_that_was_sent(client: FlaskClient, method: str) -> None:
    answer = client.open(
        "/admin/editions/1/texts" if method == "POST" else "/admin/articles/1", method=method,
        data={"subject": MARK} if method == "POST" else None, headers={**OURS, "HX-Request": "true"},
    )  # fmt: skip
    assert answer.status_code == 401
    assert answer.headers["HX-Reswap"] == "none"
    assert "HX-Redirect" not in answer.headers
    assert "Your session has ended; nothing of what you typed is lost." in answer.text
    assert 'target="_blank"' in answer.text
    assert MARK not in answer.text


@ON_SQLITE
def test_a_frame_says_it_and_leaves_what_was_typed_to_the_page_around_it(client: FlaskClient) -> None:
    answer = client.post(
        "/admin/newsletters/1/template/letter", data={"mjml": MARK}, headers={**OURS, "Sec-Fetch-Dest": "iframe"}
    )
    assert answer.status_code == 401
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert "Your session has ended" in answer.text
    assert MARK not in answer.text
