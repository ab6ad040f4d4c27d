"""Feeds that suddenly bring what is unlike them: nothing of it leaves until an editor has looked."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.arrival import Arrival, store_entries
from app.articles.entries import Entry
from app.articles.floods import held_floods, let_through, refuse, titles_of
from app.articles.models import Article, Flood, FloodReason, FloodState, may_leave
from app.errors import NotFound, TransitionRefused
from app.product import Product
from tests.conftest import NOW, ON_POSTGRESQL
from tests.editions.press import compile_now, make_feed

DAY = timedelta(days=1)


def entry(name: str, published: datetime, *, title: str | None = None) -> Entry:
    link = f"https://detroit.example/{name}"
    return Entry(name, link, title or f"Titre {name}", f"Texte {name}.", f"Texte {name}.", published)


def bring(
    session: Session, names: Iterable[str], *, now: datetime = NOW, age: timedelta = timedelta(), **more
) -> Arrival:
    source = session.scalars(select(Article.source_id)).first()
    feed = make_feed(session) if source is None else session.get_one(Article, 1).source
    assert feed is not None
    return store_entries(session, source=feed, entries=[entry(name, now - age, **more) for name in names], now=now)


def with_history(session: Session, *, daily: int = 2, days: int = 14) -> None:
    """A feed that has brought a few articles a day for two weeks, up to yesterday."""
    for back in range(days, 0, -1):
        names = [f"old-{back}-{number}" for number in range(daily)]
        assert bring(session, names, now=NOW - back * DAY).held == 0


def leaving(session: Session) -> int:
    return len(session.scalars(select(Article.id).where(may_leave(NOW), Article.added_at == NOW)).all())


def numbered(tag: str, number: int) -> list[str]:
    return [f"{tag}-{n}" for n in range(number)]


def reasons(session: Session) -> list[tuple[FloodReason, int]]:
    return [(flood.reason, flood.number) for flood in session.scalars(held_floods())]


def test_a_first_reading_is_no_flood_however_long(product: Product) -> None:
    with product.database.transaction() as session:
        assert bring(session, numbered("a", 300)) == Arrival(new=300)


@pytest.mark.parametrize("number", [1, 4, 8, 20])
def test_a_busy_day_is_no_flood(number, product: Product) -> None:
    with product.database.transaction() as session:
        with_history(session)
        assert bring(session, numbered("new", number)) == Arrival(new=number)


def test_far_more_than_ever_is_held_and_shown(product: Product) -> None:
    with product.database.transaction() as session:
        with_history(session)
        assert bring(session, numbered("new", 40)) == Arrival(new=40, held=40)
        assert leaving(session) == 0
        assert reasons(session) == [(FloodReason.SURGE, 40)]
        [flood] = session.scalars(held_floods())
        assert len(titles_of(session, flood.id, limit=3)) == 3


def test_a_feed_that_was_silent_for_days_may_bring_them_all(product: Product) -> None:
    with product.database.transaction() as session:
        with_history(session, daily=10)
        assert bring(session, numbered("new", 70), now=NOW + DAY).held == 0


def test_an_archive_brought_out_again_is_held(product: Product) -> None:
    with product.database.transaction() as session:
        with_history(session)
        assert bring(session, numbered("archive", 6), age=90 * DAY).held == 6
        assert reasons(session) == [(FloodReason.ARCHIVE, 6)]


def test_new_ids_and_links_for_known_articles_are_held(product: Product) -> None:
    with product.database.transaction() as session:
        with_history(session)
        entries = [entry(f"moved-{n}", NOW - n * DAY, title=f"Titre old-{n}-0") for n in range(1, 7)]
        feed = session.get_one(Article, 1).source
        assert feed is not None
        assert store_entries(session, source=feed, entries=entries, now=NOW).held == 6
        assert reasons(session) == [(FloodReason.NEW_IDS, 6)]


def test_ids_that_change_at_each_fetch_ask_the_editor_once(product: Product) -> None:
    with product.database.transaction() as session:
        with_history(session)
        feed = session.get_one(Article, 1).source
        assert feed is not None
        for turn in range(3):
            entries = [entry(f"{turn}-{n}", NOW, title=f"Titre old-{n}-0") for n in range(1, 7)]
            store_entries(session, source=feed, entries=entries, now=NOW + turn * timedelta(hours=1))
            if turn == 1:
                refuse(session, flood_id=session.scalars(held_floods()).one().id, now=NOW + timedelta(hours=1))
        [flood] = session.scalars(select(Flood))
        assert (flood.state, flood.number) == (FloodState.REFUSED, 18)
        assert leaving(session) == 0


def test_what_is_let_through_is_new_to_the_next_digest(product: Product) -> None:
    with product.database.transaction() as session:
        with_history(session)
        compile_now(session, now=NOW - timedelta(hours=1))
        bring(session, numbered("new", 40))
        assert compile_now(session).edition_id is None
        [flood] = session.scalars(held_floods())
        later = NOW + 3 * DAY
        assert let_through(session, flood_id=flood.id, now=later) == 40
        assert compile_now(session, now=later + DAY).edition_id is not None
        with pytest.raises(TransitionRefused):
            let_through(session, flood_id=flood.id, now=later)


def test_what_is_refused_stays_out_and_never_comes_in_again(product: Product) -> None:
    with product.database.transaction() as session:
        with_history(session)
        bring(session, numbered("new", 40))
        [flood] = session.scalars(held_floods())
        refuse(session, flood_id=flood.id, now=NOW)
        assert bring(session, numbered("new", 40), now=NOW + DAY) == Arrival()
        assert leaving(session) == 0
        with pytest.raises(TransitionRefused):
            refuse(session, flood_id=flood.id, now=NOW)
        assert let_through(session, flood_id=flood.id, now=NOW) == 40


def test_the_next_articles_of_a_feed_that_is_held_come_in(product: Product) -> None:
    with product.database.transaction() as session:
        with_history(session)
        bring(session, numbered("new", 40))
        assert bring(session, ["fresh"], now=NOW + timedelta(hours=1)) == Arrival(new=1)


def test_a_flood_that_is_not_there_is_said_so(product: Product) -> None:
    with product.database.transaction() as session, pytest.raises(NotFound):
        let_through(session, flood_id=999, now=NOW)


@ON_POSTGRESQL
def test_what_arrives_while_a_flood_is_let_through_waits_for_an_editor_too(product: Product) -> None:
    with product.database.transaction() as session:
        with_history(session)
        bring(session, numbered("new", 40))

    def bring_more() -> int:
        with product.database.transaction() as session:
            return bring(session, numbered("more", 40)).held

    with ThreadPoolExecutor(1) as pool:
        with product.database.transaction() as session:
            let_through(session, flood_id=1, now=NOW)
            coming = pool.submit(bring_more)
            time.sleep(0.5)
        assert coming.result() == 40
    with product.database.reading() as session:
        assert reasons(session) == [(FloodReason.SURGE, 40)]
        [flood] = session.scalars(held_floods())
        assert len(titles_of(session, flood.id, limit=50)) == 40
