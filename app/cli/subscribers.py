"""`flask subscribers`: readers."""

import click
from sqlalchemy import select

from app.admins.models import AuditAct
from app.cli.acts import note_act
from app.cli.meant import AFTER_ID, language_meant, language_option, newsletter_option
from app.cli.output import Commands, Row, as_json, counted, plain, print_row, print_rows
from app.clock import now
from app.digests.newsletters import find_by_slug, find_meant
from app.errors import NotFound
from app.mail.address import parse_address
from app.newsletters.models import Newsletter
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.newcomers.held import PER_DAY_MAX, read_held, start_asking, stop_asking
from app.subscriptions.records import ConsentEvent
from app.subscriptions.signup import add_subscriber
from app.web import product

#: Of each subscription also its reader and its newsletter's short name.
_SUBSCRIPTIONS = (
    select(Subscription, Subscriber, Newsletter.slug)
    .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
    .join(Newsletter, Newsletter.id == Subscription.newsletter_id)
)


@click.group("subscribers", cls=Commands)
def group() -> None:
    """List, show, add, import and export readers; tell all of one, move, restrict, hear or erase them, by address."""


@group.command("list")
@click.option("--status", type=click.Choice([status.value for status in SubscriptionStatus]))
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--after", default=0, help="Go on after this id.", type=AFTER_ID)
@click.option("--newsletter", "slug", metavar="SLUG", help="Only those of this newsletter.")
@as_json
def list_subscribers(status: str | None, limit: int, after: int, slug: str | None, as_json: bool) -> None:
    """List readers by id, a page at a time; whoever reads two newsletters has a line for each."""
    with product().database.transaction() as session:
        wanted = [Subscription.status == SubscriptionStatus(status)] if status else []
        if slug:
            wanted.append(Subscription.newsletter_id == find_by_slug(session, slug).id)
        page = select(Subscription.subscriber_id).where(*wanted, Subscription.subscriber_id > after).distinct()
        page = page.order_by(Subscription.subscriber_id).limit(limit)
        query = _SUBSCRIPTIONS.where(*wanted, Subscriber.id.in_(page)).order_by(Subscriber.id, Subscription.id)
        rows = [_row(*row) for row in session.execute(query)]
        note_act(session, AuditAct.READERS_LISTED, "readers", f"rows {len(rows)}")
    print_rows(rows, as_json=as_json)


@group.command("show")
@click.argument("email")
@as_json
def show(email: str, as_json: bool) -> None:
    """Show one reader: status, times, and every consent event."""
    address = parse_address(email)
    with product().database.transaction() as session:
        query = _SUBSCRIPTIONS.where(Subscriber.email_key == address.key).order_by(Subscription.id)
        found = session.execute(query).all()
        if not found:
            raise NotFound(f"no subscriber {email}")
        subscriber, rows = found[0][1], [_row(*each) for each in found]
        events = session.scalars(
            select(ConsentEvent).where(ConsentEvent.chain_id == subscriber.chain_id).order_by(ConsentEvent.seq)
        ).all()
        note_act(session, AuditAct.READER_SHOWN, f"reader:{subscriber.public_id}")
    if as_json:
        whole = {
            **rows[0],
            "subscriptions": [plain(row) for row in rows],
            "events": [_event(event) for event in events],
        }
        print_row(whole, as_json=True)
        return
    for row in rows:
        print_row(row, as_json=False)
    print_rows([_event(event) for event in events], as_json=False)


@group.command("add")
@click.argument("email")
@language_option
@newsletter_option
def add(email: str, language: str | None, slug: str | None) -> None:
    """Begin a double opt-in for a reader who asked by other means; they get the confirmation letter."""
    wired = product()
    with wired.database.transaction() as session:
        newsletter = find_meant(session, slug)
        subscription = add_subscriber(
            session,
            address=parse_address(email),
            language=language_meant(newsletter, language),
            newsletter_id=newsletter.id,
            actor="cli",
            suppression_key=wired.config.suppression_key,
            now=now(),
        )
        note_act(session, AuditAct.READER_ADDED, f"reader:{subscription.subscriber.public_id}")
    click.echo(f"A confirmation letter to {email} is queued.")


@group.group("held", cls=Commands)
def held() -> None:
    """Readers who were imported without proof of consent: have them asked, slowly."""


@held.command("show")
@newsletter_option
@as_json
def show_held(slug: str | None, as_json: bool) -> None:
    """Show how many are held, and the asking under way."""
    with product().database.reading() as session:
        found = read_held(session, newsletter_id=find_meant(session, slug).id)
    asking = found.asking
    row = {"held": found.count, "per_day": asking and asking.per_day, "asked_by": asking and asking.actor,
           "since": asking and asking.started_at}  # fmt: skip
    print_row(row, as_json=as_json)


@held.command("ask")
@click.option("--per-day", default=500, show_default=True, type=click.IntRange(1, PER_DAY_MAX))
@click.option("--yes", is_flag=True, help="Do not ask back.")
@newsletter_option
def ask(per_day: int, yes: bool, slug: str | None) -> None:
    """Send each held reader one confirmation letter, so many a day; whoever does not confirm is deleted."""
    with product().database.reading() as session:
        newsletter_id = find_meant(session, slug).id
        count = read_held(session, newsletter_id=newsletter_id).count
    if not yes:
        click.confirm(f"Nothing proves that these {count} people want a letter. Ask each of them once?", abort=True)
    with product().database.transaction() as session:
        count = start_asking(session, newsletter_id=newsletter_id, per_day=per_day, actor="cli", now=now())
        detail = f"readers {count}, {per_day} a day"
        note_act(session, AuditAct.HELD_ASKED, f"newsletter:{newsletter_id}", detail)
    click.echo(f"Asked: {counted(count, 'held reader')}, {per_day} a day.")


@held.command("stop")
@newsletter_option
def stop(slug: str | None) -> None:
    """Ask nobody any more; who was asked may still confirm."""
    with product().database.transaction() as session:
        newsletter_id = find_meant(session, slug).id
        stop_asking(session, newsletter_id=newsletter_id)
        note_act(session, AuditAct.ASKING_STOPPED, f"newsletter:{newsletter_id}")
    click.echo("Nobody is asked any more.")


def _row(subscription: Subscription, subscriber: Subscriber, slug: str) -> Row:
    return {
        "id": subscriber.id,
        "email": subscriber.email,
        "newsletter": slug,
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
        "detail": event.detail,
    }
