"""A template in a browser: written with the letter beside it, mended where it is at fault, saved and put in force."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app import create_app
from app.clock import now
from app.newsletters.defaults import install_defaults
from app.product import Product
from tests.conftest import create_tables, make_config
from tests.looks import faults
from tests.web import desk

pytestmark = [pytest.mark.slow, pytest.mark.browser]

PAGE = "/admin/newsletters/1/template"


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


def enter(browser: Browser, site: str, language: str, *, scripts: bool = True) -> Page:
    page = browser.new_context(base_url=site, locale=language, java_script_enabled=scripts).new_page()
    page.goto("/admin/sign-in")
    page.locator("#email").fill(desk.EMAIL)
    page.locator("#password").fill(desk.PASSWORD)
    page.locator("main form button").first.click()
    page.wait_for_url("/admin/")
    return page


def write(page: Page, old: str, new: str) -> None:
    source = page.locator("#source")
    source.fill(source.input_value().replace(old, new))


def test_a_template_is_written_with_the_letter_beside_it(browser: Browser, product: Product, site: str) -> None:
    desk.make_admin(product, language="en")
    desk.make_draft(product)
    page = enter(browser, site, "en-GB")
    page.goto(PAGE)
    page.get_by_role("link", name="Start from a copy of the product’s").click()
    letter = page.frame_locator("iframe[name=letter]")
    expect(letter.locator("h1")).to_be_visible()
    write(page, "{{ heading }}</h1>", "{{ heading }}</h1><p>A line of our own</p>")
    expect(letter.get_by_text("A line of our own")).to_be_visible()
    write(page, "A line of our own", "<script>alert(1)</script>")
    expect(letter.get_by_text("<script> may not stand in a letter")).to_be_visible()
    page.get_by_role("button", name="Save as a new version").click()
    expect(page.get_by_role("alert")).to_contain_text("Line 61: <script>")
    page.get_by_role("button", name="Go to line 61").click()
    page.wait_for_function("getSelection().toString().includes('<script>')")
    assert faults(page) == []
    write(page, "<script>alert(1)</script>", "Our own line")
    page.get_by_label("What is new about it").fill("A line under the heading")
    page.get_by_role("button", name="Save as a new version").click()
    page.get_by_role("button", name="Put in force").click()
    expect(page.get_by_text("Letters are set from version 1")).to_be_visible()
    page.goto("/admin/editions/1/letter")
    expect(page.get_by_text("Our own line")).to_be_visible()


def test_the_pages_look_well_in_french_and_work_without_scripts(browser: Browser, product: Product, site: str) -> None:
    desk.make_admin(product, language="fr")
    page = enter(browser, site, "fr-FR", scripts=False)
    page.goto(f"{PAGE}/editor")
    write(page, "#a3171f", "#105020")
    page.locator("[data-show]").click()
    letter = page.frame_locator("iframe[name=letter]")
    expect(letter.locator("[style*='#105020']").first).to_be_visible()
    for note in ("Le vert de la maison, et un titre plus petit sur les téléphones", ""):
        write(page, "font-size:54px", "font-size:48px")
        page.locator("#note").fill(note)
        page.locator(".template-source button").click()
        page.wait_for_url(f"{PAGE}?note=template-saved")
        page.locator(".template-acts button").first.click()
        page.goto(f"{PAGE}/editor")
    page = enter(browser, site, "fr-FR")
    for path in (PAGE, f"{PAGE}/editor?version=1", f"{PAGE}/difference?old=&new=2"):
        page.goto(path)
        assert faults(page) == []
