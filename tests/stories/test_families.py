"""Who publishes an article."""

import pytest

from app.articles.models import Article
from app.stories.families import NEWSROOM, domain_of, family_of
from tests.conftest import NOW


@pytest.mark.parametrize(
    ("host", "family"),
    [
        ("fr.wire.example", "wire.example"),
        ("wire.example", "wire.example"),
        ("news.paper.co.uk", "paper.co.uk"),
        ("cert.agency.gouv.fr", "agency.gouv.fr"),
        ("strait-watch.substack.com", "strait-watch.substack.com"),
        ("www.cables.hypotheses.org", "cables.hypotheses.org"),
        ("www.substack.com", "substack.com"),
        ("localhost", "localhost"),
        ("", ""),
    ],
)
def test_a_family_is_a_domain(host: str, family: str) -> None:
    assert domain_of(host) == family


def test_an_article_by_hand_is_the_newsroom_s() -> None:
    article = Article(link=None, language="fr", title="T", summary="", body="", published_at=NOW, added_at=NOW)

    assert family_of(article) == NEWSROOM
