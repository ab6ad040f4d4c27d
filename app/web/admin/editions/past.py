"""What became of a draft so far, and the same edition in the other language."""

from flask import render_template, request

from app.admins.models import Role
from app.editions.editor import titles_of
from app.editions.events import events_of
from app.editions.history import revisions_of
from app.editions.models import EditionStatus
from app.editions.twins import beside, twin_of
from app.web import product
from app.web.admin import EDITION, bp
from app.web.admin.access import needs
from app.web.admin.editions.drafts import load_edition


@bp.get(f"{EDITION}/history")
@needs(Role.EDITOR)
def history(edition_id: int) -> str:
    """List who changed what of an edition while it was a draft."""
    with product().database.reading() as session:
        edition = load_edition(session, edition_id)
        revisions = revisions_of(session, edition_id)
        titles = titles_of(session, revisions)
        events = events_of(session, edition_id)
    is_draft = edition.status is EditionStatus.DRAFT
    return render_template(
        "admin/editions/history.html",
        edition=edition,
        revisions=revisions,
        titles=titles,
        events=events,
        is_draft=is_draft,
    )


@bp.get(f"{EDITION}/twin")
@needs(Role.VIEWER)
def twin(edition_id: int) -> str:
    """Show an edition beside the one of the same time in the other language."""
    with product().database.reading() as session:
        edition = load_edition(session, edition_id)
        other = twin_of(session, edition)
        both = beside(session, edition, other) if other else ()
    pair = sorted(both, key=lambda each: each.edition.language, reverse=True)
    shown = request.args.get("show", edition.language)
    return render_template("admin/editions/twin.html", edition=edition, pair=pair, shown=shown)
