"""Bringing readers along: a list is handed in, its columns are matched, it is looked through, imported, reported on."""

from contextlib import closing
from datetime import datetime
from typing import IO

from flask import Response, render_template, request, send_file, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as BaseResponse

from app.admins.models import AuditAct, Role
from app.clock import now
from app.errors import InputRefused, ListRefused, NewsletterClosed, NotFound
from app.newsletters.models import Newsletter
from app.subscriptions.newcomers.columns import Column, check_places
from app.subscriptions.newcomers.files import ImportFiles
from app.subscriptions.newcomers.imports import Provenance, check_provenance
from app.subscriptions.newcomers.lists import RowFault, read_day
from app.subscriptions.newcomers.models import Import, ImportStatus
from app.subscriptions.newcomers.planning import (
    Plan,
    add_import,
    cancel_import,
    hold_import,
    newest_imports,
    start_check,
    start_import,
)
from app.subscriptions.newcomers.raw import read_layout
from app.subscriptions.newcomers.running import due_imports, resting_imports
from app.web import product
from app.web.admin import bp
from app.web.admin.access import desk_language, needs, require
from app.web.admin.acts import note_act
from app.web.admin.choice import read_choice
from app.web.security import MAX_BODY_BYTES

IMPORT = f"/readers/imports/<int(max={2**31 - 1}):import_id>"
SHOWN_IMPORTS = 20
REFUSED = 422
#: How often the page that follows an import asks for figures, in seconds.
ASK_EVERY_S = 1


