"""Passkeys in a real browser, with the device that Chromium has for tests: made, used, and worth nothing elsewhere."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, Route
from sqlalchemy.orm import Session

from app import create_app
from app.admins.models import AdminSession, AuditEntry, Passkey
from app.admins.passkeys import Site, by_passkey, site_of
from app.admins.proving import Method
from app.clock import now
from app.newsletters.defaults import install_defaults
from app.product import Product
from tests.conftest import create_tables, make_config
from tests.end_to_end.house import free_port
from tests.web import desk
from tests.web_server import served

pytestmark = [pytest.mark.slow, pytest.mark.browser]

DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """The app under the one name of this machine that passkeys take."""
    url = f"sqlite:///{tmp_path / 'vigie.db'}"
    create_tables(url)
    app = create_app(replace(make_config(url, tmp_path), public_url=f"http://localhost:{free_port()}"))
    wired: Product = app.extensions["vigie"]
    with wired.database.transaction() as session:
        install_defaults(session, wired.config, now())
    yield app
    wired.database.dispose()


@pytest.fixture
def site(app: Flask, product: Product) -> Iterator[str]:
    with served(app, int(product.config.public_url.rpartition(":")[2])):
        yield product.config.public_url


@pytest.fixture
def page(browser: Browser, product: Product, site: str) -> Iterator[Page]:
    """A page with a device for passkeys; whatever the script does not catch fails the test."""
    desk.make_admin(product)
    context = browser.new_context(base_url=site, locale="en-GB")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    yield page
    context.close()
    assert errors == []


def sign_in(page: Page) -> None:
    page.goto("/admin/sign-in")
    page.get_by_label("E-mail address").fill(desk.EMAIL)
    page.get_by_label("Password").fill(desk.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/admin/(second-step.*)?$"))


def add_passkey(page: Page) -> None:
    page.goto("/admin/account/factors")
    page.get_by_label("A name for it").fill("blue key")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Keep your recovery codes").wait_for()


def test_a_passkey_is_made_and_lets_in_by_keys_alone(page: Page, product: Product) -> None:
    sign_in(page)
    add_passkey(page)
    assert Axe().run(page).violations_count == 0
    page.context.clear_cookies()
    sign_in(page)
    assert Axe().run(page).violations_count == 0
    page.get_by_role("button", name="Use a passkey").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("/admin/")
    page.goto("/admin/again?next=/admin/people")
    page.get_by_role("button", name="Use a passkey").press("Enter")
    page.wait_for_url("/admin/people")
    with product.database.reading() as session:
        details = session.scalars(sa.select(AuditEntry.detail).order_by(AuditEntry.id.desc()).limit(2)).all()
        assert session.scalars(sa.select(Passkey.name)).one() == "blue key"
    assert details == ["passkey", "passkey"]


def test_an_answer_is_good_for_one_challenge_of_our_own_pages(page: Page, product: Product) -> None:
    sign_in(page)
    add_passkey(page)
    page.context.clear_cookies()
    sign_in(page)
    answer = intercepted_answer(page)
    ours = site_of(product.config.public_url, "Vigie")
    evil = [replace(ours, origin="https://evil.example"), Site("evil.example", ours.origin, "Vigie")]
    with product.database.transaction() as session:
        held = session.scalars(sa.select(AdminSession).where(AdminSession.proved_at.is_(None))).one()
        asked, until = held.challenge, held.challenge_until
        tries = [(each, asked) for each in evil] + [(ours, b"another challenge"), (ours, asked), (ours, None)]
        shown = [show(session, held, answer, each, challenge, until) for each, challenge in tries]
        late = show(session, held, answer, ours, asked, now())
    assert shown == [None, None, None, Method.PASSKEY, None]
    assert late is None


def show(session: Session, held: AdminSession, answer: str, site: Site, challenge, until) -> Method | None:
    held.challenge, held.challenge_until = challenge, until
    method = by_passkey(answer, site)(session, held, now())
    assert held.challenge is None
    return method


def intercepted_answer(page: Page) -> str:
    """What the browser answers to the challenge, kept from the server."""
    caught: list[str] = []

    def keep(route: Route) -> None:
        caught.append(parse_qs(route.request.post_data or "")["answer"][0])
        route.abort()

    page.route("**/admin/second-step", keep)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_timeout(500)
    return caught[0]
