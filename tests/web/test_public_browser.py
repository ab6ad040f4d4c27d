"""The public pages in a real browser: by gesture, by keyboard, without script, on a small screen, and through axe."""

import time
from collections.abc import Callable

import pytest
from flask import Response
from playwright.sync_api import Page, expect

from app.clock import now
from app.product import Product
from app.subscriptions.kinds import ConsentKind, SubscriptionStatus
from app.subscriptions.records import ConsentEvent
from tests import make
from tests.conftest import NOW, ON_SQLITE
from tests.looks import faults
from tests.web.visitor import only
from tests.web_server import served

#: One database is enough here: the rules have their tests on both.
pytestmark = [pytest.mark.slow, pytest.mark.browser, ON_SQLITE]


def confirm_path(product: Product, *, by_admin: bool = False) -> str:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, status=SubscriptionStatus.PENDING, at=now())
        if not by_admin:
            make.make_request(session, subscription)
    assert subscription.confirmation_id
    return f"/fr/confirm/{product.link_tokens.sign('confirm', subscription.confirmation_id)}"


def status(product: Product) -> SubscriptionStatus:
    with product.database.reading() as session:
        return only(session).status


def confirmations(product: Product) -> int:
    with product.database.reading() as session:
        return session.query(ConsentEvent).filter(ConsentEvent.kind == ConsentKind.CONFIRMED).count()


GESTURES: dict[str, Callable[[Page], None]] = {
    "a click anywhere": lambda page: page.mouse.click(5, 400),
    "a click on the button": lambda page: page.click("button"),
    "a double click on the button": lambda page: page.dblclick("button", no_wait_after=True),
    "a key": lambda page: page.keyboard.press("a"),
    "the space bar on the button": lambda page: page.focus("button") or page.keyboard.press("Space"),  # type: ignore[func-returns-value]
    "Enter on the button": lambda page: page.focus("button") or page.keyboard.press("Enter"),  # type: ignore[func-returns-value]
}


@pytest.mark.parametrize("gesture", GESTURES)
def test_the_first_human_gesture_confirms_once(
    site: str, product: Product, open_page: Callable[..., Page], gesture: str
) -> None:
    page = open_page()
    page.goto(site + confirm_path(product))
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    GESTURES[gesture](page)
    page.wait_for_url("**/fr/preferences/**")
    expect(page.locator(".notice-success")).to_be_visible()
    assert status(product) is SubscriptionStatus.CONFIRMED
    assert (len(posts), confirmations(product)) == (1, 1)


def test_a_touch_confirms(site: str, product: Product, open_page: Callable[..., Page]) -> None:
    page = open_page(has_touch=True, viewport={"width": 375, "height": 700})
    page.goto(site + confirm_path(product))
    page.touchscreen.tap(200, 600)
    page.wait_for_url("**/fr/preferences/**")
    assert status(product) is SubscriptionStatus.CONFIRMED


def test_a_reader_whom_an_admin_added_can_read_the_policy_first_and_confirms_by_the_button_alone(
    site: str, product: Product, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    page.goto(site + confirm_path(product, by_admin=True))
    with page.expect_popup() as policy:
        page.click("#statement a")
    policy.value.wait_for_url("**/fr/privacy")
    assert status(product) is SubscriptionStatus.PENDING
    page.mouse.click(5, 400)
    page.keyboard.press("a")
    page.wait_for_timeout(300)
    assert status(product) is SubscriptionStatus.PENDING, "they have yet to say that they read it"
    page.click("button")
    page.wait_for_url("**/fr/preferences/**")
    with product.database.reading() as session:
        assert session.query(ConsentEvent).one().wording_id


SCROLLING_KEYS = ("Space", "PageDown", "PageUp", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "End", "Home")
SCANNERS: dict[str, Callable[[Page], None]] = {
    "waiting": lambda page: page.wait_for_timeout(1_500),
    "events made by script": lambda page: page.evaluate(
        """() => ["pointerdown", "touchstart", "click", "keydown", "mousedown", "focus", "scroll"].forEach((name) => {
             document.body.dispatchEvent(new Event(name, {bubbles: true}));
             document.dispatchEvent(new KeyboardEvent(name, {key: "Enter", bubbles: true})); })"""
    ),
    "moving and scrolling": lambda page: (page.mouse.move(9, 9), page.mouse.wheel(0, 300))[-1],
    "keys that scroll": lambda page: [page.keyboard.press(key) for key in SCROLLING_KEYS][-1],
    "tab and shift": lambda page: [page.keyboard.press(key) for key in ("Tab", "Shift", "Shift+Tab", "Alt")][-1],
    "the browser's own shortcut": lambda page: page.keyboard.press("Control+a"),
    "the right button": lambda page: page.mouse.click(5, 400, button="right"),
    "coming back later": lambda page: (page.reload(), page.go_back(), page.wait_for_timeout(300))[-1],
}  # fmt: skip


@pytest.mark.parametrize("scanner", SCANNERS)
def test_what_is_no_human_gesture_confirms_nobody(
    site: str, product: Product, open_page: Callable[..., Page], scanner: str
) -> None:
    page = open_page()
    page.goto(site + confirm_path(product))
    SCANNERS[scanner](page)
    page.wait_for_timeout(300)
    assert status(product) is SubscriptionStatus.PENDING


def test_a_finger_that_scrolls_confirms_nobody(site: str, product: Product, open_page: Callable[..., Page]) -> None:
    page = open_page(has_touch=True, viewport={"width": 375, "height": 300})
    page.goto(site + confirm_path(product))
    finger = page.context.new_cdp_session(page)
    for kind, points in [("Start", [250]), *(("Move", [y]) for y in range(230, 60, -20)), ("End", [])]:
        finger.send(
            "Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": [{"x": 200, "y": y} for y in points]}
        )
    page.wait_for_function("window.scrollY > 0")
    page.wait_for_timeout(300)
    assert status(product) is SubscriptionStatus.PENDING


