"""A draft and its twin, story by story: what stands beside what, and what the one that lacks a story may take."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.choices.choices import Cadence
from app.choices.models import Rhythm
from app.editions.draft import put_in, remove_item, set_layout
from app.editions.history import read_history, recorded
from app.editions.lines import Line, Schedule
from app.editions.models import Edition, EditionStatus
from app.editions.twins import Row, rows_of, twin_of
from app.errors import NotFound, TransitionRefused
from app.product import Product
from app.stories.models import Story
from tests.conftest import NOW
from tests.editions.press import compile_now, make_draft
from tests.make import make_article

HOUR = timedelta(hours=1)
ADA = "ada@desk.example"


def make_twins(session: Session) -> tuple[Edition, Edition]:
    """Two drafts of three articles each, none of which has a story."""
    french = make_draft(session)
    english = make_draft(session, language="en")
    return french, english


def twin(session: Session, edition: Edition) -> Edition | None:
    return twin_of(session, edition, Line.of(session, edition))


def rows(session: Session, edition: Edition, other: Edition) -> tuple[Row, ...]:
    return rows_of(session, edition, other, Line.of(session, edition), now=NOW)


def tie(session: Session, *articles: Article) -> int:
    """Make articles one story."""
    story = Story(first_at=NOW, last_at=NOW, ranks_at=NOW)
    session.add(story)
    session.flush()
    for article in articles:
        article.story_id = story.id
    session.flush()
    return story.id


def shown(rows: tuple[Row, ...]) -> list[tuple[int | None, int | None]]:
    """The positions that stand beside each other."""
    return [tuple(row.items[code].position if code in row.items else None for code in ("fr", "en")) for row in rows]  # type: ignore[misc]


def test_stories_stand_beside_each_other_in_the_order_of_the_first(product: Product) -> None:
    with product.database.transaction() as session:
        french, english = make_twins(session)
        tie(session, french.items[0].article, english.items[1].article)
        tie(session, french.items[2].article, english.items[0].article)
        assert shown(rows(session, french, english)) == [(1, 2), (None, 3), (2, None), (3, 1)]
        assert shown(rows(session, english, french)) == [(3, 1), (1, 2), (2, None), (None, 3)]


def test_a_twin_is_of_the_same_rhythm_and_ends_nearest(product: Product) -> None:
    with product.database.transaction() as session:
        french, english = make_twins(session)
        rhythm = Rhythm(cadence=Cadence.DAILY, hour=7, day=0, timezone="Europe/Paris")
        session.add(rhythm)
        session.flush()
        of_readers = {
            language: Schedule(
                newsletter_id=french.newsletter_id, language=language, rhythm_id=rhythm.id, cron="0 7 * * *",
                timezone=rhythm.timezone, next_run_at=NOW,
            )
            for language in ("fr", "en")
        }  # fmt: skip
        session.add_all(of_readers.values())
        session.flush()
        later = [numbered_like(session, english, until=NOW + hours * HOUR) for hours in range(1, 8)]
        theirs = numbered_like(session, english, until=NOW, schedule_id=of_readers["en"].id)
        assert twin(session, french) is english
        assert twin(session, numbered_like(session, french, until=NOW + 3 * HOUR)) is later[2]
        assert twin(session, numbered_like(session, french, until=NOW, schedule_id=of_readers["fr"].id)) is theirs


def numbered_like(session: Session, edition: Edition, **more: object) -> Edition:
    """Another number of its newsletter and language, from the same time on."""
    other = Edition(
        newsletter_id=edition.newsletter_id, language=edition.language, subject="Autre", preheader="",
        since=edition.since, created_at=NOW, **more,
    )  # fmt: skip
    session.add(other)
    session.flush()
    return other


def test_two_items_of_one_story_stand_beside_two(product: Product) -> None:
    with product.database.transaction() as session:
        french, english = make_twins(session)
        tie(session, *(each.items[place].article for each in (french, english) for place in (0, 2)))
        assert shown(rows(session, french, english)) == [(1, 1), (None, 2), (2, None), (3, 3)]


def test_a_draft_may_take_what_may_leave_and_stands_in_no_other(product: Product) -> None:
    with product.database.transaction() as session:
        french, english = make_twins(session)
        free, held, carried = (
            make_article(session, title=title, language="en", link=f"https://x.example/{title}", added_at=NOW)
            for title in ("free", "held", "carried")
        )
        for item, article in zip(french.items, (free, held, carried), strict=True):
            tie(session, item.article, article)
        held.embargo_until = NOW + timedelta(days=1)
        later = session.get_one(Edition, compile_now(session, language="en", since=english.since).edition_id)
        for article in (free, held):
            later.items[:] = [item for item in later.items if item.article_id != article.id]
        session.flush()
        taken = [dict(row.may_take) for row in rows(session, french, english)]
        assert [each["en"].title for each in taken if each] == ["free"]
        english.status = EditionStatus.SENT
        assert not any(row.may_take for row in rows(session, french, english))


def test_what_is_put_in_is_a_revision_and_stands_at_the_end_where_the_twin_has_not_its_story(product: Product) -> None:
    with product.database.transaction() as session:
        french, english = make_twins(session)
        late = make_article(session, title="Après coup", link="https://x.example/late", added_at=NOW)
        first = french.items[0].article_id
        for article_id, refusal in (
            (english.items[0].article_id, NotFound),
            (99, NotFound),
            (first, TransitionRefused),
        ):
            with pytest.raises(refusal), recorded(session, edition_id=french.id, actor=ADA, now=NOW) as (_, state):
                put_in(session, edition_id=french.id, article_id=article_id, twin=english, state=state, now=NOW)
        with recorded(session, edition_id=french.id, actor=ADA, now=NOW) as (_, state):
            put_in(session, edition_id=french.id, article_id=late.id, twin=None, state=state, now=NOW)
        assert french.items[-1].article_id == late.id
        with recorded(session, edition_id=french.id, actor=ADA, now=NOW):
            remove_item(session, edition_id=french.id, article_id=late.id)
        with recorded(session, edition_id=french.id, actor=ADA, now=NOW) as (_, state):
            put_in(session, edition_id=french.id, article_id=late.id, twin=english, state=state, now=NOW)
        parts = [each.parts for each in read_history(session, french.id).revisions]
        assert parts == [[f"back:{late.id}"], [f"out:{late.id}"], [f"in:{late.id}"], []]


@pytest.mark.parametrize(
    ("beside", "place", "section"),
    [
        ([(0, 0), (2, 2)], 1, "Baltique"),
        ([(1, 0), (2, 2)], 2, "Ailleurs"),
        ([(2, 0), (0, 2)], 3, "Ailleurs"),  # behind what it follows there, though the next one stands before it
        ([(1, 2)], 0, "Baltique"),  # nothing of what it follows there is in this draft
    ],
)
def test_what_is_put_in_stands_where_the_twin_has_it(
    product: Product, beside: list[tuple[int, int]], place: int, section: str
) -> None:
    """The twin alone tells the story at its second place; `beside` are the places, here and there, of shared ones."""
    with product.database.transaction() as session:
        french, english = make_twins(session)
        set_layout(session, edition_id=french.id, layout=_under_heading(french))
        for here, there in beside:
            tie(session, french.items[here].article, english.items[there].article)
        late = make_article(session, title="Après coup", link="https://x.example/late", added_at=NOW)
        tie(session, late, english.items[1].article)
        with recorded(session, edition_id=french.id, actor=ADA, now=NOW) as (_, state):
            put_in(session, edition_id=french.id, article_id=late.id, twin=english, state=state, now=NOW)
        assert [item.article_id == late.id for item in french.items].index(True) == place
        assert french.items[place].section == section


def _under_heading(edition: Edition) -> str:
    """The layout of an edition whose first article has a heading over it, and the others another."""
    first, *others = (str(item.article_id) for item in edition.items)
    return "\n".join(["# Baltique", first, "# Ailleurs", *others])
