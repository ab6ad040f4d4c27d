"""The digest in a real browser: every width, light and dark, with and without its style sheets."""

import re

import pytest
from playwright.sync_api import Browser, Page

from app.product import Product
from tests.conftest import ON_SQLITE
from tests.editions.press import make_draft
from tests.editions.test_letter import contrast, set_letter

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    ON_SQLITE,
]

#: Of every run of words on the page: its colour, and the colour behind it.
COLOURS = """() => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, style = getComputedStyle(element);
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || !element.getClientRects().length) continue;
    let behind = element;
    while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
    found.push([walker.currentNode.data.trim(), style.color, getComputedStyle(behind).backgroundColor]);
  }
  return found;
}"""


@pytest.fixture
def html(product: Product) -> str:
    """A digest with the longest words that feeds bring."""
    with product.database.transaction() as session:
        edition = make_draft(session)
        edition.introduction = (
            "Une *introduction* avec [un lien](https://news.example/a), et une liste\u00a0:\n\n- un\n- deux"
        )
        edition.items[0].article.title = "Wort" * 60
        edition.items[1].article.summary = "https-" * 80
        return set_letter(session, product, edition).html


@pytest.mark.parametrize("width", [320, 375, 700])
@pytest.mark.parametrize("has_style_sheets", [True, False])
def test_nothing_stands_out_of_the_page(browser: Browser, html: str, width: int, has_style_sheets: bool) -> None:
    page = open_page(browser, width=width)
    page.set_content(html if has_style_sheets else without_style_sheets(html))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_has_contrast_in_light_and_in_dark(browser: Browser, html: str, scheme: str) -> None:
    page = open_page(browser, scheme=scheme)
    page.set_content(html)
    colours = page.evaluate(COLOURS)
    assert len(colours) > 20
    for words, ink, paper in colours:
        assert contrast(six_digits(ink), six_digits(paper)) >= 4.5, words
    is_dark = sum(bytes.fromhex(six_digits(colours[0][2])[1:])) < 200
    assert is_dark is (scheme == "dark")
    page.close()


def test_without_style_sheets_the_letter_keeps_its_measure(browser: Browser, html: str) -> None:
    page = open_page(browser, width=1000)
    page.set_content(without_style_sheets(html))
    box = page.locator("h2").first.bounding_box()
    assert box is not None
    assert box["x"] >= 200
    assert box["x"] + box["width"] <= 800
    page.close()


def open_page(browser: Browser, *, width: int = 700, scheme: str = "light") -> Page:
    return browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]


def without_style_sheets(html: str) -> str:
    return re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL)


def six_digits(colour: str) -> str:
    return "#" + "".join(f"{int(channel):02x}" for channel in re.findall(r"\d+", colour)[:3])
