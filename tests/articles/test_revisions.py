"""What a feed says anew of an article: the newer text counts, and the one it replaced is noted."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.arrival import store_entries
from app.articles.entries import Entry
from app.articles.models import Article, ArticleRevision
from app.articles.revisions import NOTED_MAX, text_hash
from app.product import Product
from tests.conftest import NOW
from tests.editions.press import make_feed

HOUR = timedelta(hours=1)


def say(session: Session, title: str, body: str, *, hours: int = 0, guid: str = "a") -> int:
    """Have the feed say it; return how many articles that revised."""
    known = session.scalars(select(Article)).first()
    feed = known.source if known else make_feed(session)
    assert feed is not None
    entry = Entry(guid, "https://detroit.example/a", title, body, body)
    return store_entries(session, source=feed, entries=[entry], now=NOW + hours * HOUR).revised


def test_the_newer_text_is_kept_and_the_older_one_noted(product: Product) -> None:
    with product.database.transaction() as session:
        assert say(session, "Le port ferme", "Trois navires attendent.") == 0
        assert say(session, "Le port a fermé", "Trois navires attendent.", hours=1) == 1
        assert say(session, "Le port a fermé", "Deux navires attendent.", hours=2, guid="other id, same page") == 1
        article = session.scalars(select(Article)).one()
        assert (article.title, article.body, article.revision) == ("Le port a fermé", "Deux navires attendent.", 3)
        assert article.added_at == NOW
        noted = session.scalars(select(ArticleRevision).order_by(ArticleRevision.revision)).all()
        assert [(each.revision, each.title, each.at) for each in noted] == [
            (1, "Le port ferme", NOW + HOUR),
            (2, "Le port a fermé", NOW + 2 * HOUR),
        ]
        assert noted[0].text_hash == text_hash("Le port ferme", "Trois navires attendent.")


def test_blanks_capitals_and_commas_are_no_revision(product: Product) -> None:
    with product.database.transaction() as session:
        say(session, "Le port ferme", "Trois navires attendent.")
        assert say(session, "Le Port  ferme !", "Trois navires, attendent", hours=1) == 0
        assert session.scalars(select(Article)).one().title == "Le port ferme"


def test_an_article_from_before_revisions_were_counted_is_compared_with_its_text(product: Product) -> None:
    with product.database.transaction() as session:
        say(session, "Le port ferme", "Trois navires attendent.")
        session.scalars(select(Article)).one().text_hash = None
        session.flush()
        assert say(session, "Le port ferme", "Trois navires attendent.", hours=1) == 0
        assert say(session, "Le port rouvre", "Trois navires attendent.", hours=2) == 1


def test_another_source_with_the_same_page_revises_nothing(product: Product) -> None:
    with product.database.transaction() as session:
        say(session, "Le port ferme", "Trois navires attendent.")
        other = Entry("x", "https://detroit.example/a", "Port closed", "Ships wait.", "Ships wait.")
        arrival = store_entries(session, source=make_feed(session, "The Strait"), entries=[other], now=NOW + HOUR)
        assert (arrival.new, arrival.revised) == (0, 0)


def test_a_feed_that_writes_the_hour_into_its_texts_fills_no_table(product: Product) -> None:
    with product.database.transaction() as session:
        for turn in range(NOTED_MAX + 5):
            say(session, "Le port ferme", f"Il y a {turn} heures.", hours=turn)
        assert session.scalars(select(Article)).one().revision == NOTED_MAX + 5
        assert len(session.scalars(select(ArticleRevision)).all()) == NOTED_MAX
