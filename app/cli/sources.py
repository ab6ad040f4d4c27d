"""`flask sources`: feeds."""

import json

import click
from rich.console import Console
from sqlalchemy import select

from app.admins.models import AuditAct
from app.articles.entries import Entry
from app.articles.floods import held_floods, let_through, refuse
from app.articles.intake import fetch_due, preview_feed
from app.articles.models import Source
from app.articles.sources import add_source, remove_source, resume_source, stop_source
from app.cli.acts import note_act
from app.cli.meant import ROW_ID
from app.cli.output import Commands, Row, as_json, counted, print_row, print_rows
from app.clock import now
from app.web import product

#: What of an article a table has room for.
SHOWN = ("title", "link", "published", "language")


@click.group("sources", cls=Commands)
def group() -> None:
    """Add, stop, list, preview and fetch feeds; decide on floods."""


@group.command("add")
@click.argument("location")
@click.option("--language", type=click.Choice(["fr", "en"]), help="The feed's language; else the feed says it itself.")
@click.option("--name", help="The name shown beside its articles; else the feed's own title.")
@click.option(
    "--full-text/--feed-only", default=None, help="Whether to read the article's page where the feed has a teaser only."
)
@as_json
def add(location: str, language: str | None, name: str | None, full_text: bool | None, as_json: bool) -> None:
    """Add a feed, or change one: RSS, Atom or JSON Feed, by URL or by path."""
    with product().database.transaction() as session:
        source = add_source(
            session, location=location, language=language, name=name, takes_full_text=full_text, now=now()
        )
        row = _row(source)
        note_act(session, AuditAct.SOURCE_ADDED, f"source:{source.id}")
    print_row(row, as_json=as_json)


@group.command("stop")
@click.argument("source_id", metavar="ID", type=ROW_ID)
def stop(source_id: int) -> None:
    """Read a feed no more; its articles stay."""
    with product().database.transaction() as session:
        stop_source(session, source_id)
        note_act(session, AuditAct.SOURCE_STOPPED, f"source:{source_id}")


@group.command("resume")
@click.argument("source_id", metavar="ID", type=ROW_ID)
def resume(source_id: int) -> None:
    """Read a feed again that was stopped, or that said it was gone."""
    with product().database.transaction() as session:
        resume_source(session, source_id, now=now())
        note_act(session, AuditAct.SOURCE_RESUMED, f"source:{source_id}")


@group.command("remove")
@click.argument("source_id", metavar="ID", type=ROW_ID)
def remove(source_id: int) -> None:
    """Forget a feed that never brought anything."""
    with product().database.transaction() as session:
        location = remove_source(session, source_id)
        note_act(session, AuditAct.SOURCE_REMOVED, f"source:{source_id}", location)


@group.command("list")
@as_json
def list_sources(as_json: bool) -> None:
    """List feeds, with the reason where one could not be read."""
    with product().database.reading() as session:
        rows = [_row(source) for source in session.scalars(select(Source).order_by(Source.id))]
    print_rows(rows, as_json=as_json)


@group.command("fetch")
@click.argument("ids", nargs=-1, type=ROW_ID)
@as_json
def fetch(ids: tuple[int, ...], as_json: bool) -> None:
    """Fetch feeds now, all active ones or those named; one that fails never stops the others."""
    wired = product()
    console = Console(stderr=True)
    with console.status("fetching feeds"):
        reports = fetch_due(wired.database, settings=wired.config.fetch, now=now, only=ids or None, is_forced=True)
    rows = [
        {
            "id": each.source_id,
            "new": each.new,
            "held": each.arrival.held,
            "revised": each.arrival.revised,
            "failure": each.failure,
        }
        for each in reports
    ]
    print_rows(rows, as_json=as_json)


@group.command("preview")
@click.argument("location", metavar="FILE|URL")
@as_json
def preview(location: str, as_json: bool) -> None:
    """Show what a feed would bring, by URL or by path. Nothing is stored."""
    feed = preview_feed(location, settings=product().config.fetch)
    if as_json:
        shown = {"title": feed.title, "language": feed.language, "articles": [_told(entry) for entry in feed.entries]}
        click.echo(json.dumps(shown, ensure_ascii=False))
    else:
        click.echo(f"{feed.title} ({feed.language or '?'})")
        print_rows([{name: _told(entry)[name] for name in SHOWN} for entry in feed.entries], as_json=False)


@group.command("floods")
@as_json
def floods(as_json: bool) -> None:
    """List what feeds brought that is unlike them, and that waits for a decision."""
    with product().database.reading() as session:
        rows = [
            {
                "id": each.id,
                "source": each.source.name,
                "reason": each.reason.value,
                "articles": each.number,
                "at": each.at,
            }
            for each in session.scalars(held_floods())
        ]
    print_rows(rows, as_json=as_json)


@group.command("pass")
@click.argument("flood_id", metavar="ID", type=ROW_ID)
def pass_flood(flood_id: int) -> None:
    """Let the articles of a flood into the next digest."""
    with product().database.transaction() as session:
        number = let_through(session, flood_id=flood_id, now=now())
        note_act(session, AuditAct.FLOOD_PASSED, f"flood:{flood_id}", f"articles {number}")
    click.echo(f"Free to leave: {counted(number, 'article')}")


@group.command("refuse")
@click.argument("flood_id", metavar="ID", type=ROW_ID)
def refuse_flood(flood_id: int) -> None:
    """Keep the articles of a flood out for good."""
    with product().database.transaction() as session:
        refuse(session, flood_id=flood_id, now=now())
        note_act(session, AuditAct.FLOOD_REFUSED, f"flood:{flood_id}")


def _told(entry: Entry) -> Row:
    published = entry.published_at.isoformat() if entry.published_at else None
    return {
        "title": entry.title,
        "link": entry.link,
        "published": published,
        "language": entry.language,
        "author": entry.authors or None,
        "summary": entry.summary,
        "text": entry.body,
        "image": entry.image_url,
        "guid": entry.guid,
    }


def _row(source: Source) -> Row:
    return {
        "id": source.id,
        "name": source.name,
        "language": source.language,
        "location": source.location,
        "is_active": source.is_active,
        "takes_full_text": source.takes_full_text,
        "fetched_at": source.fetched_at,
        "failure": source.failure,
    }
