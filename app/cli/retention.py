"""`flask retention`: what is kept too long goes, or is told."""

import click

from app.cli.output import Commands, as_json, print_rows
from app.clock import now
from app.clocks import rules
from app.keeping.duties import Keeping, count_due, run_clocks
from app.web import product


@click.group("retention", cls=Commands)
def group() -> None:
    """How long things are kept."""


@group.command("run")
@click.option("--dry-run", is_flag=True, help="Only tell how much is due.")
@as_json
def run(dry_run: bool, as_json: bool) -> None:
    """Let all clocks strike, as the scheduler does, until nothing is due; tell what was due and what was done."""
    wired = product()
    keeping = Keeping(wired.config, now())
    due = count_due(wired.database, keeping)
    done = {} if dry_run else run_clocks(wired.database, keeping)
    rows = [
        {
            "clock": rule.name,
            "settings": " ".join(rule.settings),
            "due": due[rule.name].count,
            "oldest": due[rule.name].oldest,
            "done": done.get(rule.name),
        }
        for rule in rules(wired.config.retention, "en")
    ]
    print_rows(rows, as_json=as_json)
