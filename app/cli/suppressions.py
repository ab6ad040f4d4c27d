"""`flask suppressions`: addresses never to be mailed."""

import click
from sqlalchemy import select

from app.admins.models import AuditAct
from app.cli.acts import note_act
from app.cli.meant import AFTER_ID
from app.cli.output import Commands, Row, as_json, print_row, print_rows
from app.clock import now
from app.mail.address import parse_address
from app.subscriptions.kinds import SuppressionReason
from app.subscriptions.records import Suppression
from app.subscriptions.suppression import address_hmac, close_address, find_suppression, lift_suppression
from app.web import product

#: Who did it, in the records.
ACTOR = "cli"


@click.group("suppressions", cls=Commands)
def group() -> None:
    """List, add, lift and check addresses that are not mailed."""


@group.command("list")
@click.option("--reason", type=click.Choice([reason.value for reason in SuppressionReason]))
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--after", default=0, help="Go on after this id.", type=AFTER_ID)
@as_json
def list_suppressions(reason: str | None, limit: int, after: int, as_json: bool) -> None:
    """List suppressions by id, a page at a time; of the addresses there are hashes only."""
    query = select(Suppression).where(Suppression.id > after).order_by(Suppression.id).limit(limit)
    if reason:
        query = query.where(Suppression.reason == SuppressionReason(reason))
    with product().database.reading() as session:
        rows = [_row(suppression) for suppression in session.scalars(query)]
    print_rows(rows, as_json=as_json)


@group.command("check")
@click.argument("email")
@as_json
def check(email: str, as_json: bool) -> None:
    """Say whether an address may be mailed, and if not, why."""
    wired = product()
    with wired.database.reading() as session:
        found = find_suppression(
            session, email_key=parse_address(email).key, suppression_key=wired.config.suppression_key
        )
    print_row({"suppressed": found is not None, **(_row(found) if found else {})}, as_json=as_json)


@group.command("add")
@click.argument("email")
@click.option("--note", required=True, help="Why, without names: it outlives the reader's data.")
def add(email: str, note: str) -> None:
    """Never mail an address again."""
    wired, key = product(), parse_address(email).key
    with wired.database.transaction() as session:
        is_new = close_address(
            session, email_key=key, suppression_key=wired.config.suppression_key, actor=ACTOR, note=note, now=now()
        )
        note_act(session, AuditAct.ADDRESS_SUPPRESSED, _hash_of(key))
    click.echo("The address is mailed no more." if is_new else "It was not mailed already.")


@group.command("lift")
@click.argument("email")
@click.option("--note", required=True, help="Why, without names: it outlives the reader's data.")
def lift(email: str, note: str) -> None:
    """Let the owner of an address subscribe anew; it is mailed only once they confirm."""
    wired, key = product(), parse_address(email).key
    with wired.database.transaction() as session:
        lift_suppression(
            session, email_key=key, suppression_key=wired.config.suppression_key, actor=ACTOR, note=note, now=now()
        )
        note_act(session, AuditAct.SUPPRESSION_LIFTED, _hash_of(key))
    click.echo("It is lifted: the reader may subscribe anew.")


def _hash_of(email_key: str) -> str:
    return f"address:{address_hmac(product().config.suppression_key, email_key)[:16]}"


def _row(suppression: Suppression) -> Row:
    return {
        "id": suppression.id,
        "hash": suppression.address_hmac,
        "reason": suppression.reason.value,
        "source": suppression.source,
        "since": suppression.created_at,
        "note": suppression.note,
        "lifted_at": suppression.lifted_at,
    }
