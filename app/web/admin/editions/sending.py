"""Sending an edition: a test letter to oneself, the real thing after a second look, and what follows it."""

from flask import Response, make_response, render_template, request, url_for
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as BaseResponse

from app.admins.models import AuditAct, Role
from app.clock import now
from app.digests.coverage import call_off
from app.editions.audience import (
    count_audience,
    count_superseded,
    pause_edition,
    resume_edition,
    send_test,
    start_edition,
)
from app.editions.compose import read_manuscript, set_letter
from app.editions.draft import fingerprint
from app.editions.models import EditionStatus
from app.editions.progress import read_progress
from app.editions.warm_up import read_warm_up_now
from app.errors import EditionChanged, TransitionRefused
from app.mail.address import parse_address
from app.web import product
from app.web.admin import EDITION, bp
from app.web.admin.access import needs, require
from app.web.admin.acts import note_act
from app.web.admin.editions.drafts import WITHOUT_OTHERS, load_edition
from app.web.admin.editions.run import read_run


@bp.post(f"{EDITION}/test")
@needs(Role.EDITOR)
def test_submit(edition_id: int) -> BaseResponse:
    """Send one copy to oneself; there is no field for another address."""
    address = parse_address(require().email).ascii
    with product().database.transaction() as session:
        send_test(session, edition_id=edition_id, address=address, now=now())
        note_act(session, AuditAct.EDITION_TESTED, f"edition:{edition_id}")
    return redirect(url_for("admin.edition", edition_id=edition_id, note="test"), code=303)


@bp.get(f"{EDITION}/send")
@needs(Role.PUBLISHER)
def send(edition_id: int) -> str | BaseResponse:
    """Show what would be sent and to how many, and ask once more."""
    return _second_look(edition_id)


@bp.post(f"{EDITION}/send")
@needs(Role.PUBLISHER)
def send_submit(edition_id: int) -> tuple[str | BaseResponse, int] | BaseResponse:
    """Start the run, once: a repeated press finds the edition running and shows it."""
    if "confirmed" not in request.form:
        return _second_look(edition_id, problem="unconfirmed"), 422
    try:
        _start(edition_id, seen=request.form.get("seen", ""))
    except EditionChanged:
        return _second_look(edition_id, problem="changed"), 409
    except TransitionRefused:
        pass  # it runs already, or has nothing in it: its own page says which
    return redirect(url_for("admin.edition", edition_id=edition_id), code=303)


@bp.get(f"{EDITION}/progress")
@needs(Role.VIEWER)
def progress(edition_id: int) -> Response:
    """Serve the figures of a run for the page that follows it; once it no longer runs, that page loads anew."""
    with product().database.reading() as session:
        edition = load_edition(session, edition_id, WITHOUT_OTHERS)
        run = read_run(session, edition=edition, now=now())
    response = make_response(render_template("admin/editions/_progress.html", edition=edition, run=run))
    if edition.status is not EditionStatus.SENDING:
        response.headers["HX-Redirect"] = url_for("admin.edition", edition_id=edition_id)
    return response


@bp.post(f"{EDITION}/pause")
@needs(Role.PUBLISHER)
def pause_submit(edition_id: int) -> BaseResponse:
    """Hold the copies that wait."""
    with product().database.transaction() as session:
        pause_edition(session, edition_id=edition_id, actor=require().email, now=now())
        note_act(session, AuditAct.EDITION_PAUSED, f"edition:{edition_id}")
    return redirect(url_for("admin.edition", edition_id=edition_id, note="paused"), code=303)


@bp.post(f"{EDITION}/resume")
@needs(Role.PUBLISHER)
def resume_submit(edition_id: int) -> BaseResponse:
    """Let them go on."""
    with product().database.transaction() as session:
        resume_edition(session, edition_id=edition_id, actor=require().email, now=now())
        note_act(session, AuditAct.EDITION_RESUMED, f"edition:{edition_id}")
    return redirect(url_for("admin.edition", edition_id=edition_id, note="resumed"), code=303)


@bp.get(f"{EDITION}/cancel")
@needs(Role.PUBLISHER)
def cancel(edition_id: int) -> str:
    """Ask before giving up what waits."""
    with product().database.reading() as session:
        edition = load_edition(session, edition_id)
        figures = read_progress(session, edition=edition, now=now())
    return render_template("admin/editions/cancel.html", edition=edition, progress=figures)


@bp.post(f"{EDITION}/cancel")
@needs(Role.PUBLISHER)
def cancel_submit(edition_id: int) -> BaseResponse:
    """Give up the copies that wait; what has left has left."""
    with product().database.transaction() as session:
        call_off(session, edition_id=edition_id, actor=require().email, now=now())
        note_act(session, AuditAct.EDITION_CANCELLED, f"edition:{edition_id}")
    return redirect(url_for("admin.edition", edition_id=edition_id, note="cancelled"), code=303)


def _start(edition_id: int, *, seen: str) -> None:
    """Start the edition as it was seen. Raises EditionChanged, TransitionRefused."""
    wired, at = product(), now()
    with wired.database.reading() as session:
        manuscript = read_manuscript(session, edition_id=edition_id, now=at)
    letter = set_letter(manuscript, config=wired.config, links=wired.links, now=at)
    if letter.fingerprint != seen:
        raise EditionChanged("the edition is another one now")
    with wired.database.transaction() as session:
        copies = start_edition(session, letter=letter, actor=require().email, now=at, announce=wired.announce)
        note_act(session, AuditAct.EDITION_STARTED, f"edition:{edition_id}", f"copies {copies}")


def _second_look(edition_id: int, *, problem: str | None = None) -> str | BaseResponse:
    with product().database.reading() as session:
        edition = load_edition(session, edition_id)
        readers = count_audience(session, edition=edition, now=now())
        superseded = count_superseded(session, edition=edition)
        warm_up = read_warm_up_now(session, newsletter_id=edition.newsletter_id, now=now())
    if edition.status is not EditionStatus.DRAFT:
        return redirect(url_for("admin.edition", edition_id=edition_id), code=303)
    return render_template(
        "admin/editions/send.html",
        edition=edition,
        readers=readers,
        superseded=superseded,
        warm_up=warm_up,
        seen=fingerprint(edition),
        problem=problem,
    )
