"""`flask audit`: what admins did, and whether the log of it was changed."""

import sys

import click

from app.admins.audit import find_entries
from app.admins.models import AuditAct, AuditEntry
from app.cli.consents import WRONG, print_report, unable
from app.cli.meant import ROW_ID
from app.cli.output import Commands, as_json, print_rows
from app.seals.verifying import verify_audit
from app.web import product


@click.group("audit", cls=Commands)
def group() -> None:
    """Look into the audit log."""


@group.command("list")
@click.option("--actor", help="An admin's address, cli:NAME, stranger or scheduler.")
@click.option("--act", type=click.Choice([act.value for act in AuditAct]))
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--before", type=ROW_ID, help="Go on below this id.")
@as_json
def list_entries(actor: str | None, act: str | None, limit: int, before: int | None, as_json: bool) -> None:
    """List entries, newest first."""
    query = find_entries(actor=actor, act=AuditAct(act) if act else None)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    columns = ("id", "at", "actor", "act", "target", "result", "detail")
    with product().database.reading() as session:
        entries = session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit))
        rows = [{name: getattr(entry, name) for name in columns} for entry in entries]
    print_rows(rows, as_json=as_json)


@group.command("verify")
@as_json
def verify(as_json: bool) -> None:
    """Verify the log: 0 nothing is wrong, 1 something is, 2 it could not be told. Seals: `flask consents verify`."""
    with unable():
        report = verify_audit(product().database)
    print_report(report, as_json=as_json)
    sys.exit(WRONG if report.problem_count else 0)
