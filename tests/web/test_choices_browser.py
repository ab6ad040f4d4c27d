"""What to read and when, chosen in a real browser: by keyboard, without script, on a phone, and through axe."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.choices.choices import Interests, Timing
from app.choices.choosing import Chosen, choose, chosen_by
from app.choices.models import Cadence
from app.clock import now
from app.product import Product
from tests import make
from tests.conftest import ON_SQLITE
from tests.looks import BY_LANGUAGE, faults
from tests.web.visitor import only

#: One database is enough here: the rules have their tests on both.
pytestmark = [pytest.mark.slow, pytest.mark.browser, ON_SQLITE]

SAVE = {"fr": "Enregistrer ces choix", "en": "Save these choices"}
CHOSEN = Chosen(
    Interests(("fr", "en"), frozenset({"theme:espionage", "region:caucasus", "place:AZ"}), frozenset({"place:US"})),
    Timing(Cadence.WEEKLY, 18, 6, "America/Argentina/Buenos_Aires"),
)


def reader(product: Product, language: str, chosen: Chosen | None = None) -> str:
    """The path of a reader's page."""
    with product.database.transaction() as session:
        subscription = make.make_subscription(session, language=language)
        if chosen:
            choose(
                session, public_id=subscription.public_id, interests=chosen.interests, timing=chosen.timing,
                since=now(), now=now(),
            )  # fmt: skip
    return f"/{language}/preferences/{product.link_tokens.sign('preferences', subscription.public_id)}"


def stored(product: Product) -> Chosen:
    with product.database.reading() as session:
        return chosen_by(session, only(session))


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until what `selector` names has the focus."""
    for _ in range(120):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("width", [375, 1280])
def test_without_script_choices_are_made_seen_and_taken_back(
    site: str, product: Product, open_page: Callable[..., Page], width: int, language: str
) -> None:
    page = open_page(java_script_enabled=False, viewport={"width": width, "height": 800})
    page.goto(site + reader(product, language))
    assert not page.locator("[value='theme:espionage']").first.is_visible(), "250 boxes at once"
    page.locator("summary").nth(0).click()
    page.check("[name=followed][value='theme:espionage']")
    page.locator("summary").nth(1).click()
    page.check("[name=followed][value='region:caucasus']")
    page.fill("#follow-more", "Azerbaijan, Israel")
    page.check("[value=monthly]")
    page.click(f"text={SAVE[language]}")
    page.wait_for_url("**saved=choices#choices")
    followed = frozenset({"theme:espionage", "region:caucasus", "place:AZ", "place:IL"})
    assert stored(product) == Chosen(Interests(followed=followed), Timing(Cadence.MONTHLY, 7, 1, "Europe/Paris"))
    expect(page.locator("#choices ~ .notice-success")).to_be_visible()
    page.locator("summary").nth(1).click()
    page.uncheck("[name=followed][value='place:IL']")
    page.click(f"text={SAVE[language]}")
    page.wait_for_url("**saved=choices#choices")
    assert stored(product).interests.followed == followed - {"place:IL"}
    page.click("button[name=everything]")
    page.wait_for_url("**saved=choices#choices")
    assert stored(product) == Chosen(Interests(), None)


def test_fields_of_time_stand_where_they_apply(site: str, product: Product, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(site + reader(product, "fr"))
    shown = {
        "newsletter": set(), "real-time": {"hour", "timezone"}, "daily": {"hour", "timezone"},
        "weekly": {"weekday", "hour", "timezone"}, "monthly": {"monthday", "hour", "timezone"},
    }  # fmt: skip
    for cadence, fields in shown.items():
        page.check(f"[name=cadence][value={cadence}]")
        visible = {id_ for id_ in ("weekday", "monthday", "hour", "timezone") if page.locator(f"#{id_}").is_visible()}
        assert visible == fields, cadence


def test_the_day_of_a_pause_is_asked_for_only_where_it_counts(
    site: str, product: Product, open_page: Callable[..., Page]
) -> None:
    """Whoever gave one beside "a week", which is chosen to begin with, had a week."""
    page = open_page(java_script_enabled=False)
    page.goto(site + reader(product, "fr"))
    expect(page.locator("#until")).to_be_hidden()
    page.check("[name=span][value=day]")
    expect(page.locator("#until")).to_be_visible()
    page.check("[name=span][value=month]")
    expect(page.locator("#until")).to_be_hidden()


def test_by_keyboard_alone_a_mistake_is_found_and_mended(
    site: str, product: Product, open_page: Callable[..., Page]
) -> None:
    page = open_page(viewport={"width": 375, "height": 700})
    page.goto(site + reader(product, "fr"))
    tab_to(page, "[name=also_reads]")
    page.keyboard.press("Space")
    tab_to(page, ".fold:nth-of-type(2) summary")
    page.keyboard.press("Enter")
    tab_to(page, "#follow-more")
    page.keyboard.type("Azerbaijam")
    tab_to(page, "[name=cadence]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    tab_to(page, "#timezone")
    page.keyboard.press("Enter")
    page.wait_for_url("**/choices#choices")
    assert page.locator(".notice-error").bounding_box()["y"] < 500, "what is wrong is on the screen"  # type: ignore[index]
    tab_to(page, ".notice-error a")
    page.keyboard.press("Enter")
    expect(page.locator("#follow-more")).to_be_focused()
    assert page.input_value("#follow-more") == "Azerbaijam"
    page.keyboard.press("End")
    page.keyboard.press("Backspace")
    page.keyboard.type("n")
    page.keyboard.press("Enter")
    page.wait_for_url("**saved=choices#choices")
    assert stored(product) == Chosen(
        Interests(("fr", "en"), frozenset({"place:AZ"})), Timing(Cadence.DAILY, 7, 0, "Europe/Paris")
    )


def test_what_is_chosen_with_the_sign_up_fits_the_screen(site: str, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(f"{site}/fr/")
    for summary in page.locator("summary").all():
        summary.click()
    page.check("[value=weekly]")
    assert faults(page) == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_form_fits_the_screen_and_axe_finds_nothing(
    site: str, product: Product, open_page: Callable[..., Page], language: str
) -> None:
    page = open_page()
    page.goto(site + reader(product, language, CHOSEN))
    for step in ("as it was chosen", "unfolded", "refused"):
        if step == "unfolded":
            for summary in page.locator("summary").all():
                summary.click()
        elif step == "refused":
            page.fill("#mute-more", "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch")
            page.fill("#timezone", "Europe/Nowhere")
            page.click(f"text={SAVE[language]}")
            page.wait_for_url("**/choices#choices")
        assert faults(page, BY_LANGUAGE[language]) == [], step
    small = page.evaluate(
        "[...document.querySelectorAll('#choices ~ form label.choice, summary, select, .input')]"
        ".filter((e) => e.offsetHeight && e.offsetHeight < 44).map((e) => e.outerHTML)"
    )
    assert small == [], "too small for a finger"
