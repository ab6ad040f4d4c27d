"""The stories of a window are found by indexes, however many articles there ever were."""

from datetime import timedelta

from app.digests.offers import read_offers
from app.product import Product
from app.stories.models import Story
from app.topics.taxonomy import load
from tests.conftest import NOW, ON_SQLITE
from tests.make import make_article
from tests.statements import plans

DAY = timedelta(days=1)


def test_a_story_is_offered_whole_of_which_something_arrived_or_was_let_go(product: Product) -> None:
    with product.database.transaction() as session:
        session.add(Story(first_at=NOW, last_at=NOW, ranks_at=NOW, languages={"fr": 2}))
        session.flush()
        old, new, alone, held, _ = (
            make_article(session, title=title, link=f"https://wire.example/{title}", added_at=NOW - days * DAY)
            for title, days in (("old", 5), ("new", 0.5), ("alone", 0.5), ("held", 5), ("past", 5))
        )
        old.story_id = new.story_id = 1
        held.embargo_until = NOW - 0.5 * DAY
        session.flush()
        offers = read_offers(session, load(), since=NOW - DAY, until=NOW)
        found = {offer.standing.story_id: {piece.article_id for piece in offer.pieces} for offer in offers}
        assert found == {1: {old.id, new.id}, -alone.id: {alone.id}, -held.id: {held.id}}


@ON_SQLITE
def test_no_offers_take_a_walk_through_all_articles(product: Product) -> None:
    with product.database.reading() as session, plans(product.database) as steps:
        read_offers(session, load(), since=NOW - DAY, until=NOW)
    assert any("ix_articles_arrival" in step for step in steps)
    assert not [step for step in steps if step.startswith("SCAN articles")]
