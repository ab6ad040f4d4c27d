"""The desk's page of an article: what is known of it, and its embargo."""

from flask.testing import FlaskClient

from app.articles.models import Article, ArticleRevision
from app.clock import now
from app.product import Product
from tests import make
from tests.web import desk


def test_an_embargo_is_set_on_the_newsrooms_clocks_shown_and_ended(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    edition_id = desk.make_draft(product)
    desk.sign_in(client)
    article_id = desk.edition(product, edition_id).items[0].article_id
    path = f"/admin/articles/{article_id}"
    answer = client.post(f"{path}/embargo", data={"until": "2099-01-01T06:00"}, follow_redirects=True)
    assert "kept back until then" in answer.text
    assert "Let it go now" in answer.text
    with product.database.reading() as session:
        kept = session.get_one(Article, article_id)
        assert kept.embargo_until is not None
        assert kept.embargo_until.isoformat() == "2099-01-01T05:00:00+00:00"
    assert article_id not in [item.article_id for item in desk.edition(product, edition_id).items]
    assert "Let it go now" not in client.post(f"{path}/embargo/end", follow_redirects=True).text


def test_a_time_that_is_none_or_past_is_said_so(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    desk.make_draft(product)
    desk.sign_in(client)
    for until in ("", "soon", "2020-01-01T06:00"):
        answer = client.post("/admin/articles/1/embargo", data={"until": until})
        assert answer.status_code == 422
        assert "to come" in answer.text
    assert client.get("/admin/articles/999").status_code == 404


def test_earlier_titles_and_reading_time_are_shown(client: FlaskClient, product: Product) -> None:
    desk.make_admin(product)
    desk.sign_in(client)
    with product.database.transaction() as session:
        article = make.make_article(session, title="Un titre corrigé")
        article.reading_minutes, article.authors = 4, "A. Autrice"
        session.add(ArticleRevision(article_id=article.id, revision=1, title="Un titre", text_hash="0", at=now()))
    page = client.get(f"/admin/articles/{article.id}").text
    assert "4 minutes to read" in page
    assert "A. Autrice" in page
    assert '<span lang="fr">Un titre</span>' in page
