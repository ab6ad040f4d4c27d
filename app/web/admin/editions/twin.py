"""A draft and its twin in the other language, edited next to each other, story by story."""

from dataclasses import dataclass

from flask import render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import Role
from app.clock import now
from app.editions.compose import newsletter_of
from app.editions.history import History, read_history
from app.editions.introduction import introduction_html
from app.editions.lines import Line
from app.editions.models import Edition, EditionStatus
from app.editions.twins import rows_of, twin_of
from app.web import product
from app.web.admin import EDITION, bp
from app.web.admin.access import needs
from app.web.admin.editions.drafts import WITHOUT_OTHERS, load_edition


@dataclass(frozen=True)
class Side:
    """One of the two: the edition, what became of it so far, and how its introduction looks."""

    edition: Edition
    history: History
    introduction: Markup

    @property
    def is_draft(self) -> bool:
        """Whether it can be changed."""
        return self.edition.status is EditionStatus.DRAFT


@bp.get(f"{EDITION}/twin")
@needs(Role.VIEWER)
def twin(edition_id: int) -> str | Response:
    """Show an edition beside the one of the same time in the other language, to be edited while they are drafts.

    One of a newsletter of one language has none, and is shown alone.
    """
    with product().database.reading() as session:
        edition = load_edition(session, edition_id, WITHOUT_OTHERS)
        line = Line.of(session, edition)
        other = twin_of(session, edition, line)
        rows = rows_of(session, edition, other, line, now=now()) if other else ()
        pair = sorted(filter(None, (edition, other)), key=lambda each: each.language, reverse=True)
        newsletter = None if other else newsletter_of(session, edition)
        sides = [_side(session, each) for each in pair]
    others = [code for code in newsletter.language_codes if code != edition.language] if newsletter else []
    if newsletter and not others:
        return redirect(url_for("admin.edition", edition_id=edition_id))
    return render_template(
        "admin/editions/twin.html",
        edition=edition,
        sides=sides if other else [],
        rows=rows,
        newsletter=newsletter,
        shown=request.args.get("show", edition_id, type=int),
        others=others,
    )


def _side(session: Session, edition: Edition) -> Side:
    return Side(edition, read_history(session, edition.id), introduction_html(edition.introduction, edition.language))
