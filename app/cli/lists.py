"""`flask subscribers import` and `export`: lists of readers, in and out."""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from app.admins.models import AuditAct
from app.cli.acts import note_act, system_actor
from app.cli.meant import ROW_ID, language_meant, language_option, newsletter_option
from app.cli.output import as_json, print_row
from app.cli.subscribers import group
from app.clock import now
from app.digests.newsletters import find_meant
from app.errors import InputRefused, NewsletterClosed, NotFound, TransitionRefused
from app.jobs.importing import new_owner, workshop
from app.readership.exporting import export_readers
from app.readership.filters import ReaderFilter
from app.readership.saved import filter_named
from app.subscriptions.newcomers.columns import places_named
from app.subscriptions.newcomers.files import ImportFiles
from app.subscriptions.newcomers.imports import Arrival, Provenance
from app.subscriptions.newcomers.lists import RowFault, read_day
from app.subscriptions.newcomers.models import Import, ImportStatus
from app.subscriptions.newcomers.planning import (
    Plan,
    add_import,
    cancel_import,
    delete_import,
    hold_import,
    start_check,
    start_import,
)
from app.subscriptions.newcomers.raw import read_layout
from app.subscriptions.newcomers.reports import REFUSED
from app.subscriptions.newcomers.running import resting_imports, work_on
from app.web import product

#: What a row may come to, in the order in which it is told.
OUTCOMES = (*(arrival.value for arrival in Arrival), REFUSED)
#: Between two lines that say how far it is, in seconds.
SAID_EVERY_S = 5.0
#: Seconds after which we look again whether an import is still somebody else's.
WAIT_S = 1.0


@group.command("import")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@language_option
@click.option("--map", "named", multiple=True, metavar="COLUMN=WORD",
              help="What the header calls a column, as email=Courriel; nothing behind = leaves it out.")  # fmt: skip
