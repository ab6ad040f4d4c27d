"""What the tests of stories share: articles on events, as different newsrooms tell them."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.models import Article, Source
from app.stories.grouping import group_batch
from app.topics.taxonomy import load
from tests.conftest import NOW
from tests.make import make_article, make_source

#: One event in two newsrooms and both languages, and another one with the same company.
BREACH = (
    "Orvane confirms breach of its Tallinn data centre",
    "Intruders copied backups of Orvane in Estonia on Monday.",
)
BREACH_TOLD_ANEW = ("Backups stolen from Orvane data centre in Tallinn", "Estonia investigates the breach at Orvane.")
BREACH_FR = ("Orvane : intrusion dans le centre de données de Tallinn", "L’Estonie enquête sur le vol de sauvegardes.")
RESULTS = ("Orvane posts record quarterly revenue", "Shares rose after the company raised its forecast.")
STORM = ("Storm Ingrid floods streets of Porto", "Thousands were moved to schools as the Douro rose overnight.")
STORM_TOLD_ANEW = (
    "Porto streets flooded by Storm Ingrid",
    "The Douro rose overnight as Ingrid came; schools took people in.",
)


def file_article(
    session: Session, texts: tuple[str, str], source: str, *, at: datetime = NOW, language: str = "en", body: str = ""
) -> Article:
    """Store an article of the newsroom at `source`.example; it is not grouped yet."""
    title, summary = texts
    count = len(session.scalars(select(Article.id)).all())
    location = f"https://{source}.example/feed"
    feed = session.scalars(select(Source).where(Source.location == location)).first()
    article = make_article(
        session, title=title, summary=summary, language=language, added_at=at,
        link=f"https://{source}.example/{language}/{count}",
        source=feed or make_source(session, location=location),
    )  # fmt: skip
    article.body = body or summary
    session.flush()
    return article


def group(session: Session, *articles: Article, now: datetime = NOW + timedelta(hours=1)) -> list[int | None]:
    """Group what is not grouped, and return the stories of `articles`."""
    group_batch(session, load(), now=now)
    for article in articles:
        session.refresh(article)
    return [article.story_id for article in articles]
