"""A list of readers in a real browser: handed in, matched, looked through, imported, its report downloaded."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app import create_app
from app.clock import now
from app.jobs.importing import work_on_imports
from app.newsletters.defaults import install_defaults
from app.product import Product
from tests.conftest import create_tables, make_config
from tests.web import desk

pytestmark = [pytest.mark.slow, pytest.mark.browser]

ROWS = 30


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


@pytest.fixture
def page(browser: Browser, app: Flask, product: Product, site: str) -> Iterator[Page]:
    """A signed-in admin's page."""
    desk.make_admin(product)
    client = app.test_client()
    desk.sign_in(client)
    context = browser.new_context(base_url=site, locale="en-GB", viewport={"width": 375, "height": 800})
    cookie = client.get_cookie("vigie-desk")
    assert cookie is not None
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": site}])
    yield context.new_page()
    context.close()


def is_sound(page: Page) -> bool:
    found = Axe().run(page).response["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == []
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_a_list_is_brought_along(page: Page, product: Product, tmp_path: Path) -> None:
    rows = "".join(f"reader{number}@reader.example;fr\n" for number in range(ROWS))
    (tmp_path / "lecteurs.csv").write_text(f"Adresse mail;Langue\n{rows}nobody;fr\n", encoding="utf-8")
    page.goto("/admin/readers/imports")
    assert is_sound(page)
    page.get_by_label("List of readers (CSV)").set_input_files(tmp_path / "lecteurs.csv")
    page.get_by_role("button", name="Hand it in").click()
    expect(page.get_by_label("E-mail address")).to_have_value("0")
    assert is_sound(page)
    page.get_by_label("Where they consented").fill("Salon du livre")
    page.get_by_label("On which day").fill("2025-03-01")
    page.get_by_role("button", name="Look it through").click()
    expect(page.get_by_role("heading", name="Being looked through: nobody is added")).to_be_visible()
    assert is_sound(page)
    work_on_imports(product)
    expect(page.get_by_role("cell", name="This is no address that mail can be sent to.")).to_be_visible()
    assert is_sound(page)
    page.get_by_role("button", name=f"Import {ROWS} readers").click()
    work_on_imports(product)
    expect(page.get_by_role("heading", name="What came of it")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Report (CSV)").click()
    report = download.value.path().read_text("utf-8-sig")
    assert len(report.splitlines()) == 2
    page.get_by_role("link", name="See the readers").click()
    expect(page.get_by_role("heading", name=f"{ROWS} readers")).to_be_visible()
    assert is_sound(page)