def test_a_press_on_a_link_goes_there_and_confirms_nothing(
    site: str, product: Product, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    page.goto(site + confirm_path(product))
    page.click("text=Annuler la demande")
    page.wait_for_url("**/fr/unsubscribe/**")
    assert status(product) is SubscriptionStatus.PENDING


def test_by_keyboard_alone_from_the_form_to_leaving(
    site: str, product: Product, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    page.goto(f"{site}/fr/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(20):
        if page.evaluate("document.activeElement.id") == "email":
            break
        page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.type("alice@reader.example")
    time.sleep(2)
    page.keyboard.press("Enter")
    page.wait_for_url("**/fr/check-your-mail")
    with product.database.reading() as session:
        subscription = only(session)
        assert subscription.confirmation_id
        token = product.link_tokens.sign("confirm", subscription.confirmation_id)
    page.goto(f"{site}/fr/confirm/{token}")
    while page.evaluate("document.activeElement.tagName") != "BUTTON":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/fr/preferences/**")
    while not page.evaluate("document.activeElement.matches('form[action*=unsubscribe] button')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/fr/unsubscribe/**")
    assert status(product) is SubscriptionStatus.UNSUBSCRIBED


@pytest.mark.parametrize("language", ["fr", "en"])
def test_without_script_everything_works(
    site: str, product: Product, open_page: Callable[..., Page], language: str
) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(f"{site}/{language}/")
    page.fill("#email", "alice@gmial.com")
    time.sleep(2)
    page.keyboard.press("Enter")
    page.click("button[name=suggested]")
    page.wait_for_url("**/check-your-mail")
    with product.database.reading() as session:
        subscription = only(session)
        assert subscription.subscriber.email == "alice@gmail.com"
        assert subscription.confirmation_id
        token = product.link_tokens.sign("confirm", subscription.confirmation_id)
    page.goto(f"{site}/{language}/confirm/{token}")
    page.click("button")
    page.wait_for_url(f"**/{language}/preferences/**")
    assert status(product) is SubscriptionStatus.CONFIRMED


def test_the_form_works_in_a_frame_of_another_site(site: str, product: Product, open_page: Callable[..., Page]) -> None:
    article = f'<!doctype html><link rel="icon" href="data:,"><iframe src="{site}/fr/embed"></iframe>'
    with served(Response(article, content_type="text/html")) as newspaper:
        page = open_page()
        page.goto(newspaper.replace("127.0.0.1", "localhost"))
        frame = page.frame_locator("iframe")
        frame.locator("#email").fill("alice@reader.example")
        page.wait_for_timeout(2_100)
        frame.locator("#email").press("Enter")
        frame.locator("text=Regardez votre boîte").wait_for()
        assert status(product) is SubscriptionStatus.PENDING


def test_pages_fit_the_screen_and_axe_finds_nothing(
    site: str, product: Product, open_page: Callable[..., Page]
) -> None:
    with product.database.transaction() as session:
        reader = make.make_subscription(session, email="a.very.long.name@a-very-long-domain.reader.example", at=NOW)
    confirm = confirm_path(product, by_admin=True)
    paths = [
        "/fr/", "/en/", "/fr/embed", "/fr/check-your-mail", "/fr/privacy", "/en/legal", "/fr/nowhere", "/fr/confirm/x",
        confirm, "/fr/unsubscribe/x", f"/fr/unsubscribe/{product.link_tokens.sign('unsubscribe', reader.public_id)}",
        f"/en/preferences/{product.link_tokens.sign('preferences', reader.public_id)}?welcome",
        f"/en/preferences/{product.link_tokens.sign('preferences', 'a' * 22)}",
    ]  # fmt: skip
    page = open_page()
    for path in paths:
        page.goto(site + path)
        assert faults(page) == []
