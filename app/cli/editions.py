"""`flask editions`: compile, look, send, follow."""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta

import click
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.admins.models import AuditAct
from app.cli.acts import note_act
from app.cli.findings import finding_row, print_findings
from app.cli.meant import ROW_ID, newsletter_option
from app.cli.output import Commands, Row, as_json, counted, print_row, print_rows
from app.clock import now
from app.delivery.models import OPEN
from app.delivery.route import stopped_senders
from app.delivery.senders import SenderState
from app.delivery.warm_ups import letters_left
from app.digests.newsletters import find_by_slug, find_meant
from app.editions.audience import edition_counts
from app.editions.compile import compile_edition
from app.editions.compose import preview
from app.editions.events import pause_reason
from app.editions.models import Edition, EditionStatus, whole_editions
from app.editions.progress import Cause, count_progress
from app.editions.retry import Retry, count_retry, retry_copies
from app.errors import NotFound
from app.gate.findings import Check, Level
from app.gate.looking import Look, look_at, read_sight
from app.gate.starting import start_looked_at
from app.newsletters.models import Newsletter
from app.web import product


@click.group("editions", cls=Commands)
def group() -> None:
    """Compile and send editions."""


@group.command("compile")
@click.option("--language", type=click.Choice(["fr", "en"]), required=True)
@click.option("--since", type=click.DateTime(), help="Take articles that arrived from this UTC time on.")
@click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 200))
@newsletter_option
@as_json
def compile_command(language: str, since: datetime | None, limit: int, slug: str | None, as_json: bool) -> None:
    """Compile a digest from the articles that no edition has carried yet."""
    at = now()
    with product().database.transaction() as session:
        newsletter = find_meant(session, slug)
        compilation = compile_edition(
            session,
            newsletter=newsletter,
            language=language,
            since=since.replace(tzinfo=at.tzinfo) if since else None,
            until=at,
            now=at,
            limit=limit,
            half_life=product().config.story_half_life,
        )
        detail = f"{language} {compilation.outcome.value} {compilation.edition_id or ''}".strip()
        note_act(session, AuditAct.EDITION_COMPILED, f"newsletter:{newsletter.id}", detail)
        edition = session.get(Edition, compilation.edition_id) if compilation.edition_id else None
        row = {
            "id": compilation.edition_id,
            "outcome": compilation.outcome.value,
            "articles": len(edition.items) if edition else 0,
            "subject": edition.subject if edition else None,
        }
    print_row(row, as_json=as_json)


@group.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@click.option("--newsletter", "slug", metavar="SLUG", help="Only those of this newsletter.")
@as_json
def list_editions(limit: int, slug: str | None, as_json: bool) -> None:
    """List editions, newest first."""
    with product().database.reading() as session:
        query = whole_editions().order_by(Edition.id.desc()).limit(limit)
        if slug:
            query = query.where(Edition.newsletter_id == find_by_slug(session, slug).id)
        slugs = _slugs(session)
        rows = [_row(edition, slugs) for edition in session.scalars(query)]
    print_rows(rows, as_json=as_json)


@group.command("show")
@click.argument("edition_id", metavar="ID", type=ROW_ID)
@as_json
def show(edition_id: int, as_json: bool) -> None:
    """Show one edition and its articles in order, with the titles that readers see."""
    with product().database.reading() as session:
        edition = find_edition(session, edition_id)
        row = dict(_row(edition, _slugs(session)))
        items = [
            {"position": item.position, "article": item.article_id, "title": item.shown_title,
             "source": item.article.source.name if item.article.source else None, "link": item.article.link}
            for item in edition.items
        ]  # fmt: skip
    if as_json:
        print_row({**row, "items": items}, as_json=True)
        return
    print_row(row, as_json=False)
    print_rows(items, as_json=False)


