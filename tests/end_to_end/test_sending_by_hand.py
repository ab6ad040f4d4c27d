"""An editor's way: look at a draft, write its subject, have a test letter, send it by one press."""

import re

import pytest
from playwright.sync_api import Browser, Page

from tests.end_to_end.house import House, Postbox, link_in, wait_until
from tests.end_to_end.test_main_job import subscribe

pytestmark = [pytest.mark.slow, pytest.mark.browser]

READER = "a.reader@reader.example"
EDITOR = "editor@newsletter.example"


@pytest.fixture(scope="module")
def furnished(house: House, postbox: Postbox, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> House:
    """The house with a confirmed reader and a draft."""
    page = browser.new_page()
    subscribe(page, house, "en", READER)
    page.goto(link_in(postbox.wait_for(READER, 1), "/confirm/"))
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(re.compile("/preferences/"))
    page.close()
    article = tmp_path_factory.mktemp("articles") / "cable.md"
    article.write_text("# A cable is cut\n\nA first paragraph on the cable and on who owns it.\n")
    house.flask("articles", "add", "--language", "en", str(article))
    house.flask("editions", "compile", "--language", "en")
    return house


def sign_in(page: Page, house: House) -> None:
    """Open the desk by a one-time link."""
    link = house.flask("admins", "add", EDITOR, "--language", "en").stdout.strip().splitlines()[-1]
    page.goto(link)
    page.locator("main form button").first.click()
    page.wait_for_url(re.compile("/admin/(?!sign-in)"))


def test_an_editor_compiles_looks_tests_and_sends(furnished: House, postbox: Postbox, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, furnished)
    [draft] = furnished.flask_json("editions", "list")
    page.goto(f"{furnished.url}/admin/editions/{draft['id']}")
    page.get_by_label("Subject").fill("The week in cables")
    with page.expect_navigation():
        page.get_by_role("button", name=re.compile("^Save")).first.click()
    page.get_by_role("button", name=re.compile("test", re.IGNORECASE)).first.click()
    test_letter = postbox.wait_for(EDITOR, 1)
    assert "The week in cables" in test_letter["Subject"]
    page.goto(f"{furnished.url}/admin/editions/{draft['id']}/send")
    assert "1 reader" in page.locator("main").inner_text()
    before = len(postbox.letters_to(READER))
    for box in page.locator("main form input[type=checkbox]").all():
        box.check()
    page.get_by_role("button", name="Send to 1 reader now").dblclick()
    letter = postbox.wait_for(READER, before + 1)
    assert letter["Subject"] == "The week in cables"
    wait_until(
        lambda: furnished.flask_json("editions", "status", str(draft["id"]))["status"] == "sent", "the edition to end"
    )
    assert len(postbox.letters_to(READER)) == before + 1
    context.close()
