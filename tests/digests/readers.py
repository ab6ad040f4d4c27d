"""What the tests of digests share: articles that have topics, readers with wishes, and runs of their schedules."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.choices.choices import Interests, Timing
from app.choices.choosing import choose
from app.db import Base
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.digests.coverage import covered_since
from app.digests.schedule import ensure_schedules, install_schedules, run_due_schedules
from app.editions.models import EditionItem
from app.product import Product
from app.stories.models import Story
from app.subscriptions.models import Subscriber, Subscription
from app.topics.classify import Rank
from app.topics.models import ArticleTopic
from tests.make import make_article, make_subscription, newsletter

ALL = Interests()
#: What a fresh set-up has.
KEPT = {"newsletters", "newsletter_languages", "consent_wordings", "privacy_policies"}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def begin_anew(session: Session, product: Product, *, now: datetime) -> None:
    """A newsroom as it was set up at a time, its clocks on UTC: what a property is tried on again and again."""
    for table in reversed(Base.metadata.sorted_tables):
        if table.name not in KEPT:
            session.execute(table.delete())
    newsletter(session).timezone = "UTC"
    session.flush()
    install_schedules(session, product.config, now)


def file(
    session: Session, title: str, *, topics: str = "", language: str = "fr", at: datetime, story: int | None = None
) -> Article:
    """An article that arrived at a time, mainly about `topics` (separated), in its own story or in `story`."""
    article = make_article(
        session,
        title=title,
        language=language,
        link=f"https://wire.example/{language}/{title}",
        added_at=at,
        source=None,
    )
    if story is None:
        found = Story(first_at=at, last_at=at, ranks_at=at, languages={language: 1})
        session.add(found)
        session.flush()
        story = found.id
    article.story_id = story
    article.classified_at = article.grouped_at = at
    for topic in topics.split():
        session.add(
            ArticleTopic(
                article_id=article.id, topic=topic, weight=1.0, rank=Rank.PRIMARY, words=[], is_by_editor=False
            )
        )
    session.flush()
    return article


def make_reader(
    session: Session, name: str, *, now: datetime, timing: Timing | None = None, language: str = "fr",
    interests: Interests = ALL,
) -> Subscription:  # fmt: skip
    """A reader who confirmed long ago and has these wishes."""
    subscription = make_subscription(session, email=f"{name}@reader.example", language=language)
    wish(session, subscription, interests=interests, timing=timing, now=now)
    return subscription


def wish(
    session: Session, subscription: Subscription, *, now: datetime, timing: Timing | None = None,
    interests: Interests = ALL,
) -> None:  # fmt: skip
    """Choose, as the page does."""
    since = covered_since(session, subscription, now)
    choose(session, public_id=subscription.public_id, interests=interests, timing=timing, since=since, now=now)
    session.flush()
    ensure_schedules(session, subscription, now)


def run(product: Product, now: datetime, *, arrives: bool = True) -> None:
    """Let the digests go that are due, and arrive."""
    run_due_schedules(product.database, now=now, config=product.config, links=product.links)
    if not arrives:
        return
    with product.database.transaction() as session:
        waiting = update(Delivery).where(Delivery.state == DeliveryState.QUEUED)
        session.execute(waiting.values(state=DeliveryState.ACCEPTED, settled_at=now))


def letters(session: Session, name: str) -> list[list[str]]:
    """The titles in each letter that goes to a reader, oldest first."""
    copies = session.execute(
        select(Chunk.variant_id, Chunk.edition_id)
        .join(Delivery, Delivery.chunk_id == Chunk.id)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(Subscriber.email == f"{name}@reader.example", Delivery.state != DeliveryState.CANCELLED)
        .order_by(Delivery.id)
    )
    titles = (
        select(Article.title).join(EditionItem, EditionItem.article_id == Article.id).order_by(EditionItem.position)
    )
    return [
        list(session.scalars(titles.where(EditionItem.edition_id == (variant_id or edition_id))))
        for variant_id, edition_id in copies
    ]
