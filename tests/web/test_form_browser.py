"""The form in a real browser while it asks for proof, and its trap as a screen reader meets it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from playwright.sync_api import Browser, BrowserContext, Page

from app.clock import now
from app.product import Product
from app.subscriptions.form.counters import SignupHour
from app.web.forms import TRAP
from config import Config
from tests.conftest import PATIENCE_MS, create_tables, make_config
from tests.looks import faults
from tests.web.conftest import faults_among
from tests.web.visitor import counts

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    """One database is enough here; the form asks for proof on the parameter's days."""
    url = f"sqlite:///{tmp_path / 'vigie.db'}"
    create_tables(url)
    config = make_config(url, tmp_path)
    return replace(config, signups=replace(config.signups, proof_of_work=getattr(request, "param", "breaker")))


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A French reader's browser; what it complains of fails the test."""
    context = browser.new_context(locale="fr-FR")
    context.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()
    assert faults_among(complaints, "status of 503") == []


def open_form(page: Page, site: str, path: str = "/fr/") -> None:
    """Open the form and write an address; its time of reading is over."""
    page.goto(site + path)
    page.fill("#email", "alice@reader.example")
    page.wait_for_timeout(2_100)


def open_breaker(product: Product) -> None:
    """More sign-ups arrived this hour and the next than go unproven."""
    this_hour = now().replace(minute=0, second=0, microsecond=0)
    with product.database.transaction() as session:
        for hour in (this_hour, this_hour + timedelta(hours=1)):
            session.add(SignupHour(hour=hour, letters=1, official=0, threshold=1))


def test_the_script_does_the_work_while_the_reader_types(site: str, product: Product, context: BrowserContext) -> None:
    open_breaker(product)
    page = context.new_page()
    open_form(page, site)
    page.keyboard.press("Enter")
    page.wait_for_url("**/fr/check-your-mail")
    assert (counts(product)["deliveries"], counts(product)["used_proofs"]) == (1, 1)


def test_whoever_presses_sooner_is_told_and_the_form_goes_by_itself(
    site: str, product: Product, context: BrowserContext
) -> None:
    open_breaker(product)
    page = context.new_page()
    page.add_init_script(
        "const real = crypto.subtle.deriveBits.bind(crypto.subtle);"
        "const gate = new Promise((open) => { window.letGo = open; });"
        "crypto.subtle.deriveBits = async (...all) => { await gate; return real(...all); };"
    )
    open_form(page, site)
    page.keyboard.press("Enter")
    status = page.get_by_role("status")
    status.get_by_text("Un instant").wait_for()
    assert counts(product)["deliveries"] == 0
    page.evaluate("window.letGo()")
    page.wait_for_url("**/fr/check-your-mail")
    assert counts(product)["deliveries"] == 1


@pytest.mark.parametrize("path", ["/fr/", "/fr/embed"])
def test_a_form_opened_before_the_rush_comes_back_and_passes(
    site: str, product: Product, context: BrowserContext, path: str
) -> None:
    page = context.new_page()
    open_form(page, site, path)
    open_breaker(product)
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("Beaucoup de personnes s’inscrivent").wait_for()
    page.get_by_role("status").get_by_text("inutile d’attendre").wait_for()
    page.get_by_role("button").click()
    page.wait_for_url("**/fr/check-your-mail*")
    assert counts(product)["deliveries"] == 1


def test_without_script_a_minute_of_waiting_passes(site: str, product: Product, browser: Browser) -> None:
    open_breaker(product)
    page = browser.new_page(java_script_enabled=False)
    open_form(page, site)
    page.keyboard.press("Enter")
    page.get_by_text("attendez 1 minute sur cette page").wait_for()
    with time_machine.travel(now() + timedelta(seconds=61), tick=True):
        page.get_by_role("button").click()
        page.wait_for_url("**/fr/check-your-mail")
    assert counts(product)["deliveries"] == 1
    page.close()


@pytest.mark.parametrize("config", ["always"], indirect=True)
def test_axe_finds_nothing_on_the_form_that_came_back(site: str, product: Product, context: BrowserContext) -> None:
    page = context.new_page()
    page.add_init_script("crypto.subtle.deriveBits = () => Promise.reject(new Error('no work today'));")
    for path in ("/fr/", "/en/embed"):
        open_form(page, site, path)
        page.keyboard.press("Enter")
        page.get_by_role("alert").wait_for()
        assert faults(page) == []


@pytest.mark.parametrize(("path", "answer"), [("/fr/", "/fr/check-your-mail"), ("/fr/my-data", "/fr/my-data?sent=")])
def test_an_address_may_have_letters_that_browsers_do_not_know(
    site: str, context: BrowserContext, path: str, answer: str
) -> None:
    """What HTML takes for an address is ASCII before the @; mail has known others since RFC 6531."""
    page = context.new_page()
    open_form(page, site, path)
    page.fill("#email", "élise@reader.example")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{answer}")


def test_a_screen_reader_the_tab_key_and_form_fillers_pass_the_trap_by(site: str, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{site}/fr/")
    trap = page.locator(f"#{TRAP}")
    tree = context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    names = {node.get("name", {}).get("value", "") for node in tree if not node["ignored"]}
    assert "Votre adresse e-mail" in names, "the tree is the page's"
    assert not [name for name in names if "Laissez" in name]
    assert page.get_by_role("textbox").count() == 1
    for _ in range(30):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") != TRAP
    box = trap.bounding_box()
    assert box
    assert box["x"] + box["width"] < 0, "off the screen, yet displayed"
    assert trap.evaluate("each => [each.autocomplete, each.tabIndex, each.type]") == ["off", -1, "text"]
