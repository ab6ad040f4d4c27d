"""`flask crash-drill`: show on invented readers that killed workers lose no letter."""

import secrets
import signal
import sys
from dataclasses import asdict

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from app.cli.output import as_json, print_row
from app.demo.drill import run_drill
from app.errors import AppError
from app.web import product


@click.command("crash-drill")
@click.option("--letters", default=2000, show_default=True, type=click.IntRange(100, 1_000_000), help="Readers.")
@click.option("--kills", default=3, show_default=True, type=click.IntRange(0, 100), help="Workers to kill.")
@click.option("--seed", type=int, help="Kill at the same moments as the drill that printed this number.")
@click.option("--database", metavar="URL", help="An empty PostgreSQL database, else one on SQLite is made.")
@as_json
@with_appcontext
def crash_drill(letters: int, kills: int, seed: int | None, database: str | None, as_json: bool) -> None:
    """Send to invented readers, kill workers on the way, and count: exit code 1 where a letter is lost.

    All of it is thrown away at the end. Your own database is not touched, and nothing leaves this machine.
    """
    signal.signal(signal.SIGTERM, _raise_interrupt)
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    if database is not None:
        _refuse_own(database)
    try:
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("", total=letters)
            result = run_drill(
                letters=letters,
                kills=kills,
                seed=seed,
                database_url=database,
                on_progress=lambda what, arrived: progress.update(task, description=what, completed=arrived),
            )
    except (AppError, OperationalError) as error:
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        raise click.ClickException(reason) from error
    faults = result.faults
    verdict = "; ".join(faults) or "the counts balance"
    print_row({"seed": seed, "kills": kills, **asdict(result), "verdict": verdict}, as_json=as_json)
    sys.exit(1 if faults else 0)


def _refuse_own(database: str) -> None:
    """Refuse the database of this set-up, even where it is empty."""
    try:
        given, own = make_url(database), make_url(product().config.database_url)
    except (ArgumentError, ValueError) as error:
        raise click.BadParameter("not the URL of a database", param_hint="--database") from error
    if (given.host, given.port, given.database) == (own.host, own.port, own.database):
        raise click.BadParameter("this is the database of your readers", param_hint="--database")


def _raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt
