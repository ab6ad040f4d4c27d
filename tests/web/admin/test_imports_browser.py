"""A list of readers in a real browser: handed in, matched, looked through, imported, its report downloaded."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app.jobs.importing import work_on_imports
from app.product import Product
from tests.conftest import ON_SQLITE

pytestmark = [pytest.mark.slow, pytest.mark.browser, ON_SQLITE]

ROWS = 30


@pytest.fixture
def page(open_desk: Callable[..., Page]) -> Page:
    """A signed-in admin's page, on a phone."""
    return open_desk(viewport={"width": 375, "height": 800})


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
