"""Fixtures of the desk's tests: an admin who has signed in, and a browser."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.admins.models import Admin
from app.product import Product
from tests.web import desk

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def admin(client: FlaskClient, product: Product) -> FlaskClient:
    """The session of an admin of the desk."""
    desk.make_admin(product)
    desk.sign_in(client)
    return client


@pytest.fixture
def open_desk(open_page: "Callable[..., Page]", product: Product, site: str) -> "Iterator[Callable[..., Page]]":
    """Opens the desk in a browser of its own, for the admin of an address, who is made where there is none."""

    pages: list[Page] = []

    def open_(*, email: str = desk.EMAIL, language: str = "en", **options: object) -> "Page":
        with product.database.reading() as session:
            is_known = session.scalar(select(Admin.id).where(Admin.email == email)) is not None
        if not is_known:
            desk.make_admin(product, email=email, language=language)
        page = open_page(base_url=site, **{"locale": language, **options})
        page.goto("/admin/sign-in")
        page.locator("[name=email]").fill(email)
        page.locator("[name=password]").fill(desk.PASSWORD)
        page.locator("main form button").first.click()
        page.wait_for_url("/admin/")
        pages.append(page)
        return page

    yield open_
    for page in pages:
        if not page.is_closed():
            page.wait_for_load_state()  # what a server was still sending to a page that is gone, it would not close
        page.context.close()  # before the site: a page saves what is left as it goes
