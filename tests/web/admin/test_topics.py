"""What articles are about, at the desk: shown with its reasons, corrected with one click."""

import pytest
from flask.testing import FlaskClient

from app.product import Product
from app.stories.grouping import group_new
from app.topics.classifying import classify_articles
from app.topics.corrections import topics_of
from app.topics.models import TopicCorrection
from app.topics.taxonomy import load
from tests import make
from tests.conftest import NOW
from tests.web import desk


@pytest.fixture
def article_id(product: Product, client: FlaskClient) -> int:
    """An article that is about Mali, in front of an admin."""
    desk.make_admin(product)
    with product.database.transaction() as session:
        added = make.make_article(
            session, title="Mali : une cyberattaque contre la poste", link="https://wire.example/1"
        )
    group_new(product.database, load(), now=NOW)
    classify_articles(product.database, load(), now=NOW)
    desk.sign_in(client)
    return added.id


def carried(product: Product, article_id: int) -> list[str]:
    with product.database.reading() as session:
        return [each.topic for each in session.scalars(topics_of([article_id]))]


def test_a_click_in_the_list_takes_a_topic_away_and_comes_back(
    client: FlaskClient, product: Product, article_id: int
) -> None:
    page = client.get("/admin/articles?before=9").text
    assert 'value="place:ML"' in page
    assert 'title="Mali"' in page
    data = {"topic": "place:ML", "back": "/admin/articles?before=9"}
    answer = client.post(f"/admin/articles/{article_id}/topics/removal", data=data)
    assert (answer.status_code, answer.location.partition("&")[0]) == (303, "/admin/articles?before=9")
    assert "place:ML" not in carried(product, article_id)
    assert 'value="place:ML"' not in client.get("/admin/articles").text


@pytest.mark.parametrize("back", ["/admin/articles?before=9", ""])
def test_without_script_too_a_click_is_taken_back(
    client: FlaskClient, product: Product, article_id: int, back: str
) -> None:
    path = f"/admin/articles/{article_id}/topics"
    before = carried(product, article_id)
    removed = client.post(f"{path}/removal", data={"topic": "place:ML", "back": back})
    page = client.get(removed.location).text
    assert "The topic is taken away, and stays so." in page
    assert f'<form method="post" action="{path}/withdrawal"' in page
    undone = client.post(f"{path}/withdrawal", data={"topic": "place:ML", "back": back}, follow_redirects=True)
    assert "It is as it was." in undone.text
    assert "data-undo" not in undone.text
    assert carried(product, article_id) == before
    assert client.post(f"{path}/withdrawal", data={"topic": "place:ML"}).status_code == 422, "nothing is to be undone"


def test_what_somebody_else_corrected_is_not_offered_for_undoing(
    client: FlaskClient, product: Product, article_id: int
) -> None:
    page = client.post(
        f"/admin/articles/{article_id}/topics/removal", data={"topic": "place:ML"}, follow_redirects=True
    )
    assert "data-undo" in page.text
    with product.database.transaction() as session:
        session.get_one(TopicCorrection, (article_id, "place:ML")).by = "grace@desk.example"
    assert "data-undo" not in client.get(page.request.full_path).text


@pytest.mark.parametrize(
    "query",
    [
        "article=x&corrected=place:ML",
        "article=1&corrected=place:ML&earlier=x",
        "article=1&corrected=%00",
        "article=99999999999999&corrected=x",
    ],
)
def test_an_address_that_tells_of_no_correction_is_as_good_as_none(
    client: FlaskClient, article_id: int, query: str
) -> None:
    client.post(f"/admin/articles/{article_id}/topics/removal", data={"topic": "place:ML"})
    page = client.get(f"/admin/articles?note=topic-removed&{query}")
    assert page.status_code == 200
    assert "data-undo" not in page.text


def test_a_topic_is_added_by_whoever_is_signed_in(client: FlaskClient, product: Product, article_id: int) -> None:
    page = client.get(f"/admin/articles/{article_id}/topics").text
    assert "cyberattaque" in page
    assert '<option value="place:FR">France</option>' in page
    assert '<option value="place:ML">' not in page, "it is there already"
    answer = client.post(f"/admin/articles/{article_id}/topics", data={"topic": "theme:skills"}, follow_redirects=True)
    assert "The topic is added" in answer.text
    assert "An editor’s" in answer.text
    assert "theme:skills" in carried(product, article_id)
    with product.database.reading() as session:
        assert session.get_one(TopicCorrection, (article_id, "theme:skills")).by == desk.EMAIL


@pytest.mark.parametrize("topic", ["", "theme:none", "x" * 5000, "theme:skills\x00"])
def test_a_topic_that_is_none_is_refused(topic: str, client: FlaskClient, product: Product, article_id: int) -> None:
    before = carried(product, article_id)
    answer = client.post(f"/admin/articles/{article_id}/topics", data={"topic": topic})
    assert answer.status_code == 422
    assert "Choose a topic." in answer.text
    for act in ("removal", "withdrawal"):
        assert client.post(f"/admin/articles/{article_id}/topics/{act}", data={"topic": topic}).status_code == 422
    assert carried(product, article_id) == before


def test_nobody_is_led_elsewhere(client: FlaskClient, article_id: int) -> None:
    data = {"topic": "place:ML", "back": "https://elsewhere.example/"}
    answer = client.post(f"/admin/articles/{article_id}/topics/removal", data=data)
    assert answer.location.partition("?")[0] == "/admin/"


def test_an_article_that_is_not_there(client: FlaskClient, article_id: int) -> None:
    assert client.get("/admin/articles/999/topics").status_code == 404
    assert client.post("/admin/articles/999/topics/removal", data={"topic": "place:ML"}).status_code == 404
