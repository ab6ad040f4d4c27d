"""`flask db`: migrations, and the rows that a fresh or changed set-up needs."""

import click
from flask import current_app
from flask_alembic.cli import cli as alembic_commands

from app.cli.acts import system_actor
from app.cli.output import Commands
from app.clock import now
from app.digests.schedule import install_schedules
from app.digests.texts import noting_new_texts
from app.jobs import fleet
from app.keeping.departing import keeper_of
from app.newsletters.defaults import install_defaults
from app.web import product


@click.group("db", cls=Commands)
@click.pass_context
def group(ctx: click.Context) -> None:
    """Migrate the database."""
    ctx.obj = current_app.extensions["alembic"]


for name in ("current", "check", "downgrade", "revision", "heads", "log"):
    group.add_command(alembic_commands.commands[name])


@group.command("upgrade")
@click.argument("target", default="heads")
def upgrade(target: str) -> None:
    """Run migrations, then store the newsletter, its schedules and the wordings in force; safe to repeat."""
    upgrade_database(target)
    click.echo("The database is up to date.")


def upgrade_database(target: str = "heads") -> None:
    """Migrate to `target`, install what the product needs to start, and replay departures where this is a restore."""
    current_app.extensions["alembic"].upgrade(target)
    if target != "heads":
        return
    wired = product()
    fleet.upgrade_schema(wired.config.database_url)
    with wired.database.transaction() as session:
        with noting_new_texts(session, actor=system_actor(), now=now()):
            install_defaults(session, wired.config, now())
        install_schedules(session, wired.config, now())
    keeper_of(wired).keep(now())
