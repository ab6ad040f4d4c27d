"""Every page as people see it: no axe-core violation, light and dark, phone and desktop; the desk's way to send."""

import re

import pytest
from playwright.sync_api import Browser, Page

from tests.end_to_end.house import House, Postbox, link_in, wait_until
from tests.end_to_end.test_main_job import subscribe
from tests.looks import faults

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]

READER = "o.lecteur@reader.example"
PUBLIC_PAGES = ("", "embed", "check-your-mail", "privacy", "legal", "archive", "nothing-here", "confirm/forged")
DESK_PAGES = ("", "editions", "articles", "sources", "readers", "suppressions", "audit", "account")


@pytest.fixture(scope="module")
def furnished(house: House, postbox: Postbox, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> House:
    """The house with a confirmed reader, a sent edition and a draft, in each language."""
    folder = tmp_path_factory.mktemp("articles")
    for language in ("fr", "en"):
        page = browser.new_page()
        address = f"{language}.{READER}"
        subscribe(page, house, language, address)
        page.goto(link_in(postbox.wait_for(address, 1), "/confirm/"))
        page.locator("main form button[type=submit]").first.click()
        page.wait_for_url(re.compile("/preferences/"))
        page.close()
        for state in ("sent", "draft"):
            for number in range(2):
                article = folder / f"{language}-{state}-{number}.md"
                article.write_text(f"# Câble {state} no {number}\n\nUn premier paragraphe sur le câble {number}.\n")
                house.flask("articles", "add", "--language", language, str(article))
            edition = house.flask_json("editions", "compile", "--language", language)["id"]
            if state == "sent":
                house.flask("editions", "send", str(edition), "--yes")
                postbox.wait_for(address, 3)
    return house


def sign_in(page: Page, house: House, language: str) -> None:
    """Open the desk by a one-time link."""
    email = f"desk-{language}@newsletter.example"
    link = house.flask("admins", "add", email, "--language", language).stdout.strip().splitlines()[-1]
    page.goto(link)
    page.locator("main form button").first.click()
    page.wait_for_url(re.compile("/admin/"))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_public_pages(furnished: House, postbox: Postbox, browser: Browser, language: str) -> None:
    page = browser.new_page()
    for path in PUBLIC_PAGES:
        page.goto(f"{furnished.url}/{language}/{path}")
        assert faults(page) == []
    page.goto(f"{furnished.url}/{language}/")
    page.locator("input[type=email]").fill("someone@gmial.com")
    page.wait_for_timeout(2_300)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_load_state()
    assert faults(page) == []
    address = f"{language}.{READER}"
    letters = [postbox.wait_for(address, number) for number in (1, 2, 3)]
    for letter, part in ((letters[2], "/preferences/"), (letters[2], "/unsubscribe/"), (letters[0], "/confirm/")):
        page.goto(link_in(letter, part))
        assert faults(page) == []
    page.goto(f"{furnished.url}/{language}/archive")
    page.locator("main a[href*='/archive/']").first.click()
    page.wait_for_url(re.compile("/archive/."))
    assert faults(page) == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_desk_pages(furnished: House, browser: Browser, language: str) -> None:
    page = browser.new_page()
    page.goto(f"{furnished.url}/admin/sign-in")
    assert faults(page) == []
    sign_in(page, furnished, language)
    for path in DESK_PAGES:
        page.goto(f"{furnished.url}/admin/{path}")
        assert faults(page) == []
    drafts = [each for each in furnished.flask_json("editions", "list") if each["status"] == "draft"]
    for path in ("", "/preview", "/send", "/cancel"):
        page.goto(f"{furnished.url}/admin/editions/{drafts[0]['id']}{path}")
        assert faults(page) == []
    sent = [each for each in furnished.flask_json("editions", "list") if each["status"] == "sent"]
    page.goto(f"{furnished.url}/admin/editions/{sent[0]['id']}")
    assert faults(page) == []
    page.goto(f"{furnished.url}/admin/readers")
    page.locator("main table a[href*='/admin/readers/']").first.click()
    page.wait_for_url(re.compile("/readers/."))
    assert faults(page) == []


def test_an_editor_compiles_looks_tests_and_sends(furnished: House, postbox: Postbox, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, furnished, "en")
    draft = next(
        each for each in furnished.flask_json("editions", "list")
        if each["status"] == "draft" and each["language"] == "en"
    )  # fmt: skip
    page.goto(f"{furnished.url}/admin/editions/{draft['id']}")
    page.get_by_label("Subject").fill("The week in cables")
    page.get_by_role("button", name=re.compile("^Save")).first.click()
    page.wait_for_load_state()
    page.get_by_role("button", name=re.compile("test", re.IGNORECASE)).first.click()
    test_letter = postbox.wait_for("desk-en@newsletter.example", 1)
    assert "The week in cables" in test_letter["Subject"]
    page.goto(f"{furnished.url}/admin/editions/{draft['id']}/send")
    assert "1 reader" in page.locator("main").inner_text()
    before = len(postbox.letters_to(f"en.{READER}"))
    for box in page.locator("main form input[type=checkbox]").all():
        box.check()
    page.get_by_role("button", name="Send to 1 reader now").dblclick()
    letter = postbox.wait_for(f"en.{READER}", before + 1)
    assert letter["Subject"] == "The week in cables"
    wait_until(
        lambda: furnished.flask_json("editions", "status", str(draft["id"]))["status"] == "sent", "the edition to end"
    )
    assert len(postbox.letters_to(f"en.{READER}")) == before + 1
    context.close()
