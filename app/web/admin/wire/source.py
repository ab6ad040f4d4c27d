"""One feed: what is known of it, and the forms that change, stop and remove it."""

from collections.abc import Callable, Mapping

from flask import render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.articles.models import Article, Source
from app.articles.sources import change_source, has_articles, remove_source, resume_source, stop_source
from app.clock import now
from app.errors import FieldsRefused, NotFound, TransitionRefused
from app.i18n import LANGUAGES
from app.web import product
from app.web.admin import SOURCE, bp
from app.web.admin.access import needs
from app.web.admin.acts import note_act

#: Of what it brought.
SHOWN = 5


@bp.get(SOURCE)
@needs(Role.VIEWER)
def source(source_id: int) -> str:
    """Show how a feed does, and the form that changes it."""
    return _page(source_id)


@bp.post(SOURCE)
@needs(Role.PUBLISHER)
def source_change_submit(source_id: int) -> Response | tuple[str, int]:
    """Change the name, the language, and whether articles' pages are read."""
    form = request.form
    try:
        with product().database.transaction() as session:
            changed = change_source(
                session,
                source_id,
                name=form.get("name", ""),
                language=form.get("language", ""),
                takes_full_text="full_text" in form,
            )
            note_act(session, AuditAct.SOURCE_CHANGED, f"source:{source_id}", changed.name)
    except FieldsRefused as refusal:
        return _page(source_id, typed=form, faults=refusal.faults), 422
    return redirect(url_for("admin.source", source_id=source_id, note="source-changed"), code=303)


@bp.post(f"{SOURCE}/stop")
@needs(Role.PUBLISHER)
def source_stop_submit(source_id: int) -> Response | tuple[str, int]:
    """Read a feed no more."""
    return _act(source_id, lambda session: stop_source(session, source_id), AuditAct.SOURCE_STOPPED)


@bp.post(f"{SOURCE}/resume")
@needs(Role.PUBLISHER)
def source_resume_submit(source_id: int) -> Response | tuple[str, int]:
    """Read a feed again."""
    return _act(source_id, lambda session: resume_source(session, source_id, now=now()), AuditAct.SOURCE_RESUMED)


@bp.post(f"{SOURCE}/removal")
@needs(Role.PUBLISHER)
def source_removal_submit(source_id: int) -> Response | tuple[str, int]:
    """Forget a feed that never brought anything."""
    try:
        with product().database.transaction() as session:
            location = remove_source(session, source_id)
            note_act(session, AuditAct.SOURCE_REMOVED, f"source:{source_id}", location)
    except TransitionRefused:
        return _page(source_id, is_late=True), 409
    return redirect(url_for("admin.sources", note="source-removed"), code=303)


def _act(source_id: int, act: Callable[[Session], object], noted: AuditAct) -> Response | tuple[str, int]:
    try:
        with product().database.transaction() as session:
            act(session)
            note_act(session, noted, f"source:{source_id}")
    except TransitionRefused:
        return _page(source_id, is_late=True), 409
    return redirect(url_for("admin.source", source_id=source_id, note=noted.value), code=303)


def _page(
    source_id: int,
    *,
    typed: ImmutableMultiDict[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    is_late: bool = False,
) -> str:
    with product().database.reading() as session:
        found = session.get(Source, source_id)
        if found is None:
            raise NotFound(f"no source {source_id}")
        is_empty = not has_articles(session, source_id)
        of_it = select(Article).where(Article.source_id == source_id)
        # A feed tells the newest first, so that of one fetch the highest id is the oldest.
        newest = Article.added_at.desc(), Article.published_at.desc(), Article.id.desc()
        last = session.scalars(of_it.order_by(*newest).limit(SHOWN)).all()
    own = {"name": found.name, "language": found.language, "full_text": "yes" if found.takes_full_text else ""}
    return render_template(
        "admin/wire/source.html",
        source=found,
        is_empty=is_empty,
        last=last,
        choices=[*LANGUAGES, *({found.language}.difference(LANGUAGES))],
        shown=typed if typed is not None else own,
        faults=faults or {},
        is_late=is_late,
    )
