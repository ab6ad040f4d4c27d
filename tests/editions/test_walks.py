"""No list of editions, and no look at what is due, walks over the thousands of variants that a digest may have."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.digests.schedule import _automatic_drafts
from app.editions.archive import listed_addresses, newest_editions, past_editions
from app.editions.audience import finish_editions
from app.editions.clearing import letters_before
from app.editions.clippings import file_editions
from app.editions.compile import new_articles
from app.editions.lines import Line, end_of_last_window
from app.product import Product
from tests.conftest import NOW, ON_SQLITE
from tests.make import newsletter
from tests.statements import plans

#: SQLite chooses its way by rules alone; PostgreSQL by what the tables hold.
pytestmark = ON_SQLITE

WEEK = timedelta(days=7)
LISTS: dict[str, tuple[str, Callable[[Session], object]]] = {
    "archive": ("whole", lambda s: past_editions(s, newsletter_id=1, language="fr", length=50, now=NOW)),
    "feed": ("whole", lambda s: newest_editions(s, newsletter_id=1, language="fr", length=20, now=NOW)),
    "sitemap": ("whole", lambda s: listed_addresses(s, language="fr", length=20_000, now=NOW)),
    "filing": ("unfiled", lambda s: file_editions(s, now=NOW)),
    "ending": ("under_way", lambda s: finish_editions(s, now=NOW)),
    "starting": ("under_way", lambda s: s.scalars(_automatic_drafts(NOW)).all()),
    "clearing": ("uncleared", lambda s: s.execute(letters_before(NOW)).all()),
    "compiling": ("line", lambda s: s.scalars(new_articles(
        Line(newsletter(s).id, "fr"), since=NOW - WEEK, until=NOW, now=NOW, limit=30)).all()),
    "window": ("", lambda s: end_of_last_window(s, Line(newsletter(s).id, "fr"))),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_editions_are_found_by_an_index_without_variants(product: Product, name: str) -> None:
    index, look = LISTS[name]
    with product.database.transaction() as session, plans(product.database) as steps:
        look(session)
    walks = [step for step in steps if " editions" in step and not step.endswith("rowid=?)")]  # that finds one row
    assert all(f"SEARCH editions USING INDEX ix_editions_{index} " in step.replace("COVERING ", "") for step in walks)
    assert bool(walks) == bool(index)
