"""`flask subscribers`: readers."""

import click
from sqlalchemy import select

from app.cli.output import Commands, Row, as_json, print_row, print_rows
from app.clock import now
from app.errors import NotFound
from app.mail.address import parse_address
from app.newsletters.models import newsletter_by_slug
from app.subscriptions.models import ConsentEvent, Subscriber, Subscription, SubscriptionStatus
from app.subscriptions.signup import add_subscriber
from app.web import product


@click.group("subscribers", cls=Commands)
def group() -> None:
    """List, show and add readers."""


@group.command("list")
@click.option("--status", type=click.Choice([status.value for status in SubscriptionStatus]))
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--after", default=0, help="Go on after this id.", type=int)
@as_json
def list_subscribers(status: str | None, limit: int, after: int, as_json: bool) -> None:
    """List readers by id, a page at a time."""
    query = (
        select(Subscription, Subscriber)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(Subscriber.id > after)
        .order_by(Subscriber.id)
        .limit(limit)
    )
    if status:
        query = query.where(Subscription.status == SubscriptionStatus(status))
    with product().database.reading() as session:
        rows = [_row(subscriber, subscription) for subscription, subscriber in session.execute(query)]
    print_rows(rows, as_json=as_json)


@group.command("show")
@click.argument("email")
@as_json
def show(email: str, as_json: bool) -> None:
    """Show one reader: status, times, and every consent event."""
    address = parse_address(email)
    with product().database.reading() as session:
        query = (
            select(Subscription, Subscriber)
            .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
            .where(Subscriber.email_key == address.key)
        )
        found = session.execute(query).first()
        if found is None:
            raise NotFound(f"no subscriber {email}")
        subscription, subscriber = found
        events = session.scalars(
            select(ConsentEvent).where(ConsentEvent.subscription_id == subscription.id).order_by(ConsentEvent.id)
        ).all()
        row = {**_row(subscriber, subscription), "events": [_event(event) for event in events]}
    if as_json:
        print_row(row, as_json=True)
        return
    print_row({name: value for name, value in row.items() if name != "events"}, as_json=False)
    print_rows([_event(event) for event in events], as_json=False)


@group.command("add")
@click.argument("email")
@click.option("--language", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
def add(email: str, language: str) -> None:
    """Begin a double opt-in for a reader who asked by other means; they get the confirmation letter."""
    wired = product()
    with wired.database.transaction() as session:
        add_subscriber(
            session,
            address=parse_address(email),
            language=language,
            newsletter_id=session.scalars(newsletter_by_slug()).one().id,
            actor="cli",
            suppression_key=wired.config.suppression_key,
            now=now(),
        )
    click.echo(f"A confirmation letter to {email} is queued.")


def _row(subscriber: Subscriber, subscription: Subscription) -> Row:
    return {
        "id": subscriber.id,
        "email": subscriber.email,
        "status": subscription.status.value,
        "language": subscription.language,
        "requested_at": subscription.requested_at,
        "confirmed_at": subscription.confirmed_at,
        "unsubscribed_at": subscription.unsubscribed_at,
    }


def _event(event: ConsentEvent) -> dict[str, object]:
    return {
        "kind": event.kind.value,
        "method": event.method.value,
        "at": event.at.isoformat(),
        "language": event.language,
        "wording_id": event.wording_id,
        "policy_id": event.policy_id,
        "form_url": event.form_url,
    }
