"""A test letter to oneself, and what follows once an edition is on its way."""

from flask import render_template, url_for
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as BaseResponse

from app.admins.models import AuditAct, Role
from app.clock import now
from app.digests.coverage import call_off
from app.editions.audience import (
    pause_edition,
    resume_edition,
    send_test,
)
from app.editions.counts import read_progress
from app.editions.outcomes import read_outcomes
from app.mail.address import parse_address
from app.web import product
from app.web.admin import EDITION, bp
from app.web.admin.access import needs, require
from app.web.admin.acts import note_act
from app.web.admin.editions.drafts import load_edition


@bp.post(f"{EDITION}/test")
@needs(Role.EDITOR)
def test_submit(edition_id: int) -> BaseResponse:
    """Send one copy to oneself; there is no field for another address."""
    address = parse_address(require().email).ascii
    with product().database.transaction() as session:
        send_test(session, edition_id=edition_id, address=address, now=now())
        note_act(session, AuditAct.EDITION_TESTED, f"edition:{edition_id}")
    return redirect(url_for("admin.edition", edition_id=edition_id, note="test"), code=303)


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
        outcomes = read_outcomes(session, edition=edition, now=now())
        figures = read_progress(session, edition=edition, outcomes=outcomes, now=now())
    return render_template("admin/editions/cancel.html", edition=edition, progress=figures)


@bp.post(f"{EDITION}/cancel")
@needs(Role.PUBLISHER)
def cancel_submit(edition_id: int) -> BaseResponse:
    """Give up the copies that wait; what has left has left."""
    with product().database.transaction() as session:
        call_off(session, edition_id=edition_id, actor=require().email, now=now())
        note_act(session, AuditAct.EDITION_CANCELLED, f"edition:{edition_id}")
    return redirect(url_for("admin.edition", edition_id=edition_id, note="cancelled"), code=303)
