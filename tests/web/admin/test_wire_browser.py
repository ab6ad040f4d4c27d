"""The wire in a real browser: by keys alone, without script, and in all its looks."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.articles.models import Article
from app.clock import now
from app.product import Product
from app.stories.grouping import group_new
from app.stories.models import Story
from app.topics.classifying import classify_articles
from app.topics.taxonomy import load
from tests.conftest import ON_SQLITE
from tests.looks import faults
from tests.stories.wire import BREACH, BREACH_FR, BREACH_TOLD_ANEW, RESULTS, STORM, file_article

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser, ON_SQLITE]

LONG = (
    "Cyberattaque contre l’interconnexion électrique franco-espagnole : l’anticonstitutionnalité des contre-mesures"
    " gouvernementales interministérielles devant le Conseil d’État",
    "Une décision très attendue des administrations.",
)
HOUR = timedelta(hours=1)


@pytest.fixture
def open_wire(open_desk: "Callable[..., Page]", product: Product) -> "Callable[..., Page]":
    """Opens the desk for an editor with four stories on the wire: a breach, results, a long title, a storm."""
    with product.database.transaction() as session:
        for number, text in enumerate((BREACH, BREACH_TOLD_ANEW)):
            file_article(session, text, f"c{number}", at=now() - HOUR, body=f"{text[1]}\n\nA second paragraph.")
        file_article(session, BREACH_FR, "d", at=now() - HOUR, language="fr")
        for number, text in enumerate((RESULTS, LONG, STORM), start=3):
            language = "fr" if text == LONG else "en"
            file_article(session, text, f"n{number}", at=now() - number * HOUR, language=language)
    group_new(product.database, load(), now=now())
    classify_articles(product.database, load(), now=now())

    def open_(**options: object) -> "Page":
        page = open_desk(**options)
        page.goto("/admin/articles")
        return page

    return open_


def story(product: Product, text: tuple[str, str]) -> Story:
    with product.database.reading() as session:
        return session.scalars(select(Story).join(Article).where(Article.title == text[0])).one()


def test_the_wire_is_worked_by_keys_alone(open_wire: "Callable[..., Page]", product: Product) -> None:
    page = open_wire()
    keys = page.keyboard
    keys.press("j")
    focused = page.locator("[data-story]:focus")
    expect(focused).to_contain_text(BREACH[0])
    keys.press("e")
    expect(focused.locator(".reading")).to_contain_text("A second paragraph.")
    expect(focused.get_by_role("link", name="Read").first).to_have_attribute("aria-expanded", "true")
    keys.press("e")
    expect(focused.locator(".reading")).to_have_count(0)
    keys.press("j")
    keys.press("p")
    expect(page.get_by_role("status")).to_contain_text("The story is pinned")
    expect(focused).to_contain_text(RESULTS[0])
    assert story(product, RESULTS).pinned_at is not None
    keys.press("u")
    expect(page.get_by_role("status")).to_contain_text("It is as it was")
    assert story(product, RESULTS).pinned_at is None
    keys.press("x")
    keys.press("k")
    keys.press("x")
    page.get_by_role("button", name="Merge the selected stories").press("Enter")
    expect(page.locator(".story")).to_have_count(3)
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator(".story")).to_have_count(4)
    keys.press("/")
    keys.type("jpxm?")
    expect(page.locator("#q")).to_have_value("jpxm?")
    assert story(product, BREACH).muted_at is None


def test_a_key_that_is_held_down_acts_once_and_walks_on(open_wire: "Callable[..., Page]") -> None:
    page = open_wire()
    keys, focused = page.keyboard, page.locator("[data-story]:focus")
    for _ in range(2):  # a second one without the key let go is what a keyboard repeats
        keys.down("j")
    expect(focused).to_contain_text(RESULTS[0])
    keys.up("j")
    for _ in range(2):
        keys.down("x")
    expect(page.get_by_role("checkbox", name=f"Select: {RESULTS[0]}")).to_be_checked()


def test_a_story_in_focus_stands_clear_of_the_bar_for_merging(open_wire: "Callable[..., Page]") -> None:
    page = open_wire()
    page.set_viewport_size({"width": 1280, "height": 420})
    page.locator(".story-choice").first.check()
    bar = page.locator(".chosen")
    for _ in range(4):
        page.keyboard.press("j")
        focused, edge = page.locator("[data-story]:focus").bounding_box(), bar.bounding_box()
        assert focused
        assert edge
        assert min(focused["y"] + focused["height"], 420) <= edge["y"] or focused["height"] > 420 - edge["height"]


def test_keys_are_explained_and_can_be_turned_off(open_wire: "Callable[..., Page]") -> None:
    page = open_wire()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    dialog.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.reload()
    page.keyboard.press("j")
    expect(page.locator("[data-story]:focus")).to_have_count(0)
    page.get_by_role("button", name="All keys").click()
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Close").click()
    page.keyboard.press("j")
    expect(page.locator("[data-story]:focus")).to_have_count(1)


def test_topics_and_embargoes_are_set_in_place(open_wire: "Callable[..., Page]", product: Product) -> None:
    page = open_wire()
    row = page.locator(".story").filter(has_text=STORM[0])
    row.get_by_text("Add a topic").click()
    row.get_by_role("combobox").fill("Finland")
    row.get_by_role("button", name="Add", exact=True).click()
    row.get_by_role("button", name="Take away: Finland").click()
    expect(row.get_by_role("button", name="Take away: Finland")).to_have_count(0)
    row.get_by_role("link", name="Read").click()
    row.get_by_label("Keep back until").fill("2099-01-01T06:00")
    row.get_by_role("button", name="Set the embargo").click()
    expect(row.get_by_role("button", name="Let it go now")).to_be_visible()
    expect(row.locator(".marks")).to_contain_text("Kept back until")
    assert page.url.endswith("/admin/articles")


def test_without_script_the_same_acts_lead_back_to_the_wire(open_wire: "Callable[..., Page]", product: Product) -> None:
    page = open_wire(java_script_enabled=False)
    row = page.locator(".story").filter(has_text=STORM[0])
    row.get_by_role("button", name="Mute").click()
    expect(page.locator(".note")).to_contain_text("The story is muted")
    page.get_by_role("button", name="Undo").click()
    expect(row).to_have_count(1)
    row.get_by_role("checkbox").first.check()
    page.locator(".story").filter(has_text=RESULTS[0]).get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Merge the selected stories").click()
    expect(page.locator(".story")).to_have_count(3)
    assert story(product, STORM).id == story(product, RESULTS).id


def test_an_article_is_written_with_a_preview_beside_it(open_wire: "Callable[..., Page]") -> None:
    page = open_wire()
    page.get_by_role("link", name="Write an article").click()
    page.get_by_label("Title").fill("Un câble coupé au large de la Lettonie")
    page.get_by_label("Language").select_option("fr")
    page.get_by_label("Text", exact=True).fill("## Les faits\n\nLe câble est **coupé**.")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("checkbox", name="Latvia")).to_be_checked()
    expect(page.get_by_label("Title")).to_have_value("Un câble coupé au large de la Lettonie")
    assert faults(page) == []
    page.get_by_role("button", name="Put it on the wire").click()
    expect(page.locator(".notice-success")).to_contain_text("on the wire")


def test_the_wire_looks_right_with_long_words(open_wire: "Callable[..., Page]") -> None:
    page = open_wire(language="fr")
    page.locator(".story").filter(has_text=LONG[0][:40]).locator('[data-key="p"]').click()
    expect(page.locator(".marks").filter(has_text="Épinglé")).to_have_count(1)
    page.locator(".story-more summary").first.click()
    page.locator("[data-read]").first.click()
    expect(page.locator(".panel .reading")).to_have_count(1)
    assert faults(page) == []
