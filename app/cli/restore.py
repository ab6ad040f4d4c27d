"""`flask restore`: after a database was restored, whoever departed since the dump stays so."""

import sys
from dataclasses import asdict

import click

from app.cli.output import Commands, as_json, print_row, print_rows
from app.clock import now
from app.keeping.departing import keeper_of
from app.web import product


@click.group("restore", cls=Commands)
def group() -> None:
    """Departures that a restored database has forgotten."""


@group.command("replay")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@as_json
def replay(dry_run: bool, as_json: bool) -> None:
    """Do again what the journals of departures tell and the database does not know; every start does so too."""
    keeper = keeper_of(product())
    replayed = keeper.would_replay() if dry_run else keeper.catch_up(now())
    print_row(asdict(replayed), as_json=as_json)


@group.command("status")
@as_json
def status(as_json: bool) -> None:
    """Tell how the journals stand against the database: exit code 1 where lines are missing on either side."""
    keeper = keeper_of(product())
    states = keeper.states()
    rows = [
        {
            "journal": state.journal_id,
            "file": str(state.path) if state.path else None,
            "known_lines": state.position,
            "lines": state.end,
            "missed": state.missed,
            "damaged": state.damaged,
            "is_lost": state.is_lost,
        }
        for state in states
    ]
    if as_json:
        print_row({"waiting": keeper.count_waiting(), "journals": rows}, as_json=True)
    else:
        click.echo(f"departures that wait to be written down: {keeper.count_waiting()}")
        print_rows(rows, as_json=False)
    is_well = any(not state.is_lost for state in states) and not any(state.missed or state.damaged for state in states)
    sys.exit(0 if is_well else 1)