@click.option("--source", help="Where consent was given, for rows that do not say.")
@click.option("--consented-at", "--consented-on", "consented_on", metavar="DAY", help="When, like 2025-12-31.")
@click.option("--dry-run", is_flag=True, help="Only say what would come of it.")
@click.option("--resume", type=ROW_ID, metavar="ID", help="Go on with an import that was interrupted.")
@newsletter_option
@as_json
def import_list(
    file: Path | None, slug: str | None, language: str | None, named: Sequence[str], source: str | None,
    consented_on: str | None, dry_run: bool, resume: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Add the readers of a CSV file; those without source and date of their consent are held.

    The list is looked through first. Nobody who is known, has left, or may not be mailed is changed. What is
    interrupted goes on with --resume, or by itself where a scheduler runs.
    """
    if bool(source) != bool(consented_on):
        raise InputRefused("--source and --consented-at go together: one without the other proves nothing")
    if (file is None) == (resume is None):
        raise InputRefused("name a file, or with --resume an import")
    if dry_run and resume is not None:
        raise InputRefused("--dry-run is for a file; an import that was begun is gone on with, or let be")
    provenance = Provenance(source, read_day(consented_on)) if source and consented_on else None
    import_id = resume or 0 if file is None else _receive(file, slug, named, language, provenance)
    try:
        _go_through(import_id, file, is_trial=dry_run, as_json=as_json)
    except KeyboardInterrupt:
        if dry_run:
            _drop(import_id)
        else:
            click.echo(f"interrupted: --resume {import_id} goes on with it", err=True)
        raise


def _go_through(import_id: int, file: Path | None, *, is_trial: bool, as_json: bool) -> None:
    """Look an import through and, unless that is all that is wanted, add its readers; print what came of it."""
    found = _work(import_id)
    _name_bad_rows(found, file)
    if is_trial:
        _drop(import_id)
    elif found.status is ImportStatus.CHECKED:
        found = _import(import_id)
    told = {"encoding": found.encoding_name, "lines": found.line, **dict.fromkeys(OUTCOMES, 0), **found.counts}
    print_row(told if is_trial else {"import": import_id, **told}, as_json=as_json)
    if found.status is ImportStatus.REFUSED:
        raise InputRefused(f"a list may have {product().config.imports.max_rows} rows at most")


@group.command("export")
@click.option("--filter", "name", help="Only the readers of a filter that the desk has saved under this name.")
@newsletter_option
def export(name: str | None, slug: str | None) -> None:
    """Print the readers of a newsletter as CSV, which `import` reads back."""
    with product().database.transaction() as session:
        wanted = filter_named(session, name) if name else ReaderFilter()
        if slug and wanted.newsletter not in {None, slug}:
            raise InputRefused(f"the filter means the readers of {wanted.newsletter}")
        wanted = replace(wanted, newsletter=find_meant(session, slug or wanted.newsletter).slug)
        note_act(session, AuditAct.READERS_EXPORTED, "readers", ", ".join(sorted(wanted.as_query())) or None)
    for piece in export_readers(product().database, wanted):
        sys.stdout.write(piece)


def _receive(
    file: Path, slug: str | None, named: Sequence[str], language: str | None, provenance: Provenance | None
) -> int:
    """Take in a file to be looked through; return the import's id."""
    with product().database.reading() as session:
        newsletter = find_meant(session, slug)
    layout = read_layout(file)
    plan = Plan(places_named(layout.header, _names(named)), language_meant(newsletter, language), provenance)
    settings = product().config
    files = ImportFiles(settings.imports_dir)
    with file.open("rb") as upload:
        received = files.receive(upload, max_bytes=settings.imports.max_bytes)
    try:
        with product().database.transaction() as session:
            added = add_import(
                session,
                newsletter_id=newsletter.id,
                name=file.name,
                size_bytes=received.stat().st_size,
                layout=layout,
                language=plan.language,
                actor=system_actor(),
                reported_in="en",
                now=now(),
            )
            start_check(session, added, plan, now=now())
            files.keep(received, added.id)
    finally:
        received.unlink(missing_ok=True)
    return added.id


def _names(named: Sequence[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in named]
    if not all(sign for _, sign, _ in pairs):
        raise InputRefused("--map takes a column and the header's word, as email=Courriel")
    return {column: word for column, _, word in pairs}


def _work(import_id: int) -> Import:
    """Go on with an import until it is read through, and say how far it is."""
    owner, has_waited = new_owner(), False
    while True:
        is_ours = work_on(workshop(product()), import_id, owner=owner, limit_s=SAID_EVERY_S)
        with product().database.reading() as session:
            found = session.get(Import, import_id)
            is_resting = session.scalar(resting_imports().where(Import.id == import_id)) is not None
        if found is None:
            raise NotFound(f"no import {import_id}")
        if not found.status.is_at_work:
            return found
        if is_resting:
            raise NewsletterClosed(f"the newsletter was closed: --resume {import_id} goes on once it is open again")
        if not is_ours and not ImportFiles(product().config.imports_dir).list_of(import_id).exists():
            raise TransitionRefused("the file of this import is not on this machine")
        if not is_ours:
            if not has_waited:
                click.echo(
                    f"import {import_id}: waiting for the process that works on it, or did a minute ago", err=True
                )
            has_waited = True
            time.sleep(WAIT_S)
            continue
        click.echo(f"import {import_id}: {100 * found.position // found.size_bytes} %, line {found.line}", err=True)


def _import(import_id: int) -> Import:
    with product().database.transaction() as session:
        start_import(session, hold_import(session, import_id))
        note_act(session, AuditAct.IMPORT_STARTED, f"import:{import_id}")
    found = _work(import_id)
    if found.status is ImportStatus.DONE:
        click.echo(f"report: {ImportFiles(product().config.imports_dir).report_of(import_id)}", err=True)
    return found


def _drop(import_id: int) -> None:
    with product().database.transaction() as session:
        found = hold_import(session, import_id)
        if not found.status.is_over:
            cancel_import(session, found, now=now())
        delete_import(session, found)
    ImportFiles(product().config.imports_dir).drop(import_id)


def _name_bad_rows(found: Import, file: Path | None) -> None:
    for line, column, fault in found.shown:
        where = f"{column}: " if column else ""
        click.echo(f"{file or found.name}:{line}: {where}{RowFault(str(fault)).sentence}", err=True)
