"""One's own account: password, sessions, language."""

from flask import render_template, request, url_for
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app import i18n
from app.admins import passwords, signin
from app.admins.factors import read_factors
from app.admins.models import Admin, AuditAct, Role
from app.admins.sessions import end_session, end_sessions, is_fresh, sessions_of
from app.clock import now
from app.errors import PasswordRefused, SigninRefused, SigninThrottled
from app.web import product
from app.web.admin import bp
from app.web.admin.access import ask_again, current_session, needs, require
from app.web.admin.acts import note_act
from app.web.admin.cookies import session_secret


@bp.get("/account")
@needs(Role.VIEWER)
def account() -> str:
    """Show the forms."""
    return _page(problem=None)


@bp.post("/account/password")
@needs(Role.VIEWER)
def password_submit() -> Response | tuple[str, int]:
    """Change the password; every other session of this admin ends.

    Whoever has none to type shows otherwise who they are: a first password is a key to all that wants a fresh proof.
    """
    if require().password_hash is None and not is_fresh(current_session(), now=now()):
        return ask_again()
    try:
        _change(request.form.get("current", ""), request.form.get("new", ""))
    except PasswordRefused as refused:
        return _page(problem=refused.weakness), 422
    except SigninThrottled as refused:
        return _page(problem="throttled", wait_s=refused.seconds), 429
    except SigninRefused:
        return _page(problem="current"), 403
    return redirect(url_for("admin.account", note="password"), code=303)


@bp.post("/account/language")
@needs(Role.VIEWER)
def language_submit() -> Response:
    """Choose the language of the desk."""
    language = request.form.get("language", "")
    if language in i18n.LANGUAGES:
        with product().database.transaction() as session:
            session.get_one(Admin, require().id).language = language
            note_act(session, AuditAct.LANGUAGE_CHANGED, f"admin:{require().id}", language)
    return redirect(url_for("admin.account", note="language"), code=303)


@bp.post(f"/account/sessions/<int(max={2**31 - 1}):session_id>/end")
@needs(Role.VIEWER)
def session_end_submit(session_id: int) -> Response:
    """End one of one's own sessions."""
    with product().database.transaction() as session:
        ended = end_session(session, admin_id=require().id, session_id=session_id, now=now())
        note_act(session, AuditAct.SESSIONS_ENDED, f"admin:{require().id}", f"sessions {ended}")
    return redirect(url_for("admin.account", note="session-ended", _anchor="sessions"), code=303)


@bp.post("/account/sessions/end")
@needs(Role.VIEWER)
def sessions_end_submit() -> Response:
    """End all of one's sessions but this one."""
    with product().database.transaction() as session:
        ended = end_sessions(session, admin_id=require().id, kept_secret=session_secret(), now=now())
        note_act(session, AuditAct.SESSIONS_ENDED, f"admin:{require().id}", f"sessions {ended}")
    return redirect(url_for("admin.account", note="sessions-ended", _anchor="sessions"), code=303)


def _change(current: str, new: str) -> None:
    signin.change_password(
        product().database,
        admin_id=require().id,
        current=current,
        new=new,
        secret=session_secret(),
        key=product().config.secret_keys[-1],
        now=now(),
    )


def _page(*, problem: str | None, wait_s: int = 0) -> str:
    with product().database.reading() as session:
        open_sessions = session.scalars(sessions_of(require().id, now())).all()
        factors = read_factors(session, require().id)
    return render_template(
        "admin/people/account.html",
        sessions=open_sessions,
        own_session=current_session().id,
        factors=factors,
        problem=problem,
        wait_s=wait_s,
        min_length=passwords.MIN_LENGTH,
        max_length=passwords.MAX_LENGTH,
    )
