"""Today: what came in, what leaves, what waits, who reads; none of it counted from millions of rows."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.articles.models import Flood, FloodReason
from app.clock import now
from app.delivery.models import Chunk, DeliveryState
from app.editions.audience import finish_editions, pause_edition, resume_edition
from app.editions.counts import count_editions
from app.editions.records import EditionCount
from app.jobs.schedule import count_readers
from app.mail.pacing import PauseReason
from app.product import Product
from app.stories.grouping import group_new
from app.subscriptions.kinds import ConsentKind, ConsentMethod
from app.subscriptions.ledger import Act
from app.topics.taxonomy import load
from tests import make
from tests.web import desk
from tests.web.admin.test_sending import second_look


@pytest.fixture
def run(admin: FlaskClient, product: Product) -> int:
    """An edition to four readers that is on its way."""
    draft = desk.make_draft(product, readers=4)
    admin.post(f"/admin/editions/{draft}/send", data=second_look(admin, draft))
    return draft


def today(admin: FlaskClient) -> str:
    return " ".join(admin.get("/admin/").text.split())


def test_a_new_house_says_what_to_do_and_that_nothing_waits(admin: FlaskClient) -> None:
    page = today(admin)
    for said in ("Nothing waits for you.", "No new story since yesterday", "There is no edition yet", "0</strong>"):
        assert said in page, said


def test_what_came_in_is_told_by_language_and_rank(admin: FlaskClient, product: Product) -> None:
    titles = ("Harbour reopens", "Vendange précoce", "Grève aux urgences", "Loi sur l’eau", "Pont fermé", "Vieux fait")
    with product.database.transaction() as session:
        for number, title in enumerate(titles):
            make.make_article(
                session, title=title, summary=title, link=f"https://wire.example/{number}",
                language="fr" if number else "en", added_at=now() - timedelta(hours=number),
            )  # fmt: skip
    group_new(product.database, load(), now=now())
    page = today(admin)
    assert "<strong>6</strong> new stories since yesterday" in page
    assert "English <strong>1</strong>" in page
    assert "French <strong>5</strong>" in page
    assert page.index("Harbour reopens") < page.index("Pont fermé")
    assert "Vieux fait" not in page, "five are shown"


def test_an_edition_on_its_way_has_a_bar_and_one_that_ended_is_counted_once_more(
    admin: FlaskClient, product: Product, run: int
) -> None:
    with product.database.transaction() as session:
        make.settle_copies(session, DeliveryState.ACCEPTED, 3, now=now())
    assert count_editions(product.database, now=now()) == 1
    page = today(admin)
    assert 'max="4" value="3"' in page
    assert "On their way" in page
    with product.database.transaction() as session:
        make.settle_copies(session, DeliveryState.ACCEPTED, 1, now=now())
        assert finish_editions(session, now=now()) == [run]
    assert count_editions(product.database, now=now()) == 1
    assert count_editions(product.database, now=now()) == 0, "what has ended changes no more"
    page = today(admin)
    assert '4<span class="of"> / 4</span>' in page
    assert "<progress" not in page


def test_readers_won_and_lost_are_drawn_and_told(admin: FlaskClient, product: Product) -> None:
    with product.database.transaction() as session:
        for number, language in enumerate(("fr", "fr", "en")):
            subscription = make.make_subscription(session, email=f"r{number}@reader.example", language=language)
            act = Act(ConsentKind.CONFIRMED, ConsentMethod.CONFIRM_PAGE, now() - timedelta(days=2), language)
            make.make_event(session, subscription, act)
        gone = Act(ConsentKind.UNSUBSCRIBED, ConsentMethod.ONE_CLICK, now(), "en")
        make.make_event(session, subscription, gone)
    before = today(admin)
    count_readers(product)
    after = today(admin)
    for page in (before, after):
        assert "<strong>2</strong> subscribed readers" in page
        assert "French <strong>2</strong>" in page
        assert "Won: 3" in page
        assert "Lost: 1" in page
        assert (page.count('class="chart-up"'), page.count('class="chart-down"')) == (1, 1)
        assert page.count('<td class="num">3</td>') == 1, "the table has the same numbers"


def test_what_waits_is_one_list_the_most_urgent_first(admin: FlaskClient, product: Product, run: int) -> None:
    with product.database.transaction() as session:
        source = make.make_source(session)
        source.failure, source.failures, source.fetched_at = "<b>503</b>", 2, now()
        flood = Flood(source_id=source.id, reason=FloodReason.SURGE, at=now(), number=40)
        session.add(flood)
        pause_edition(session, edition_id=run, actor=None, reason=PauseReason.DEAD_ADDRESSES, now=now())
        letter = Chunk(kind="confirmation", language="fr", created_at=now(), next_attempt_at=now() - timedelta(hours=1))
        session.add(letter)
    page = today(admin)
    lines = [
        "1 letter to a single reader is overdue", "paused by itself: too many of its first addresses",
        "Wire: 40 articles are held", "Wire brings nothing: &lt;b&gt;503&lt;/b&gt;",
    ]  # fmt: skip
    places = [page.find(line) for line in lines]
    assert -1 not in places
    assert places == sorted(places)
    assert "4 things wait for you" in page


def test_an_edition_that_somebody_paused_waits_for_nobody_else(admin: FlaskClient, product: Product, run: int) -> None:
    with product.database.transaction() as session:
        pause_edition(session, edition_id=run, actor=None, reason=PauseReason.REFUSALS, now=now())
        resume_edition(session, edition_id=run, actor=desk.EMAIL, now=now())
        pause_edition(session, edition_id=run, actor=desk.EMAIL, now=now())
    assert "Nothing waits for you." in today(admin)


@pytest.mark.parametrize(
    ("column", "said"),
    [("uncertain", "nobody knows whether 7 copies"), ("for_our_fault", "7 copies were refused on our")],
)
def test_copies_that_may_be_tried_again_wait_as_long_as_they_may(
    admin: FlaskClient, product: Product, run: int, column: str, said: str
) -> None:
    count_editions(product.database, now=now())
    with product.database.transaction() as session:
        session.execute(sa.update(EditionCount).values({column: 7}))
    assert said in today(admin)
    with product.database.transaction() as session:
        session.execute(sa.text("UPDATE editions SET started_at = '2020-01-01 00:00:00.000000'"))
    assert said not in today(admin)


def test_as_many_new_articles_are_told_as_compose_takes(admin: FlaskClient, product: Product) -> None:
    draft = desk.make_draft(product, articles=2)
    taken_out = desk.edition(product, draft).items[0].article_id
    admin.post(f"/admin/editions/{draft}/removal", data={"item": taken_out})
    assert "1 new article," in today(admin), "it came just before the last window ended"
    admin.post("/admin/editions", data={"language": "fr"})
    assert [item.article_id for item in desk.edition(product, draft + 1).items] == [taken_out]
    assert "0 new articles," in today(admin)


def test_articles_that_are_older_than_yesterday_are_no_sign_of_broken_sources(
    admin: FlaskClient, product: Product
) -> None:
    assert "Are the sources being read?" in today(admin)
    with product.database.transaction() as session:
        article = make.make_article(session, added_at=now())
        article.published_at = now() - timedelta(days=3)
    group_new(product.database, load(), now=now())
    page = today(admin)
    assert "what came in is older" in page
    assert "Are the sources being read?" not in page
