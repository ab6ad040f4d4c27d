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
from tests.conftest import ON_SQLITE
from tests.looks import faults
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
