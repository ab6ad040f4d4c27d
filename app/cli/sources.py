"""`flask sources`: feeds."""

import click
from rich.console import Console
from sqlalchemy import select

from app.admins.models import AuditAct
from app.articles.intake import fetch_due
from app.articles.models import Source
from app.articles.sources import add_source
from app.cli.acts import note_act
from app.cli.output import Commands, Row, as_json, print_row, print_rows
from app.clock import now
from app.web import product


@click.group("sources", cls=Commands)
def group() -> None:
    """Add, list and fetch feeds."""


@group.command("add")
@click.argument("location")
@click.option("--language", type=click.Choice(["fr", "en"]), help="The feed's language; else the feed says it itself.")
@click.option("--name", help="The name shown beside its articles; else the feed's own title.")
@as_json
def add(location: str, language: str | None, name: str | None, as_json: bool) -> None:
    """Add a feed: RSS, Atom or JSON Feed, by URL or by path."""
    with product().database.transaction() as session:
        source = add_source(session, location=location, language=language, name=name, now=now())
        row = _row(source)
        note_act(session, AuditAct.SOURCE_ADDED, f"source:{source.id}")
    print_row(row, as_json=as_json)


@group.command("list")
@as_json
def list_sources(as_json: bool) -> None:
    """List feeds, with the reason where one could not be read."""
    with product().database.reading() as session:
        rows = [_row(source) for source in session.scalars(select(Source).order_by(Source.id))]
    print_rows(rows, as_json=as_json)


@group.command("fetch")
@click.argument("ids", nargs=-1, type=int)
@as_json
def fetch(ids: tuple[int, ...], as_json: bool) -> None:
    """Fetch feeds now, all active ones or those named; one that fails never stops the others."""
    wired = product()
    console = Console(stderr=True)
    with console.status("fetching feeds"):
        reports = fetch_due(wired.database, settings=wired.config.fetch, now=now(), only=ids or None, is_forced=True)
    rows = [{"id": each.source_id, "new": each.new, "failure": each.failure} for each in reports]
    print_rows(rows, as_json=as_json)


def _row(source: Source) -> Row:
    return {
        "id": source.id,
        "name": source.name,
        "language": source.language,
        "location": source.location,
        "is_active": source.is_active,
        "fetched_at": source.fetched_at,
        "failure": source.failure,
    }
