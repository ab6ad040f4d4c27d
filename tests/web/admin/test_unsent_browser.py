"""A session that ends while somebody writes, in a real browser: what they wrote gets where it was to go."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from app.admins.models import AdminSession
from app.articles.models import Article
from app.clock import now
from app.product import Product
from app.stories.grouping import group_new
from app.topics.taxonomy import load
from tests.conftest import ON_SQLITE
from tests.looks import faults
from tests.stories.wire import BREACH, RESULTS, file_article
from tests.web import desk

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser, ON_SQLITE]

TEXT = '## Les faits\n\nLe câble est **coupé** ; « tout » va < bien & l’île "attend".\n\n- un\n- deux'


def end_sessions(product: Product) -> None:
    with product.database.transaction() as session:
        session.execute(sa.update(AdminSession).values(ended_at=now()))


def sign_in_beside(page: "Page", link: str) -> None:
    """Follow the link to the sign-in, and come back to the page, which has stayed."""
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=link).click()
    tab = opened.value
    tab.locator("[name=email]").fill(desk.EMAIL)
    tab.locator("[name=password]").fill(desk.PASSWORD)
    tab.locator("main form button").first.click()
    tab.wait_for_url("**/admin/?note=signed-in")
    expect(tab.get_by_role("status")).to_be_visible()
    tab.wait_for_load_state()
    tab.close()


@pytest.mark.parametrize("with_script", [True, False])
def test_an_article_half_written_gets_onto_the_wire(
    open_desk: "Callable[..., Page]", product: Product, with_script: bool
) -> None:
    page = open_desk(language="fr", java_script_enabled=with_script)
    page.goto("/admin/articles/new")
    page.get_by_label("Titre").fill("Un câble coupé")
    page.get_by_label("Texte", exact=True).fill(TEXT)
    end_sessions(product)
    page.get_by_role("button", name="Le mettre sur le fil").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre session a pris fin")
    expect(page.get_by_role("region", name="Ce que vous avez saisi")).to_contain_text("Les faits")
    page.get_by_role("button", name="Renvoyer").click()  # too early: it stays
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre session a pris fin")
    if with_script:
        assert faults(page) == []
    sign_in_beside(page, "Reconnectez-vous")
    page.get_by_role("button", name="Renvoyer").click()
    page.wait_for_url("**note=article-added")
    with product.database.reading() as session:
        (article,) = session.scalars(sa.select(Article))
    assert (article.title, article.markdown) == ("Un câble coupé", TEXT)


def test_a_draft_saves_itself_again_once_somebody_is_signed_in(
    open_desk: "Callable[..., Page]", product: Product
) -> None:
    page = open_desk()
    draft = desk.make_draft(product, readers=0)
    page.goto(f"/admin/editions/{draft}")
    end_sessions(product)
    page.get_by_label("Subject").fill("Une semaine sous la mer")
    page.get_by_label("Introduction", exact=True).fill("*Bonjour*")
    told = page.get_by_role("alert")
    expect(told).to_contain_text("Your session has ended; nothing of what you typed is lost.")
    expect(told).to_be_in_viewport()
    assert faults(page) == []
    sign_in_beside(page, "Sign in in a new tab")
    page.get_by_label("Preheader").press_sequentially(" et plus")
    expect(page.locator("#saved")).to_contain_text("Version 1")
    expect(told).to_have_count(0)
    saved = desk.edition(product, draft)
    assert (saved.subject, saved.introduction) == ("Une semaine sous la mer", "*Bonjour*")


def test_the_button_of_a_draft_leads_to_the_page_that_keeps_what_was_not_saved(
    open_desk: "Callable[..., Page]", product: Product
) -> None:
    page = open_desk()
    draft = desk.make_draft(product, readers=0)
    page.goto(f"/admin/editions/{draft}")
    end_sessions(product)
    page.get_by_label("Subject").fill("Une semaine sous la mer")
    page.get_by_role("button", name="Save the texts").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your session has ended")
    sign_in_beside(page, "Sign in in a new tab")
    page.get_by_role("button", name="Send it again").click()
    page.wait_for_url(f"**/admin/editions/{draft}?note=texts**")
    assert desk.edition(product, draft).subject == "Une semaine sous la mer"


def test_a_preview_that_nobody_may_ask_for_leaves_the_sheet_as_it_is(
    open_desk: "Callable[..., Page]", product: Product
) -> None:
    page = open_desk()
    page.goto("/admin/articles/new")
    page.get_by_label("Text", exact=True).fill(TEXT)
    end_sessions(product)
    page.get_by_role("button", name="Preview").click()
    told = page.get_by_role("alert")
    expect(told).to_contain_text("Your session has ended")
    expect(page.get_by_label("Text", exact=True)).to_have_value(TEXT)
    sign_in_beside(page, "Sign in in a new tab")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("Les faits")
    expect(told).to_have_count(0)


def test_the_wire_goes_on_with_what_was_ticked(open_desk: "Callable[..., Page]", product: Product) -> None:
    with product.database.transaction() as session:
        for number, text in enumerate((BREACH, RESULTS)):
            file_article(session, text, f"n{number}", at=now(), language="en")
    group_new(product.database, load(), now=now())
    page = open_desk()
    page.goto("/admin/articles")
    for box in page.locator(".story-choice").all():
        box.check()
    end_sessions(product)
    page.get_by_role("button", name="Merge the selected stories").click()
    told = page.get_by_role("alert")
    expect(told).to_contain_text("Your session has ended")
    assert faults(page) == []
    sign_in_beside(page, "Sign in in a new tab")
    page.get_by_role("button", name="Merge the selected stories").click()
    expect(page.get_by_role("status")).to_contain_text("The stories are one")
    expect(told).to_have_count(0)
    expect(page.locator(".story")).to_have_count(1)
