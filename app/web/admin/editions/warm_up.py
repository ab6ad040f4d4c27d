"""The warm-up of a newsletter whose sender is new: how it stands, and the acts that start and stop it."""

from datetime import date

from flask import render_template, request, url_for
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.clock import now
from app.delivery.warm_ups import day_of, read_warm_up, stop_warm_up
from app.digests.newsletters import find_newsletter
from app.editions.warm_up import plan_warm_up
from app.errors import InputRefused
from app.mail.warm_up import Allowance
from app.web import product
from app.web.admin import NEWSLETTER, bp
from app.web.admin.access import needs
from app.web.admin.acts import note_act

WARM_UP = f"{NEWSLETTER}/warm-up"


@bp.get(WARM_UP)
@needs(Role.VIEWER)
def warm_up(newsletter_id: int) -> str:
    """Show how the warm-up stands, or offer one."""
    return _page(newsletter_id)


@bp.post(WARM_UP)
@needs(Role.PUBLISHER)
def warm_up_submit(newsletter_id: int) -> Response | tuple[str, int]:
    """Start a warm-up."""
    try:
        starts_on = date.fromisoformat(request.form.get("on", ""))
        with product().database.transaction() as session:
            newsletter = find_newsletter(session, newsletter_id)
            plan_warm_up(session, newsletter_id=newsletter.id, starts_on=starts_on, now=now())
            note_act(session, AuditAct.WARM_UP_STARTED, f"newsletter:{newsletter_id}", starts_on.isoformat())
    except (ValueError, InputRefused):
        return _page(newsletter_id, problem="date", on=request.form.get("on")), 422
    return redirect(url_for("admin.warm_up", newsletter_id=newsletter_id, note="warm-up"), code=303)


@bp.post(f"{WARM_UP}/end")
@needs(Role.PUBLISHER)
def warm_up_end_submit(newsletter_id: int) -> Response | tuple[str, int]:
    """Stop it: what waits for it goes."""
    if "confirmed" not in request.form:
        return _page(newsletter_id, problem="unconfirmed"), 422
    with product().database.transaction() as session:
        stop_warm_up(session, newsletter_id=find_newsletter(session, newsletter_id).id, now=now())
        note_act(session, AuditAct.WARM_UP_STOPPED, f"newsletter:{newsletter_id}")
    return redirect(url_for("admin.warm_up", newsletter_id=newsletter_id, note="warm-up-ended"), code=303)


def _page(newsletter_id: int, *, problem: str | None = None, on: str | None = None) -> str:
    today = day_of(now()).isoformat()
    with product().database.reading() as session:
        newsletter = find_newsletter(session, newsletter_id)
        report = read_warm_up(session, newsletter_id=newsletter_id, now=now())
    return render_template(
        "admin/editions/warm_up.html",
        newsletter=newsletter,
        warm_up=report,
        allowance_of=Allowance.doubled,
        first_day=today,
        on=today if on is None else on,
        problem=problem,
    )
