"""Asking for consent anew: how it stands, and the acts that start and stop it."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from flask import render_template, request, url_for
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.clock import now
from app.digests.newsletters import find_newsletter
from app.errors import InputRefused, TransitionRefused
from app.newsletters.models import current_wording
from app.subscriptions.questions.concerned import read_concerned
from app.subscriptions.questions.counts import read_renewal
from app.subscriptions.questions.renewal import ANSWER_AT_LEAST, end_of_day, start_renewal, stop_renewal
from app.web import product
from app.web.admin import NEWSLETTER, bp
from app.web.admin.access import needs, require
from app.web.admin.acts import note_act
from app.web.admin.listing import whole
from app.web.forms import printable

#: What stands between groups of digits, in the languages of the desk, and what people type for it.
GROUPING = ",.’' \u00a0\u202f"
RENEWAL = f"{NEWSLETTER}/renewal"


@bp.get(RENEWAL)
@needs(Role.ADMIN)
def renewal(newsletter_id: int) -> str:
    """Show how the last renewal stands, or offer one."""
    return _page(newsletter_id)


@bp.post(RENEWAL)
@needs(Role.ADMIN)
def renewal_submit(newsletter_id: int) -> Response | tuple[str, int]:
    """Start a renewal; the admin has typed how many readers it concerns."""
    day, expected = request.form.get("until", type=date.fromisoformat), request.form.get("readers", type=_number)
    if day is None or expected is None:
        return _page(newsletter_id, problem="date" if day is None else "readers"), 422
    try:
        with product().database.transaction() as session:
            newsletter = find_newsletter(session, newsletter_id)
            start_renewal(
                session,
                newsletter_id=newsletter_id,
                until=end_of_day(day, newsletter.timezone),
                per_day=product().config.retention.questions_per_day,
                remind_days=None,
                expected=expected,
                actor=require().email,
                now=now(),
            )
            note_act(session, AuditAct.RENEWAL_STARTED, f"newsletter:{newsletter_id}", f"readers {expected}")
    except InputRefused:
        return _page(newsletter_id, problem="date"), 422
    except TransitionRefused:
        return _page(newsletter_id, problem="readers"), 422
    return redirect(url_for("admin.renewal", newsletter_id=newsletter_id), code=303)


@bp.post(f"{RENEWAL}/end")
@needs(Role.ADMIN)
def renewal_end_submit(newsletter_id: int) -> Response | tuple[str, int]:
    """Stop it: nobody is asked any more, and nothing ends."""
    if "confirmed" not in request.form:
        return _page(newsletter_id, problem="unconfirmed"), 422
    with product().database.transaction() as session:
        stop_renewal(session, newsletter_id=find_newsletter(session, newsletter_id).id, now=now())
        note_act(session, AuditAct.RENEWAL_STOPPED, f"newsletter:{newsletter_id}")
    return redirect(url_for("admin.renewal", newsletter_id=newsletter_id), code=303)


def _page(newsletter_id: int, *, problem: str | None = None) -> str:
    per_day = product().config.retention.questions_per_day
    with product().database.reading() as session:
        newsletter = find_newsletter(session, newsletter_id)
        report = read_renewal(session, newsletter_id)
        is_under_way = report is not None and report.renewal.ended_at is None
        readers = 0 if is_under_way else read_concerned(session, newsletter_id)
        wordings = [
            session.scalars(current_wording(newsletter_id, face.language)).one() for face in newsletter.languages
        ]
    days = max(0, -(-(readers or 0) // per_day) - 1)
    return render_template(
        "admin/readers/renewal.html",
        newsletter=newsletter,
        report=report,
        is_under_way=is_under_way,
        readers=readers,
        per_day=per_day,
        wordings=wordings,
        earliest=(now() + timedelta(days=days + 1) + ANSWER_AT_LEAST).astimezone(ZoneInfo(newsletter.timezone)).date(),
        problem=problem,
        typed={name: printable(request.form.get(name, "")) for name in ("until", "readers")},
    )


def _number(text: str) -> int:
    """Return a number as a page writes it, in groups of three digits. Raises ValueError."""
    return whole("".join(character for character in text if character not in GROUPING))
