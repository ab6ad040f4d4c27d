"""What became of a draft so far."""

from flask import render_template

from app.admins.models import Role
from app.editions.editor import titles_of
from app.editions.events import events_of
from app.editions.history import revisions_of
from app.editions.models import EditionStatus
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
