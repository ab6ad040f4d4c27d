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
    assert (answer.status_code, answer.location) == (303, "/admin/articles?before=9")
    assert "place:ML" not in carried(product, article_id)
    assert 'value="place:ML"' not in client.get("/admin/articles").text


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
    assert client.post(f"/admin/articles/{article_id}/topics/removal", data={"topic": topic}).status_code == 422
    assert carried(product, article_id) == before


def test_nobody_is_led_elsewhere(client: FlaskClient, article_id: int) -> None:
    data = {"topic": "place:ML", "back": "https://elsewhere.example/"}
    answer = client.post(f"/admin/articles/{article_id}/topics/removal", data=data)
    assert answer.location == "/admin/"


def test_an_article_that_is_not_there(client: FlaskClient, article_id: int) -> None:
    assert client.get("/admin/articles/999/topics").status_code == 404
    assert client.post("/admin/articles/999/topics/removal", data={"topic": "place:ML"}).status_code == 404
