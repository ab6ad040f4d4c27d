"""Trying copies once more: a second look that says what it can cost, then the act."""

from flask import render_template, request, url_for
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.clock import now
from app.editions.retry import Retry, count_retry, retry_copies
from app.web import product
from app.web.admin import EDITION, bp
from app.web.admin.access import needs, require
from app.web.admin.acts import note_act
from app.web.admin.editions.drafts import load_edition

RETRY = f"{EDITION}/retry/<any(uncertain, rejected):which>"


@bp.get(RETRY)
@needs(Role.PUBLISHER)
def retry(edition_id: int, which: str) -> str:
    """Show how many copies would be tried once more, and ask."""
    return _second_look(edition_id, Retry(which))


@bp.post(RETRY)
@needs(Role.PUBLISHER)
def retry_submit(edition_id: int, which: str) -> Response | tuple[str, int]:
    """Queue them once more."""
    if "confirmed" not in request.form:
        return _second_look(edition_id, Retry(which), is_unconfirmed=True), 422
    with product().database.transaction() as session:
        copies = retry_copies(session, edition_id=edition_id, retry=Retry(which), actor=require().email, now=now())
        note_act(session, AuditAct.EDITION_RETRIED, f"edition:{edition_id}", f"{which} copies {copies}")
    return redirect(url_for("admin.edition", edition_id=edition_id, note="retried"), code=303)


def _second_look(edition_id: int, which: Retry, *, is_unconfirmed: bool = False) -> str:
    with product().database.reading() as session:
        edition = load_edition(session, edition_id)
        copies = count_retry(session, edition=edition, retry=which, now=now())
    return render_template(
        "admin/editions/retry.html", edition=edition, which=which.value, copies=copies, is_unconfirmed=is_unconfirmed
    )
