"""`flask newsletters template`: a newsletter's own letter template, tried and put in force."""

from typing import TextIO

import click

from app.admins.models import AuditAct
from app.cli.acts import note_act, system_actor
from app.cli.findings import print_findings
from app.cli.meant import ROW_ID
from app.cli.newsletters import group
from app.cli.output import as_json, print_rows
from app.clock import now
from app.digests.newsletters import find_by_slug
from app.errors import InputRefused
from app.gate.trials import save_trial, try_template
from app.newsletters.templates import (
    product_template,
    put_in_force,
    read_template,
    read_version,
    versions_of,
    without_source,
)
from app.web import product


@group.group("template")
@click.argument("slug")
@click.pass_context
def template(context: click.Context, slug: str) -> None:
    """The letter template of a newsletter's own; SLUG names the newsletter."""
    context.obj = slug


@template.command("show")
@click.option("--version", type=ROW_ID, help="An older or newer one than that in force.")
@click.pass_obj
def show_template(slug: str, version: int | None) -> None:
    """Print the template in force, the product's where the newsletter has none of its own."""
    with product().database.reading() as session:
        newsletter = find_by_slug(session, slug)
        if version is None:
            source = read_template(newsletter) or product_template()
        else:
            source = read_version(session, newsletter_id=newsletter.id, version=version).source
    click.echo(source, nl=False)


@template.command("versions")
@as_json
@click.pass_obj
def list_versions(slug: str, as_json: bool) -> None:
    """List the versions, the newest first."""
    with product().database.reading() as session:
        newsletter = find_by_slug(session, slug)
        rows = [
            {
                "version": each.version,
                "in_force": each.version == newsletter.template_version,
                "created_at": each.created_at,
                "author": each.author,
                "note": each.note,
            }
            for each in session.scalars(without_source(versions_of(newsletter.id)))
        ]
    print_rows(rows, as_json=as_json)


@template.command("set")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@click.option("--note", default="", help="What is new about it.")
@click.pass_obj
def set_template(slug: str, file: TextIO, note: str) -> None:
    """Try the template in FILE on every kind of letter; if it holds, save it as a new version and put it in force."""
    wired, at = product(), now()
    with wired.database.reading() as session:
        newsletter = find_by_slug(session, slug)
    trial = try_template(_read(file), newsletter=newsletter, config=wired.config, links=wired.links, now=at)
    print_findings(trial.findings)
    with wired.database.transaction() as session:
        version = save_trial(
            session, trial, newsletter_id=newsletter.id, note=note, author=system_actor(), now=at
        ).version
        put_in_force(session, newsletter_id=newsletter.id, version=version)
        note_act(session, AuditAct.TEMPLATE_SAVED, f"newsletter:{newsletter.id}", str(version))
        note_act(session, AuditAct.TEMPLATE_CHOSEN, f"newsletter:{newsletter.id}", str(version))
    click.echo(f"Version {version} is in force.")


@template.command("use")
@click.argument("version", type=ROW_ID)
@click.pass_obj
def use_version(slug: str, version: int) -> None:
    """Put a version in force that was saved before."""
    _choose(slug, version)
    click.echo(f"Version {version} is in force.")


@template.command("reset")
@click.pass_obj
def reset_template(slug: str) -> None:
    """Go back to the product's template; the newsletter's own versions stay."""
    _choose(slug, None)
    click.echo("The product's template is in force.")


def _read(file: TextIO) -> str:
    try:
        return file.read()
    except UnicodeDecodeError as error:
        raise InputRefused(f"{file.name} is not UTF-8: save it as UTF-8 and try again") from error


def _choose(slug: str, version: int | None) -> None:
    with product().database.transaction() as session:
        newsletter_id = find_by_slug(session, slug).id
        put_in_force(session, newsletter_id=newsletter_id, version=version)
        note_act(
            session, AuditAct.TEMPLATE_CHOSEN, f"newsletter:{newsletter_id}", None if version is None else str(version)
        )
