"""What a newsletter's warm-up needs to know of its readers: how many there are, and how many have one provider."""

from collections import Counter
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Database
from app.delivery.senders import WarmUpPlan
from app.delivery.warm_ups import locked_plan, start_warm_up, warming_newsletters
from app.mail.providers import provider_of_domain
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription, domain_of


def plan_warm_up(session: Session, *, newsletter_id: int, starts_on: date, now: datetime) -> None:
    """Let a newsletter warm up from `starts_on`, in UTC. Raises as `start_warm_up` does."""
    audience, largest_provider = count_readers(session, newsletter_id)
    start_warm_up(
        session,
        newsletter_id=newsletter_id,
        starts_on=starts_on,
        audience=audience,
        largest_provider=largest_provider,
        now=now,
    )


def count_anew(session: Session, plan: WarmUpPlan) -> None:
    """Let a plan know how many readers there are by now."""
    plan.audience, plan.largest_provider = count_readers(session, plan.newsletter_id)
    session.flush()


def keep_counts(database: Database) -> int:
    """Count the readers of the newsletters that warm up, so that no page has to; return how many of these there are.

    Outside a transaction that writes: of a million readers it takes seconds.
    """
    with database.reading() as session:
        counts = {each: count_readers(session, each) for each in session.scalars(warming_newsletters()).all()}
    for newsletter_id, (audience, largest_provider) in sorted(counts.items()):
        with database.transaction() as session:
            plan = locked_plan(session, newsletter_id)
            if plan is not None:
                plan.audience, plan.largest_provider = audience, largest_provider
    return len(counts)


def count_readers(session: Session, newsletter_id: int) -> tuple[int, int]:
    """Return how many confirmed readers a newsletter has, in all its languages, and how many one provider has."""
    domain = domain_of(session)
    rows = session.execute(
        select(domain, sa.func.count())
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .where(Subscription.newsletter_id == newsletter_id, Subscription.status == SubscriptionStatus.CONFIRMED)
        .group_by(domain)
    )
    readers: Counter[str] = Counter()
    for name, count in rows:
        readers[provider_of_domain(name)] += count
    return readers.total(), max(readers.values(), default=0)
