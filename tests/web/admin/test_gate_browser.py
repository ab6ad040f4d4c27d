"""Through the gate in a browser: fail, mend, ask, approve as somebody else, stop once, approve again, and it leaves."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app import create_app
from app.clock import now
from app.editions.models import Edition, EditionStatus
from app.gate.starting import start_approved
from app.newsletters.defaults import install_defaults
from app.product import Product
from tests.conftest import create_tables, make_config
from tests.looks import faults
from tests.web import desk

pytestmark = [pytest.mark.slow, pytest.mark.browser]

BOB = "bob@desk.example"


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
    yield app
    wired.database.dispose()


def enter(browser: Browser, site: str, email: str) -> Page:
    page = browser.new_context(base_url=site, locale="en-GB").new_page()
    page.goto("/admin/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(desk.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("/admin/")
    return page


def spoil(product: Product, draft: int) -> None:
    with product.database.transaction() as session:
        session.get_one(Edition, draft).introduction = "Read [the file](https://example.com/file)."


def test_two_people_lead_an_edition_through_the_gate(browser: Browser, product: Product, site: str) -> None:
    for email in (desk.EMAIL, BOB):
        desk.make_admin(product, email=email)
    draft = desk.make_draft(product, readers=3)
    spoil(product, draft)
    ada, bob = enter(browser, site, desk.EMAIL), enter(browser, site, BOB)

    ada.goto(f"/admin/editions/{draft}")
    ada.get_by_role("link", name="Send…").click()
    expect(ada.get_by_text("1 check fails: the edition stays here.")).to_be_visible()
    assert "Article 1" in ada.frame_locator("iframe").locator("body").inner_text()
    assert faults(ada) == []
    ada.get_by_role("checkbox").check()
    ada.get_by_role("button", name="Send to 3 readers now").click()
    assert ada.evaluate("document.activeElement.id") == "reason"  # nothing is sent without one

    ada.goto(f"/admin/editions/{draft}")
    ada.get_by_label("Introduction").fill("Read [the file](https://wire.example/file).")
    with ada.expect_navigation():
        ada.get_by_role("button", name="Save the texts").click()
    ada.get_by_role("link", name="Send…").click()
    expect(ada.get_by_text("Nothing fails;")).to_be_visible()
    ask(ada)

    approve(bob, product)
    assert faults(bob) == []
    bob.get_by_role("button", name="Stop it").click()
    expect(bob.get_by_text("nothing has left")).to_be_visible()
    assert desk.edition(product, draft).status is EditionStatus.DRAFT

    ada.goto(f"/admin/editions/{draft}/send")
    ask(ada)
    approve(bob, product)
    later = now() + timedelta(minutes=product.config.gate.undo_minutes)
    assert start_approved(product.database, now=later, config=product.config, links=product.links) == [draft]
    ada.goto(f"/admin/editions/{draft}")
    assert "of 3 copies settled" in ada.locator("#progress").inner_text()
    expect(ada.get_by_text("Approval asked for").first).to_be_visible()
    for page in (ada, bob):
        page.context.close()


def ask(page: Page) -> None:
    page.get_by_text("Ask somebody else to approve it").click()
    page.get_by_label("Note for them").fill("The introduction is new")
    page.get_by_role("button", name="Ask for approval").click()
    expect(page.get_by_text("cannot be the one")).to_be_visible()


def approve(page: Page, product: Product) -> None:
    page.goto("/admin/")
    page.get_by_role("link", name="Read it").first.click()
    expect(page.get_by_text("The introduction is new").first).to_be_visible()
    page.get_by_role("button", name="Approve for 3 readers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Leaves by itself")
