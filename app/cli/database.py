"""`flask db`: migrations, and the rows that a fresh or changed set-up needs."""

import itertools

import click
from flask import current_app
from flask_alembic.cli import cli as alembic_commands
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import i18n
from app.admins.models import AuditAct
from app.cli.acts import note_act
from app.cli.output import Commands
from app.clock import now
from app.digests.schedule import install_schedules
from app.jobs import fleet
from app.keeping.departing import keeper_of
from app.newsletters.defaults import install_defaults
from app.newsletters.models import Newsletter, WordingPurpose, current_policy, current_wording
from app.newsletters.wordings import audit_name
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


def texts_in_force(session: Session) -> set[tuple[AuditAct, str]]:
    """Return which wordings and which policy hold in each language, each with the act that brings in another one."""
    texts: set[tuple[AuditAct, str]] = set()
    newsletters = session.scalars(select(Newsletter)).all()
    for language in i18n.LANGUAGES:
        for newsletter, purpose in itertools.product(newsletters, WordingPurpose):
            for wording in session.scalars(current_wording(newsletter.id, language, purpose)):
                texts.add((AuditAct.WORDING_CHANGED, audit_name(newsletter.slug, wording)))
        for policy in session.scalars(current_policy(language)):
            texts.add((AuditAct.POLICY_CHANGED, f"policy:{language} {policy.version}"))
    return texts


def upgrade_database(target: str = "heads") -> None:
    """Migrate to `target`, install what the product needs to start, and replay departures where this is a restore."""
    current_app.extensions["alembic"].upgrade(target)
    if target != "heads":
        return
    wired = product()
    fleet.upgrade_schema(wired.config.database_url)
    with wired.database.transaction() as session:
        before = texts_in_force(session)
        install_defaults(session, wired.config, now())
        install_schedules(session, wired.config, now())
        for act, version in sorted(texts_in_force(session) - before):
            note_act(session, act, version)
    keeper_of(wired).keep(now())
