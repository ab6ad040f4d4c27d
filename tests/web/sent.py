"""What the tests of the public pages share: editions that were sent, of articles on known topics."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.articles.models import Article
from app.digests.models import Erratum
from app.editions.clippings import file_editions
from app.editions.models import Edition
from app.product import Product
from app.topics.classify import Rank
from app.topics.models import ArticleTopic
from tests.conftest import NOW
from tests.editions.press import make_feed, make_sent
from tests.make import make_article

#: What breaks out of a title where somebody forgot to escape it.
PAYLOAD = """</script><script>alert(1)</script>&'"<!--]]>"""


def make_on(session: Session, title: str, *topics: str, language: str = "fr", **more: object) -> Article:
    """An article that carries these topics."""
    article = make_article(session, title=title, language=language, **more)  # type: ignore[arg-type]
    session.add_all(
        ArticleTopic(article_id=article.id, topic=topic, weight=0.9, rank=Rank.PRIMARY, words=[], is_by_editor=True)
        for topic in topics
    )
    session.flush()
    return article


def send(product: Product, *articles: tuple[str, Sequence[str]], language: str = "fr", at: datetime = NOW) -> str:
    """Send and file an edition of articles, each a title and its topics; return its public id."""
    with product.database.transaction() as session:
        feed = make_feed(session, f"Le Détroit & Cie {language} {at:%d%H%M}", language=language)
        made = [
            make_on(
                session, title, *topics, language=language, source=feed, added_at=at,
                link=f"https://strait.example/{language}/{at:%d%H%M}/{place}?a=1&b=2",
            )
            for place, (title, topics) in enumerate(articles)
        ]  # fmt: skip
        edition = make_sent(session, made, language=language, at=at)
        file_editions(session, now=at)
        return edition.public_id


def hold_back(product: Product, title: str, until: datetime) -> None:
    """Put an embargo on an article that was sent, as only a mistake can."""
    with product.database.transaction() as session:
        article = session.query(Article).filter(Article.title == title).one()
        article.embargo_until = until


def correct(product: Product, wrong: str, right: str, *, at: datetime, **notes: str) -> None:
    """Give an article another title, and note that readers were told, in these words by language."""
    with product.database.transaction() as session:
        article = session.query(Article).filter(Article.title == wrong).one()
        article.title, article.revision = right, article.revision + 1
        told = Erratum(article_id=article.id, revision=article.revision, notes=notes, at=at, by="ada", copies=1)
        session.add(told)


def edition_of(session: Session, public_id: str) -> Edition:
    """The edition with this public id."""
    return session.query(Edition).filter(Edition.public_id == public_id).one()
