"""The main job on real input: subscribe, confirm, get a digest, leave; by mouse, by keyboard, without JavaScript."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.end_to_end.house import SEED, House, Postbox, link_in, real_feeds, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.usefixtures("real_input")]

SEED_TITLE = {"fr": "Israël et l’Azerbaïdjan, alliés dans le cyberespace", "en": "Israel and Azerbaijan, cyber allies"}
MIN_AGE_MS = 2_300


def status_of(house: House, address: str) -> str:
    return str(house.flask_json("subscribers", "show", address)["status"])


def subscribe(page: Page, house: House, language: str, address: str) -> None:
    page.goto(f"{house.url}/{language}/")
    page.get_by_role("textbox").first.fill(address)
    page.wait_for_timeout(MIN_AGE_MS)  # the form refuses what no person can do in the time
    page.locator("form button[type=submit]").first.click()
    page.wait_for_load_state()


def send_digest(house: House, language: str, folder: Path) -> int:
    """Bring in the seed article and the real feeds, compile, send; return the edition's id."""
    for path in real_feeds(language, folder):
        house.flask("sources", "add", str(path), "--language", language, "--name", path.stem)
    house.flask("sources", "fetch")
    house.flask("articles", "add", "--language", language, "--title", SEED_TITLE[language], str(SEED))
    edition = house.flask_json("editions", "compile", "--language", language)["id"]
    house.flask("editions", "send", str(edition), "--yes")
    return int(edition)


@pytest.mark.parametrize(
    ("any_house", "language"),
    [("embedded", "fr"), pytest.param("scaled-out", "en", marks=pytest.mark.postgresql)],
    indirect=["any_house"],
)
def test_a_reader_signs_up_confirms_gets_the_digest_and_leaves(
    any_house: House, postbox: Postbox, browser: Browser, tmp_path: Path, language: str
) -> None:
    house, address = any_house, f"{language}-{any_house.port}@reader.example"
    page = browser.new_page()
    subscribe(page, house, language, address)
    assert status_of(house, address) == "pending"
    page.goto(link_in(postbox.wait_for(address, 1), f"/{language}/confirm/"))
    assert status_of(house, address) == "pending"
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(re.compile("/preferences/"))
    assert status_of(house, address) == "confirmed"
    assert "welcome" in postbox.wait_for(address, 2)["Feedback-ID"]

    edition = send_digest(house, language, tmp_path)
    digest = postbox.wait_for(address, 3)
    items = house.flask_json("editions", "show", str(edition))["items"]
    assert len({item["source"] for item in items if item["source"]} - {"fr", "en"}) >= 5
    text = digest.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    html = digest.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert SEED_TITLE[language] in re.sub(r"\s+", " ", text)
    assert SEED_TITLE[language] in html
    assert "Restez informés en temps réel" not in html + text  # the article's own sign-up block is not its summary
    wait_until(
        lambda: house.flask_json("editions", "status", str(edition))["status"] == "sent", "the edition to be sent"
    )

    page.goto(link_in(digest, f"/{language}/unsubscribe/"))
    assert status_of(house, address) == "confirmed"
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_load_state()
    assert status_of(house, address) == "unsubscribed"
    page.close()


def test_a_reader_gets_along_without_javascript(house: House, postbox: Postbox, browser: Browser) -> None:
    address = "no-script@reader.example"
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    subscribe(page, house, "fr", address)
    page.goto(link_in(postbox.wait_for(address, 1), "/fr/confirm/"))
    page.locator("main form button[type=submit]").first.click()
    assert status_of(house, address) == "confirmed"
    page.goto(link_in(postbox.wait_for(address, 2), "/fr/unsubscribe/"))
    page.locator("main form button[type=submit]").first.click()
    assert status_of(house, address) == "unsubscribed"
    context.close()


def test_a_reader_gets_along_with_the_keyboard_only(house: House, postbox: Postbox, browser: Browser) -> None:
    address = "keyboard@reader.example"
    page = browser.new_page()
    page.goto(f"{house.url}/en/")
    tab_to(page, "input[type=email]")
    page.keyboard.type(address)
    page.wait_for_timeout(MIN_AGE_MS)
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    page.goto(link_in(postbox.wait_for(address, 1), "/en/confirm/"))
    tab_to(page, "main form button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/preferences/"))
    assert status_of(house, address) == "confirmed"
    page.goto(link_in(postbox.wait_for(address, 2), "/en/unsubscribe/"))
    tab_to(page, "main form button[type=submit]")
    page.keyboard.press("Enter")
    wait_until(lambda: status_of(house, address) == "unsubscribed", "the reader to have left")
    page.close()


def test_a_scanner_that_runs_scripts_confirms_nobody(house: House, postbox: Postbox, browser: Browser) -> None:
    address = "scanned@reader.example"
    page = browser.new_page()
    subscribe(page, house, "fr", address)
    letter = postbox.wait_for(address, 1)
    html = letter.get_body(("html",)).get_content()  # type: ignore[union-attr]
    for link in sorted(set(re.findall(r'href="(https?://[^"]+)"', html))):
        page.goto(link.replace("&amp;", "&"))
        page.wait_for_timeout(300)
        page.evaluate("""() => { for (const type of ["pointerdown", "touchstart", "keydown", "click"])
            document.body.dispatchEvent(new Event(type, { bubbles: true })); }""")
        page.wait_for_timeout(300)
    assert status_of(house, address) == "pending"
    page.close()


def test_the_first_gesture_on_the_confirm_page_confirms(house: House, postbox: Postbox, browser: Browser) -> None:
    address = "gesture@reader.example"
    page = browser.new_page()
    subscribe(page, house, "fr", address)
    page.goto(link_in(postbox.wait_for(address, 1), "/fr/confirm/"))
    page.mouse.click(5, 400)
    page.wait_for_url(re.compile("/preferences/"))
    assert status_of(house, address) == "confirmed"
    page.close()


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element is reached."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")
