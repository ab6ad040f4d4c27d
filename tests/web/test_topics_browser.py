"""The pages of what was sent, in a real browser: small and large, light and dark, without script, and through axe."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from app.clock import now
from app.product import Product
from tests.conftest import ON_SQLITE
from tests.looks import BY_LANGUAGE, faults
from tests.web.sent import correct, send

#: One database is enough here: the rules have their tests on both.
pytestmark = [pytest.mark.slow, pytest.mark.browser, ON_SQLITE]

#: Enough that the map has every shade.
COUNTRIES = ("place:US", "place:CN", "place:RU", "place:UA", "place:FR", "place:EE", "place:ML", "place:KP")


def fill(product: Product, language: str) -> str:
    """Send two editions; return the last one's public id."""
    for week in (2, 1):
        articles = [
            (f"Internationalisierungsbestrebungen {place}/{number}", [key, "theme:espionage"])
            for place, key in enumerate(COUNTRIES)
            for number in range(8 - place)
        ]
        public_id = send(product, *articles, language=language, at=now() - timedelta(weeks=week))
        first, note = articles[0][0], "Not **two** firms, but [three](https://a.example/)."
        correct(product, first, f"{first} ({week})", at=now(), **{language: note})
    return public_id


def test_the_pages_fit_the_screen_and_axe_finds_nothing(
    site: str, product: Product, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    for language in ("fr", "en"):
        public_id = fill(product, language)
        for path in ("topics", "topics/place/US", "topics/region/europe", "topics/place/NZ", "archive",
                     f"archive/{public_id}", "search", "search?q=internationalisierungsbestrebungen"):  # fmt: skip
            page.goto(f"{site}/{language}/{path}")
            assert faults(page, BY_LANGUAGE[language]) == []


#: The ratio of WCAG 2.2 for each text of the map on its tile.
CONTRASTS = """() => [...document.querySelectorAll(".map .tile text")].map((text) => {
  const light = (colour) => colour.match(/[0-9.]+/g).slice(0, 3).map((each) => each / 255)
    .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, place) => sum + each * [0.2126, 0.7152, 0.0722][place], 0);
  const tile = text.parentElement.querySelector("rect");
  const [low, high] = [text, tile].map((each) => light(getComputedStyle(each).fill)).sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_stands_on_a_tile_can_be_read(
    site: str, product: Product, open_page: Callable[..., Page], scheme: str
) -> None:
    fill(product, "fr")
    page = open_page(color_scheme=scheme, viewport={"width": 1280, "height": 800})
    page.goto(f"{site}/fr/topics")
    assert {f"shade-{number}" for number in range(1, 5)} == set(
        page.locator(".map a.tile").evaluate_all("tiles => tiles.map((tile) => tile.classList[1])")
    )
    assert min(page.evaluate(CONTRASTS)) >= 4.5


def test_without_script_one_goes_from_the_map_to_an_edition_and_searches(
    site: str, product: Product, open_page: Callable[..., Page]
) -> None:
    public_id = fill(product, "fr")
    page = open_page(java_script_enabled=False)
    page.goto(f"{site}/fr/topics")
    page.click('.map a[href="/fr/topics/place/EE"]')
    page.wait_for_url("**/fr/topics/place/EE")
    page.click(".clip-foot a >> nth=0")
    page.wait_for_url(f"**/fr/archive/{public_id}#article-*")
    page.goto(f"{site}/fr/archive")
    page.fill("#q", "BESTREBUNGEN internationalisierungsbestrebung")
    page.keyboard.press("Enter")
    page.wait_for_url("**/fr/search?q=*")
    expect(page.locator(".clips .piece")).to_have_count(0)
    page.fill("#q", "internationalisierungsbestrebung")
    page.keyboard.press("Enter")
    expect(page.locator(".clips .piece")).to_have_count(30)


def test_by_keyboard_the_table_leads_where_the_map_does(
    site: str, product: Product, open_page: Callable[..., Page]
) -> None:
    fill(product, "en")
    page = open_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{site}/en/topics")
    tiles = page.locator(".map a").evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    rows = page.locator("#places a").evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    assert sorted(tiles) == sorted(rows)
    assert page.get_by_role("table", name="Countries").is_visible()
    seen = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate(
                "document.activeElement.closest('.map') ? 'map' : document.activeElement.getAttribute('href')"
            )
        )
    assert "map" not in seen
    assert set(rows) <= seen
