"""The pages of readers' rights in a real browser: by keyboard, without script, small and large, and through axe."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.clock import now
from app.delivery.models import DeliveryState
from app.mail.address import parse_address
from app.product import Product
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.models import Subscriber
from app.subscriptions.questions.asking import ask
from app.subscriptions.questions.models import QuestionKind
from app.subscriptions.rights.address_change import AddressChange, request_address_change
from app.subscriptions.rights.erasure import erase_reader
from tests import make
from tests.conftest import ON_SQLITE
from tests.looks import BY_LANGUAGE, faults
from tests.web.reader import data_path, make_reader
from tests.web.visitor import counts

#: One database is enough here: the rules have their tests on both.
pytestmark = [pytest.mark.slow, pytest.mark.browser, ON_SQLITE]
LONG = "a.very.long.name.indeed@a-very-long-domain-name.reader.example"


def paths(product: Product, language: str) -> Iterator[str]:
    """Every page of rights, of a reader who has done a little of everything."""
    reader_id = make_reader(product, email=LONG)
    data = data_path(product, email=LONG, language=language)
    with product.database.transaction() as session:
        make.settle_copies(session, DeliveryState.ACCEPTED, now=now())
        address = parse_address("another.long.name@another-long-domain.example")
        request_address_change(
            session, subscriber_id=reader_id, address=address, method=ConsentMethod.DATA_PAGE, now=now()
        )
        change = session.scalars(select(AddressChange)).one()
        subscription = session.get_one(Subscriber, reader_id).subscriptions[0]
        subscription.language, public_id = language, subscription.public_id
        stay = ask(session, subscription, kind=QuestionKind.STAY, answer_until=now() + timedelta(days=30), now=now())
        stay_id = stay.public_id
    gone_id = make_reader(product, email="gone@reader.example")
    with product.database.transaction() as session:
        key = product.config.suppression_key
        method = ConsentMethod.DATA_PAGE
        last = erase_reader(session, subscriber_id=gone_id, method=method, suppression_key=key, now=now())
    sign = product.link_tokens.sign
    yield f"/{language}/my-data"
    yield f"/{language}/my-data?sent"
    yield f"/{language}/my-data/x"
    yield f"/{language}/my-data/{sign('data', 'n' * 22)}"
    for name in ("", "/receipt", "/address", "/objection", "/erasure"):
        yield data + name
    yield f"{data}?done=address-move"
    yield f"/{language}/preferences/{sign('preferences', public_id)}"
    yield f"/{language}/address/{sign('address', change.public_id)}"
    yield f"/{language}/stay/{sign('stay', stay_id)}"
    yield f"/{language}/address/x"
    yield f"/{language}/address-undo/{sign('address-undo', change.public_id)}"
    yield f"/{language}/erasure/{sign('erasure', last.chain_id)}"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_pages_fit_the_screen_and_axe_finds_nothing(
    site: str, product: Product, open_page: Callable[..., Page], language: str
) -> None:
    page = open_page()
    for path in paths(product, language):
        page.goto(site + path)
        for details in page.locator("details").all():
            details.locator("summary").click()
        assert faults(page, BY_LANGUAGE[language]) == []


def tab_to(page: Page, selector: str) -> None:
    """Move the focus with the Tab key alone."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"no way to {selector} by keyboard")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_by_keyboard_and_without_script_from_the_form_to_the_proof_of_erasure(
    site: str,
    product: Product,
    open_page: Callable[..., Page],
    language: str,
) -> None:
    make_reader(product, email=LONG)
    page = open_page(java_script_enabled=True)
    page.route("**/*.js", lambda route: route.abort())
    page.goto(f"{site}/{language}/my-data")
    tab_to(page, "#email")
    page.keyboard.type(LONG)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{language}/my-data?sent=")
    with product.database.reading() as session:
        data_id = session.scalars(select(Subscriber.data_id)).one()
    page.goto(f"{site}/{language}/my-data/{product.link_tokens.sign('data', data_id or '')}")
    for act, done in (("restriction", "restricted"), ("lifting", "lifted")):
        tab_to(page, f"form[action$='/{act}'] button")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**?done={done}")
    tab_to(page, "a[href$='/erasure']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/erasure")
    assert counts(product)["subscribers"] == 1
    tab_to(page, "form[action$='/erasure'] button")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{language}/erasure/**")
    assert counts(product)["subscribers"] == 0


@pytest.mark.parametrize("language", ["fr", "en"])
def test_without_script_letters_are_paused_and_resumed(
    site: str,
    product: Product,
    open_page: Callable[..., Page],
    language: str,
) -> None:
    make_reader(product)
    with product.database.reading() as session:
        public_id = session.scalars(select(Subscriber)).one().subscriptions[0].public_id
    page = open_page(java_script_enabled=False)
    page.goto(f"{site}/{language}/preferences/{product.link_tokens.sign('preferences', public_id)}")
    page.check("input[value=day]")
    page.click("form[action$='/pause'] button")
    page.locator("[role=alert]").wait_for()
    page.fill("#until", page.get_attribute("#until", "max") or "")
    page.click("form[action$='/pause'] button")
    page.wait_for_url("**?saved=")
    page.click("form[action$='/resume'] button")
    page.wait_for_url("**?saved=")
    expect(page.locator("form[action$='/pause']")).to_be_visible()


def test_a_day_that_cannot_be_is_in_view_and_has_the_focus(
    site: str, product: Product, open_page: Callable[..., Page]
) -> None:
    make_reader(product)
    with product.database.reading() as session:
        public_id = session.scalars(select(Subscriber)).one().subscriptions[0].public_id
    page = open_page(viewport={"width": 375, "height": 700})
    page.goto(f"{site}/fr/preferences/{product.link_tokens.sign('preferences', public_id)}")
    page.check("input[value=day]")
    page.click("form[action$='/pause'] button")
    page.locator("#pause-problem").wait_for()
    expect(page.locator("#until")).to_be_focused()
    expect(page.locator("#until")).to_be_in_viewport()


def test_the_file_is_downloaded_and_not_shown(
    site: str,
    product: Product,
    open_page: Callable[..., Page],
) -> None:
    make_reader(product)
    page = open_page()
    page.goto(site + data_path(product))
    with page.expect_download() as download:
        page.click("a[download]")
    assert download.value.suggested_filename == "my-data.json"
