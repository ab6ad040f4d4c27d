"""`flask readership`: readers who came and left, by day."""

import click

from app.cli.output import Commands, as_json, print_rows
from app.readership.tallies import recount
from app.web import product


@click.group("readership", cls=Commands)
def group() -> None:
    """Readers who came and left, by day."""


@group.command("recount")
@as_json
def recount_(as_json: bool) -> None:
    """Count the whole ledger again, put right what differs, and print the differences.

    To be run after the newsroom's time zone was changed: the days are its own.
    """
    wired = product()
    differences = recount(wired.database, zone=wired.config.timezone)
    rows = [
        {
            "day": day.isoformat(),
            "newsletter": newsletter_id,
            "language": language,
            "joined": joined,
            "left": left,
            "moved": moved,
        }
        for (day, newsletter_id, language), (joined, left, moved) in differences.items()
    ]
    print_rows(rows, as_json=as_json)
