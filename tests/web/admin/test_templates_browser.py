"""A template in a browser: written with the letter beside it, mended where it is at fault, saved and put in force."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.product import Product
from tests.conftest import ON_SQLITE
from tests.end_to_end.house import wait_until
from tests.looks import faults
from tests.web import desk

pytestmark = [pytest.mark.slow, pytest.mark.browser, ON_SQLITE]

PAGE = "/admin/newsletters/1/template"


def write(page: Page, old: str, new: str) -> None:
    source = page.locator("#source")
    source.fill(source.input_value().replace(old, new))


def test_a_template_is_written_with_the_letter_beside_it(open_desk: Callable[..., Page], product: Product) -> None:
    desk.make_draft(product)
    page = open_desk()
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
    # Not `wait_for_function`: that asks again from within the page, whose policy lets no script read script.
    wait_until(lambda: "<script>" in page.evaluate("getSelection().toString()"), "the line to be selected", seconds=10)
    assert faults(page) == []
    write(page, "<script>alert(1)</script>", "Our own line")
    page.get_by_label("What is new about it").fill("A line under the heading")
    page.get_by_role("button", name="Save as a new version").click()
    page.get_by_role("button", name="Put in force").click()
    expect(page.get_by_text("Letters are set from version 1")).to_be_visible()
    page.goto("/admin/editions/1/letter")
    expect(page.get_by_text("Our own line")).to_be_visible()


def test_the_pages_look_well_in_french_and_work_without_scripts(open_desk: Callable[..., Page]) -> None:
    page = open_desk(language="fr", java_script_enabled=False)
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
    page = open_desk(language="fr")
    for path in (PAGE, f"{PAGE}/editor?version=1", f"{PAGE}/difference?old=&new=2"):
        page.goto(path)
        assert faults(page) == []