@group.command("preview")
@click.argument("edition_id", metavar="ID", type=ROW_ID)
@click.option("--text", "as_text", is_flag=True, help="The text part instead of the HTML part.")
def preview_command(edition_id: int, as_text: bool) -> None:
    """Print the letter as a reader would get it, without personal links."""
    wired = product()
    with wired.database.reading() as session:
        letter = preview(
            session, edition=find_edition(session, edition_id), config=wired.config, links=wired.links, now=now()
        )
    click.echo(letter.text if as_text else letter.html)


@group.command("check")
@click.argument("edition_id", metavar="ID", type=ROW_ID)
@as_json
def check(edition_id: int, as_json: bool) -> None:
    """Show what the gate finds of an edition that has not started; exit code 1 where something fails."""
    look = look_at_edition(edition_id)
    found = [finding for each in Check for finding in look.of(each)]
    if as_json:
        rows = [finding_row(finding) for finding in found]
        skipped = sorted(each.value for each in look.skipped)
        summary = {"edition": edition_id, "readers": look.readers, "html_kb": look.html_kb, "skipped": skipped}
        print_row({**summary, "blocking": sorted(look.blocking), "findings": rows}, as_json=True)
    else:
        print_findings(found)
    if look.blocking:
        raise click.exceptions.Exit(1)


@group.command("send")
@click.argument("edition_id", metavar="ID", type=ROW_ID)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", is_flag=True, help="Show progress until no copy is open; a worker must be running.")
@click.option("--override", metavar="REASON", default="", help="Send in spite of what fails, for this reason.")
def send(edition_id: int, yes: bool, wait: bool, override: str) -> None:
    """Send an edition to all confirmed readers of its language, if nothing fails that `check` shows."""
    wired, at, look = product(), now(), look_at_edition(edition_id)
    with wired.database.reading() as session:
        left = letters_left(session, newsletter_id=look.edition.newsletter_id, readers=look.readers, now=at)
        is_alone = len(_slugs(session)) == 1
    if look.superseded:
        click.echo(f"Given up for it: {counted(look.superseded, 'copy', 'copies')} of earlier editions.", err=True)
    if left is not None:
        click.echo(f"The newsletter warms up: at most {min(look.readers, left)} copies go today.", err=True)
    print_findings(finding for finding in look.findings if finding.level is not Level.OK)
    if not yes:
        whose = "" if is_alone else f" of {look.newsletter.in_language(look.edition.language).name}"
        click.confirm(f"Send “{look.edition.subject}” to {counted(look.readers, 'reader')}{whose}?", abort=True)
    blocking = " ".join(sorted(look.blocking))
    with wired.database.transaction() as session:
        copies = start_looked_at(
            session, look, actor="cli", reason=override, shown=look.blocking, config=wired.config, now=at,
            announce=wired.announce,
        )  # fmt: skip
        if blocking:
            note_act(session, AuditAct.EDITION_OVERRIDDEN, f"edition:{edition_id}", f"{blocking}: {override}")
        note_act(session, AuditAct.EDITION_STARTED, f"edition:{edition_id}", f"copies {copies}")
    click.echo(f"Queued: {counted(copies, 'copy', 'copies')}.")
    if wait:
        _follow(edition_id, copies)


@group.command("status")
@click.argument("edition_id", metavar="ID", type=ROW_ID)
@as_json
def status(edition_id: int, as_json: bool) -> None:
    """Show how far an edition is: its copies by state, its pace, and why copies did not arrive."""
    with product().database.reading() as session:
        edition = find_edition(session, edition_id)
        progress = count_progress(session, edition=edition, now=now())
        reason = pause_reason(session, edition_id) if edition.status is EditionStatus.PAUSED else None
        stopped = [_sender_row(sender) for sender in stopped_senders(session, now=now())]
    row = {
        "id": edition.id,
        "status": edition.status.value,
        "paused_for": reason.value if reason else None,
        "copies": progress.total,
        **{state.value: count for state, count in progress.by_state()},
        "awaiting_warm_up": progress.warming,
        "per_minute": round(progress.per_minute, 1),
        "ends_at": progress.ends_at,
    }
    causes = [_cause_row(cause) for cause in progress.causes]
    if as_json:
        print_row({**row, "causes": causes, "stopped_senders": stopped}, as_json=True)
        return
    print_row(row, as_json=False)
    for rows in (stopped, causes):
        if rows:
            print_rows(rows, as_json=False)


