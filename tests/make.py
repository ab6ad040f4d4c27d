"""Rows for tests: plain typed functions, session first, everything else by keyword and with a default."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.models import Article, Source, SourceKind
from app.newsletters.models import Newsletter, current_policy, current_wording
from app.subscriptions.models import (
    ConsentEvent,
    ConsentKind,
    ConsentMethod,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)
from tests.conftest import NOW


def newsletter(session: Session) -> Newsletter:
    """The default newsletter."""
    return session.scalars(select(Newsletter)).one()


def make_subscription(
    session: Session,
    *,
    email: str = "alice@reader.example",
    language: str = "fr",
    status: SubscriptionStatus = SubscriptionStatus.CONFIRMED,
    at: datetime = NOW - timedelta(days=1),
) -> Subscription:
    """A subscriber with one subscription to the default newsletter."""
    subscriber = Subscriber(email=email, email_ascii=email, email_key=email.lower(), created_at=at)
    subscription = Subscription(
        newsletter_id=newsletter(session).id,
        subscriber=subscriber,
        status=SubscriptionStatus.UNSUBSCRIBED,
        language=language,
        requested_at=at,
    )
    subscription.request(at, language)
    session.add(subscription)
    if status is not SubscriptionStatus.PENDING:
        subscription.confirm(at)
    if status is SubscriptionStatus.UNSUBSCRIBED:
        subscription.unsubscribe(at)
    session.flush()
    return subscription


def make_request(session: Session, subscription: Subscription) -> ConsentEvent:
    """The proof that a subscription was asked for on a form with the texts in force."""
    event = ConsentEvent(
        subscription=subscription,
        kind=ConsentKind.REQUESTED,
        method=ConsentMethod.FORM,
        at=subscription.requested_at,
        language=subscription.language,
        wording_id=session.scalars(current_wording(subscription.language)).one().id,
        policy_id=session.scalars(current_policy(subscription.language)).one().id,
    )
    session.add(event)
    session.flush()
    return event


def make_source(session: Session, *, location: str = "https://wire.example/feed.xml", language: str = "fr") -> Source:
    """A feed that was never fetched."""
    source = Source(
        kind=SourceKind.URL, location=location, name="Wire", language=language, next_fetch_at=NOW, created_at=NOW
    )
    session.add(source)
    session.flush()
    return source


def make_article(
    session: Session,
    *,
    title: str = "Un câble coupé en mer Baltique",
    language: str = "fr",
    added_at: datetime = NOW - timedelta(hours=2),
    link: str | None = None,
    source: Source | None = None,
    summary: str = "Les autorités enquêtent sur une coupure.",
) -> Article:
    """An article that arrived two hours ago."""
    article = Article(
        source=source, guid=link, link=link, link_key=link, language=language, title=title, summary=summary,
        body=summary, published_at=added_at, added_at=added_at,
    )  # fmt: skip
    session.add(article)
    session.flush()
    return article
