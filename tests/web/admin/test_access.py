"""What holds for every page of the desk, found by walking its routes."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.digests.schedule import install_schedules
from app.product import Product
from tests import make
from tests.conftest import NOW
from tests.web import desk

FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
]


@pytest.fixture
def routes(app: Flask, product: Product) -> list[desk.Route]:
    desk.make_admin(product)
    edition_id = desk.make_draft(product)
    desk.make_import(product)
    with product.database.transaction() as session:
        public_id = make.make_subscription(session, email="walked@reader.example").subscriber.public_id
        make.make_source(session)
        install_schedules(session, product.config, NOW)
    found = list(desk.routes(app, edition_id=edition_id, public_id=public_id))
    assert len(found) > 25
    return found


@pytest.fixture
def admin(client: FlaskClient, routes: list[desk.Route]) -> FlaskClient:
    assert desk.sign_in(client).status_code == 303
    return client


def test_no_get_changes_anything_but_the_log_of_who_looked(
    admin: FlaskClient, product: Product, routes: list[desk.Route]
) -> None:
    before = desk.everything(product.database, but={"audit_entries"})
    for route in routes:
        if route.method == "GET":
            assert admin.get(route.path).status_code in {200, 302, 410}, route
            admin.head(route.path)
            assert desk.everything(product.database, but={"audit_entries"}) == before, route


def test_no_route_answers_to_reading_and_writing_in_one_function(routes: list[desk.Route]) -> None:
    reading = {route.endpoint for route in routes if route.method == "GET"}
    writing = {route.endpoint for route in routes if route.method != "GET"}
    assert not reading & writing
    assert {route.method for route in routes} == {"GET", "POST"}


def test_every_route_but_sign_in_sends_a_stranger_to_sign_in(
    client: FlaskClient, product: Product, routes: list[desk.Route]
) -> None:
    before = desk.everything(product.database)
    for route in routes:
        if route.endpoint not in desk.OPEN:
            answer = client.open(route.path, method=route.method)
            assert answer.status_code == 302, route
            assert answer.location.startswith("/admin/sign-in"), route
    assert desk.everything(product.database) == before


@pytest.mark.parametrize("headers", FOREIGN)
def test_every_post_from_a_foreign_page_is_refused(
    admin: FlaskClient, product: Product, routes: list[desk.Route], headers: dict[str, str]
) -> None:
    before = desk.everything(product.database)
    for route in routes:
        if route.method == "POST":
            assert admin.post(route.path, headers=headers).status_code == 403, route
    assert desk.everything(product.database) == before


def test_a_post_from_our_own_page_is_taken(admin: FlaskClient) -> None:
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}):
        assert admin.post("/admin/account/language", data={"language": "en"}, headers=headers).status_code == 303


def test_no_page_is_cached(admin: FlaskClient, app: Flask, routes: list[desk.Route]) -> None:
    for visitor in (admin, app.test_client()):
        for route in routes:
            if route.method == "GET":
                assert visitor.get(route.path).cache_control.no_store, route


def test_no_page_needs_inline_script_or_style(admin: FlaskClient, routes: list[desk.Route]) -> None:
    for route in pages(routes):
        answer = admin.get(route.path)
        assert "unsafe" not in answer.headers["Content-Security-Policy"], route
        page = re.sub(r"(<textarea[^>]*>).*?</textarea>", r"\1", answer.text, flags=re.DOTALL)  # text, whatever it says
        assert not re.findall(r"<style|<script(?![^>]* src=)|\sstyle=|\son[a-z]+=|javascript:", page), route


def pages(routes: list[desk.Route]) -> Iterator[desk.Route]:
    """Routes that answer with a page of ours; the letter has rules of its own, a file is no page."""
    return (
        route
        for route in routes
        if route.method == "GET"
        and route.endpoint not in {"admin.letter", "admin.template_letter", "admin.receipt_file"}
    )


def test_a_refusal_at_the_desk_speaks_the_admins_language(admin: FlaskClient) -> None:
    page = admin.get("/admin/editions/77")
    assert page.status_code == 404
    assert '<html lang="en">' in page.text
    assert "This page does not exist" in page.text


@pytest.mark.parametrize("path", ["/admin/editions/77", "/admin/nowhere", "/admin/sign-out"])
def test_a_refusal_at_the_desk_leads_back_to_it(admin: FlaskClient, path: str) -> None:
    page = admin.get(path)
    assert page.status_code in {404, 405}
    assert '<html lang="en">' in page.text
    assert '<a class="button" href="/admin/">' in page.text
    assert 'href="/en/"' not in page.text


def test_a_strangers_refusal_leads_to_the_public_pages(client: FlaskClient) -> None:
    page = client.get("/admin/nowhere").text
    assert "/admin/" not in page
    assert 'class="button button-quiet" href="/' in page


def test_a_visitor_without_a_live_session_is_a_stranger(client: FlaskClient, product: Product) -> None:
    for forged in ("", "x", "x" * 43, "'; DROP TABLE admins; --"):
        client.set_cookie("vigie-desk", forged)
        assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("headers", [{"HX-Request": "true"}, {"Accept": "text/event-stream"}])
def test_a_script_that_asks_for_figures_is_told_to_sign_in(client: FlaskClient, headers: dict[str, str]) -> None:
    answer = client.get("/admin/editions/1/progress", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/admin/sign-in"


def test_a_page_left_open_falls_idle_although_its_script_keeps_asking(client: FlaskClient, product: Product) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        desk.make_admin(product)
        edition_id = desk.make_draft(product)
        desk.sign_in(client)
        for _ in range(31):
            clock.shift(timedelta(minutes=1))
            last = client.get(f"/admin/editions/{edition_id}/progress")
        assert last.status_code == 302


def test_a_page_in_use_stays_open(client: FlaskClient, product: Product) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        desk.make_admin(product)
        desk.sign_in(client)
        for _ in range(4):
            clock.shift(timedelta(minutes=20))
            assert client.get("/admin/").status_code == 200


def test_the_cookie_is_bound_to_host_and_tls_in_production(product: Product) -> None:
    config = replace(product.config, public_url="https://news.example.org", allowed_hosts=frozenset())
    desk.make_admin(product)
    production = create_app(config)
    client = production.test_client()
    answer = client.post(
        "/admin/sign-in", data={"email": desk.EMAIL, "password": desk.PASSWORD}, base_url="https://news.example.org"
    )
    session, browser = sorted(answer.headers.getlist("Set-Cookie"), key=len)
    assert session.startswith("__Host-vigie=")
    assert browser.startswith("__Host-vigie-browser=")
    for cookie in (session, browser):
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
    assert client.get("/admin/", base_url="https://news.example.org").status_code == 200
    production.extensions["vigie"].database.dispose()


def test_the_cookie_of_a_trial_on_this_machine_needs_no_tls(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    session = next(c for c in desk.sign_in(client).headers.getlist("Set-Cookie") if c.startswith("vigie-desk="))
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(session.split("; "))
    assert "Secure" not in session


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/admin/",
        "//evil.example/admin/",
        "/\\evil.example/admin/",
        "/admin/\\evil.example",
        "javascript:alert(1)",
        "/fr/",
        "/admin/\r\nSet-Cookie: a=b",
    ],
)
def test_signing_in_leads_to_pages_of_the_desk_only(client: FlaskClient, product: Product, target: str) -> None:
    desk.make_admin(product)
    assert desk.sign_in(client, next=target).location == "/admin/"


def test_signing_in_leads_to_the_page_that_was_asked_for(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    asked = client.get("/admin/readers?q=ada")
    assert 'value="/admin/readers?q=ada"' in client.get(asked.location).text
    assert desk.sign_in(client, next="/admin/readers?q=ada").location == "/admin/readers?q=ada"