@group.command("retry")
@click.argument("edition_id", metavar="ID", type=ROW_ID)
@click.option("--uncertain", "retry", flag_value=Retry.UNCERTAIN.value, help="Copies that may have arrived or not.")
@click.option("--rejected", "retry", flag_value=Retry.REJECTED.value, help="Copies refused for a fault of ours.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def retry_command(edition_id: int, retry: str | None, yes: bool) -> None:
    """Try copies once more that had come to an end."""
    if retry is None:
        raise click.UsageError("say which copies: --uncertain or --rejected")
    which = Retry(retry)
    with product().database.reading() as session:
        copies = count_retry(session, edition=find_edition(session, edition_id), retry=which, now=now())
    if which is Retry.UNCERTAIN:
        click.echo("Readers whose copy did arrive may get it twice.", err=True)
    if not yes:
        click.confirm(f"Try {counted(copies, 'copy', 'copies')} once more?", abort=True)
    with product().database.transaction() as session:
        copies = retry_copies(session, edition_id=edition_id, retry=which, actor="cli", now=now())
        note_act(session, AuditAct.EDITION_RETRIED, f"edition:{edition_id}", f"{which.value} copies {copies}")
    click.echo(f"Queued: {counted(copies, 'copy', 'copies')}.")


def _follow(edition_id: int, copies: int) -> None:
    """Show progress until nothing is open; give up after ten minutes without any change."""
    last, changed_at = -1, now()
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("sending", total=copies)
        while last != copies:
            with product().database.reading() as session:
                counts = edition_counts(session, edition_id)
            settled = copies - sum(counts.get(state, 0) for state in OPEN)
            if settled != last:
                last, changed_at = settled, now()
                progress.update(task, completed=settled)
            elif now() - changed_at > timedelta(minutes=10):
                raise click.ClickException("nothing has moved for ten minutes; is a worker running?")
            time.sleep(0.5)


def look_at_edition(edition_id: int) -> Look:
    """Return what the gate finds of an edition that would leave now."""
    wired, at = product(), now()
    with wired.database.snapshot() as session:
        sight = read_sight(session, find_edition(session, edition_id), config=wired.config, now=at)
    return look_at(sight, config=wired.config, links=wired.links, now=at)


def find_edition(session: Session, edition_id: int) -> Edition:
    """Return an edition. Raises NotFound."""
    edition = session.get(Edition, edition_id)
    if edition is None:
        raise NotFound(f"no edition {edition_id}")
    return edition


def _sender_row(sender: SenderState) -> dict[str, object]:
    return {
        "sender": sender.name,
        "since": sender.since.isoformat(),
        "next_try_at": sender.next_try_at.isoformat(),
        "fault": sender.fault,
        "reply": f"{sender.code or ''} {sender.text}".strip(),
    }


def _cause_row(cause: Cause) -> Row:
    meaning = cause.meaning
    return {
        "state": cause.state.value,
        "meaning": meaning.name.lower().replace("_", "-") if meaning else None,
        "fault": meaning.fault.value if meaning and meaning.fault else None,
        "copies": cause.count,
        "explanation": meaning.sentence if meaning else None,
        "sample": cause.sample,
    }


def _slugs(session: Session) -> dict[int, str]:
    """Return how commands name the newsletters that there are, by id."""
    return {each.id: each.slug for each in session.scalars(select(Newsletter))}


def _row(edition: Edition, slugs: Mapping[int, str]) -> Row:
    return {
        "id": edition.id,
        "newsletter": slugs[edition.newsletter_id],
        "kind": edition.kind.value,
        "language": edition.language,
        "status": EditionStatus(edition.status).value,
        "subject": edition.subject,
        "since": edition.since,
        "until": edition.until,
        "started_at": edition.started_at,
        "finished_at": edition.finished_at,
    }
