"""What digests, extras and the desk hold while they work, readers who sign up and open letters do not wait for."""

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.digests.extras import hold_extras
from app.editions.comments import add_comment
from app.editions.draft import draft
from app.editions.embargo import set_embargo
from app.gate.starting import start_looked_at
from app.newsletters.templates import hold_newsletter
from app.product import Product
from tests.conftest import NOW, ON_POSTGRESQL
from tests.editions.press import compile_now, fill_newsroom
from tests.gate.house import look, make_edition
from tests.subscriptions.test_signup import ask

pytestmark = ON_POSTGRESQL


@pytest.mark.parametrize(
    "hold",
    [
        compile_now,
        hold_extras,
        lambda session: hold_newsletter(session, 1),
        lambda session: set_embargo(session, article_id=1, until=None, actor="ada", now=NOW),
    ],
)
def test_nobody_who_signs_up_waits_for_whoever_holds_the_newsletter(
    product: Product, hold: Callable[[Session], object]
) -> None:
    with product.database.transaction() as session:
        fill_newsroom(session)
    with product.database.transaction() as holding, product.database.transaction() as signing_up:
        hold(holding)
        signing_up.execute(text("SET LOCAL lock_timeout = '1s'"))
        ask(signing_up, product)
        signing_up.flush()


def test_a_comment_does_not_wait_for_whoever_changes_the_draft(product: Product) -> None:
    with product.database.transaction() as session:
        fill_newsroom(session)
        edition_id = compile_now(session).edition_id
        assert edition_id is not None
    with product.database.transaction() as holding, product.database.transaction() as commenting:
        draft(holding, edition_id)
        commenting.execute(text("SET LOCAL lock_timeout = '1s'"))
        add_comment(commenting, edition_id=edition_id, article_id=None, author="ada", text="?", now=NOW)


def test_an_extra_waits_for_an_edition_that_starts(product: Product) -> None:
    edition_id = make_edition(product)
    looked_at = look(product, edition_id)
    with product.database.transaction() as starting, product.database.transaction() as flashing:
        start_looked_at(starting, looked_at, actor="ada", config=product.config, now=NOW)
        flashing.execute(text("SET LOCAL lock_timeout = '200ms'"))
        with pytest.raises(OperationalError, match="lock timeout"):
            hold_extras(flashing)
        flashing.rollback()
