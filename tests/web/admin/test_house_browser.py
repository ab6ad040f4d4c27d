"""The pages of the house in a real browser: how they look, and a preview that follows what is written."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app import create_app
from app.clock import now
from app.digests.schedule import install_schedules
from app.newsletters.defaults import install_defaults
from app.newsletters.models import current_wording
from app.product import Product
from tests import make
from tests.conftest import create_tables, make_config
from tests.looks import faults
from tests.web import desk

pytestmark = [pytest.mark.slow, pytest.mark.browser]

#: Those with the most in them.
PAGES = ("newsletters/1", "wordings/form/fr/1")
#: Tells the page's console of every breach of the policy.
WATCH_POLICY = """document.addEventListener("securitypolicyviolation",
    breach => console.error("policy", breach.violatedDirective, breach.blockedURI))"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """The app on SQLite: what is under test here is the browser's side."""
    url = f"sqlite:///{tmp_path / 'vigie.db'}"
    create_tables(url)
    config = make_config(url, tmp_path)
    app = create_app(config)
    wired: Product = app.extensions["vigie"]
    with wired.database.transaction() as session:
        install_defaults(session, config, now())
        install_schedules(session, config, now())
        make.make_subscription(session)
        make.make_article(session, title="Un câble rompu", link="https://wire.example/1", added_at=now())
    yield app
    wired.database.dispose()


def enter(browser: Browser, product: Product, site: str, language: str) -> tuple[Page, list[str]]:
    """A page of somebody signed in, and what breaches of the policy it tells."""
    desk.make_admin(product, language=language)
    page = browser.new_context(base_url=site).new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if "policy" in message.text else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(WATCH_POLICY)
    page.goto("/admin/sign-in")
    page.locator("[name=email]").fill(desk.EMAIL)
    page.locator("[name=password]").fill(desk.PASSWORD)
    page.locator("main button").first.click()
    page.wait_for_url("/admin/")
    return page, errors


def test_pages_fit_and_read_well(browser: Browser, product: Product, site: str) -> None:
    page, errors = enter(browser, product, site, "fr")
    found = []
    for path in PAGES:
        page.goto(f"/admin/{path}")
        found += faults(page)
    page.goto("/admin/schedules/1")
    page.locator("#every").select_option("line")
    page.locator("#cron").fill("*/5 * * * *")
    page.locator("form:has(#cron) button").click()
    expect(page.locator("#cron-error")).to_be_visible()
    found += faults(page)
    assert found + errors == []


def test_a_preview_follows_what_is_written(browser: Browser, product: Product, site: str) -> None:
    page, errors = enter(browser, product, site, "en")
    page.goto("/admin/wordings/form/en/1")
    page.get_by_label("Statement").fill("We write to you; see our [privacy policy].")
    expect(page.locator("#shown u")).to_have_text("privacy policy")
    expect(page.locator("#shown")).to_contain_text("We write to you")
    page.get_by_role("button", name="Put it in force").click()
    expect(page.get_by_role("status")).to_contain_text("The new version is in force")
    with product.database.reading() as session:
        assert session.scalars(current_wording("en")).one().statement == "We write to you; see our [privacy policy]."
    assert errors == []
