"""What a newsletter's warm-up needs to know of its readers: how many there are, and how many have one provider."""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.models import WarmUpPlan
from app.delivery.warm_ups import WarmUpReport, read_warm_up, start_warm_up
from app.mail.providers import provider_of_domain
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription


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


def read_warm_up_now(session: Session, *, newsletter_id: int, now: datetime) -> WarmUpReport | None:
    """Read how a newsletter's warm-up stands, as `read_warm_up` does, for the readers that an edition would find now.

    A plan knows those whom the last start of an edition found.
    """
    report = read_warm_up(session, newsletter_id=newsletter_id, now=now)
    if report is None or report.ended_at is not None:
        return report
    audience, largest_provider = count_readers(session, newsletter_id)
    return replace(report, warm_up=replace(report.warm_up, audience=audience, largest_provider=largest_provider))


def count_readers(session: Session, newsletter_id: int) -> tuple[int, int]:
    """Return how many confirmed readers a newsletter has, in all its languages, and how many one provider has."""
    find = sa.func.instr if session.get_bind().dialect.name == "sqlite" else sa.func.strpos
    domain = sa.func.substr(Subscriber.email_key, find(Subscriber.email_key, "@") + 1)
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
