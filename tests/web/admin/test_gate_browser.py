"""Through the gate in a browser: fail, mend, ask, approve as somebody else, stop once, approve again, and it leaves."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from app.clock import now
from app.editions.models import Edition, EditionStatus
from app.gate.starting import start_approved
from app.product import Product
from tests.conftest import ON_SQLITE
from tests.looks import faults
from tests.web import desk

pytestmark = [pytest.mark.slow, pytest.mark.browser, ON_SQLITE]

BOB = "bob@desk.example"


def spoil(product: Product, draft: int) -> None:
    with product.database.transaction() as session:
        session.get_one(Edition, draft).introduction = "Read [the file](https://example.com/file)."


def test_two_people_lead_an_edition_through_the_gate(open_desk: Callable[..., Page], product: Product) -> None:
    draft = desk.make_draft(product, readers=3)
    spoil(product, draft)
    ada, bob = open_desk(), open_desk(email=BOB)

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
    expect(ada.locator("#progress")).to_contain_text("of 3 copies settled")
    expect(ada.get_by_text("Approval asked for").first).to_be_visible()


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