class PlanRefused(Exception):
    """What was typed makes no plan; `problem` names the field, as the template has words for it."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@bp.get("/readers/imports")
@needs(Role.ADMIN)
def imports() -> str:
    """List the last imports, and offer to begin one."""
    return _list()


@bp.post("/readers/imports")
@needs(Role.ADMIN)
def imports_submit() -> BaseResponse | tuple[str, int]:
    """Take a list in, piece by piece, and lead to its columns."""
    settings = product().config.imports
    request.max_content_length = settings.max_bytes + MAX_BODY_BYTES
    try:
        upload = request.files.get("list")
        if upload is None:
            return _list("none"), REFUSED
        with closing(upload):
            import_id = _take_in(upload.stream, upload.filename or "")
    except RequestEntityTooLarge:
        return _list("large"), 413
    except ListRefused as error:
        return _list(error.fault), REFUSED
    except NewsletterClosed:
        return _list("closed"), REFUSED
    return redirect(url_for("admin.import_page", import_id=import_id), code=303)


@bp.get(IMPORT)
@needs(Role.ADMIN)
def import_page(import_id: int) -> str:
    """Show an import: its columns, how far it is, or what came of it."""
    return _page(import_id)


@bp.get(f"{IMPORT}/progress")
@needs(Role.ADMIN)
def import_progress(import_id: int) -> Response | str:
    """Show how far an import is, for the script that follows it; once it is over, or rests, have the page made anew."""
    with product().database.reading() as session:
        found = _read(session, import_id)
        is_going_on = session.scalar(due_imports().where(Import.id == import_id)) is not None
    if not is_going_on:
        return Response(status=204, headers={"HX-Refresh": "true"})
    return render_template("admin/readers/_import_progress.html", found=found)


@bp.post(f"{IMPORT}/check")
@needs(Role.ADMIN)
def import_check_submit(import_id: int) -> BaseResponse | tuple[str, int]:
    """Have a list looked through as the form says."""
    try:
        with product().database.transaction() as session:
            found = hold_import(session, import_id)
            start_check(session, found, _asked_plan(session, found, now()), now=now())
            note_act(session, AuditAct.LIST_CHECKED, f"import:{import_id}")
    except PlanRefused as error:
        return _page(import_id, problem=error.problem), REFUSED
    return _back(import_id)


@bp.post(f"{IMPORT}/start")
@needs(Role.ADMIN)
def import_start_submit(import_id: int) -> BaseResponse | tuple[str, int]:
    """Add the readers of a list that was looked through."""
    try:
        with product().database.transaction() as session:
            start_import(session, hold_import(session, import_id))
            note_act(session, AuditAct.IMPORT_STARTED, f"import:{import_id}")
    except NewsletterClosed:
        return _page(import_id, problem="closed"), REFUSED
    return _back(import_id)


@bp.post(f"{IMPORT}/cancel")
@needs(Role.ADMIN)
def import_cancel_submit(import_id: int) -> BaseResponse:
    """Go no further with a list."""
    with product().database.transaction() as session:
        cancel_import(session, hold_import(session, import_id), now=now())
        note_act(session, AuditAct.IMPORT_CANCELLED, f"import:{import_id}")
    _files().drop_list(import_id)
    return _back(import_id)


@bp.post(f"{IMPORT}/report")
@needs(Role.ADMIN)
def import_report_submit(import_id: int) -> Response:
    """Give the report as a file. Raises NotFound where there is none, or none here."""
    path = _files().report_of(import_id)
    if not path.exists():
        raise NotFound("there is no report")
    with product().database.transaction() as session:
        hold_import(session, import_id)
        note_act(session, AuditAct.IMPORT_REPORTED, f"import:{import_id}")
    return send_file(path, mimetype="text/csv", as_attachment=True, download_name=f"import-{import_id}.csv")


def _take_in(upload: IO[bytes], name: str) -> int:
    files, settings = _files(), product().config.imports
    received = files.receive(upload, max_bytes=settings.max_bytes)
    try:
        layout = read_layout(received)
        with product().database.transaction() as session:
            newsletter = read_choice(session).newsletter
            added = add_import(
                session,
                newsletter_id=newsletter.id,
                name=name,
                size_bytes=received.stat().st_size,
                layout=layout,
                language=newsletter.in_language(desk_language()).language,
                actor=require().email,
                reported_in=desk_language(),
                now=now(),
            )
            files.keep(received, added.id)
            note_act(session, AuditAct.LIST_RECEIVED, f"import:{added.id}", f"octets {added.size_bytes}")
    finally:
        received.unlink(missing_ok=True)
    return added.id


def _asked_plan(session: Session, found: Import, at: datetime) -> Plan:
    """Return the plan that the form holds. Raises PlanRefused."""
    places = {}
    for column in Column:
        typed = request.form.get(f"column-{column.value}", "")
        if typed.isascii() and typed.isdigit() and len(typed) < 4:
            places[column] = int(typed)
    try:
        check_places(places, len(found.header))
    except InputRefused:
        raise PlanRefused("columns") from None
    language = request.form.get("letters_language", "")
    languages = session.get_one(Newsletter, found.newsletter_id).language_codes
    return Plan(places, language if language in languages else found.language, _asked_provenance(at))


def _asked_provenance(at: datetime) -> Provenance | None:
    source, day = request.form.get("source", "").strip(), request.form.get("consented_on", "").strip()
    if not source and not day:
        return None
    if not source or not day:
        raise PlanRefused("half")
    try:
        consented_at = read_day(day)
    except InputRefused:
        raise PlanRefused("day") from None
    if consented_at > at:
        raise PlanRefused("day")
    provenance = Provenance(source, consented_at)
    try:
        check_provenance(provenance, at)
    except InputRefused:
        raise PlanRefused("source") from None
    return provenance


def _read(session: Session, import_id: int) -> Import:
    found = session.get(Import, import_id)
    if found is None:
        raise NotFound(f"no import {import_id}")
    return found


def _page(import_id: int, *, problem: str | None = None) -> str:
    with product().database.reading() as session:
        found = _read(session, import_id)
        is_resting = session.scalar(resting_imports().where(Import.id == import_id)) is not None
        choice = read_choice(session)
        languages = session.get_one(Newsletter, found.newsletter_id).language_codes
    path = _files().list_of(import_id)
    may_plan = found.status in {ImportStatus.RECEIVED, ImportStatus.CHECKED}
    return render_template(
        "admin/readers/import.html",
        found=found,
        is_resting=is_resting,
        newsletter=choice.names(desk_language()).get(found.newsletter_id),
        columns=Column,
        sample=read_layout(path).sample if may_plan and path.exists() else (),
        shown=[(line, column, RowFault(str(fault)).sentence) for line, column, fault in found.shown],
        has_report=found.report_bytes > 0 and _files().report_of(import_id).exists(),
        max_rows=product().config.imports.max_rows,
        languages=languages,
        ask_every_s=ASK_EVERY_S,
        problem=problem,
        form=request.form,
    )


def _list(problem: str | None = None) -> str:
    with product().database.reading() as session:
        choice = read_choice(session)
        found = session.scalars(newest_imports(SHOWN_IMPORTS)).all()
        resting = session.scalars(resting_imports()).all()
    max_mb = product().config.imports.max_mb
    return render_template(
        "admin/readers/imports.html",
        found=found,
        resting=resting,
        choice=choice,
        names=choice.names(desk_language()),
        problem=problem,
        max_mb=max_mb,
    )


def _files() -> ImportFiles:
    return ImportFiles(product().config.imports_dir)


def _back(import_id: int) -> BaseResponse:
    return redirect(url_for("admin.import_page", import_id=import_id), code=303)
