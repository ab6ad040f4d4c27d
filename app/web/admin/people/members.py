"""The people of the desk: who they are, inviting them, their roles, their sessions, and taking them off it.

All that changes something wants a fresh proof of who asks: it opens or closes the desk to others.
"""

from flask import render_template, request, url_for
from sqlalchemy import select
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app import i18n
from app.admins import people as rules
from app.admins.factors import reset_factors
from app.admins.models import Admin, AuditAct, Role
from app.clock import now
from app.errors import AddressInvalid, AdminKnown, LastAdmin
from app.web import product
from app.web.admin import bp
from app.web.admin.access import desk_language, freshly, needs, require
from app.web.admin.acts import note_act

MEMBER = f"/people/<int(max={2**31 - 1}):admin_id>"


@bp.get("/people")
@needs(Role.ADMIN)
def people() -> str:
    """List who is at the desk."""
    return _page()


@bp.post("/people")
@needs(Role.ADMIN)
@freshly
def invitation_submit() -> Response | tuple[str, int]:
    """Add somebody and send them their way in."""
    form, wired = request.form, product()
    email, role = form.get("email", "").strip(), form.get("role", type=Role) or Role.VIEWER
    language = form.get("their_language", "")
    language = language if language in i18n.LANGUAGES else i18n.DEFAULT_LANGUAGE
    try:
        with wired.database.transaction() as session:
            invited = rules.invite(session, email=email, role=role, language=language, links=wired.links, now=now())
            note_act(session, AuditAct.ADMIN_INVITED, f"admin:{invited.admin_id}", role)
    except AddressInvalid:
        return _page(problem="address", typed=email, role=role, language=language), 422
    except AdminKnown:
        return _page(problem="known", typed=email, role=role, language=language), 409
    return redirect(url_for("admin.people", note="invited"), code=303)


@bp.get(MEMBER)
@needs(Role.ADMIN)
def member(admin_id: int) -> str:
    """Show what can be changed for one of them."""
    return _member_page(admin_id)


@bp.post(f"{MEMBER}/invitation")
@needs(Role.ADMIN)
@freshly
def invitation_again_submit(admin_id: int) -> Response:
    """Send the way in once more to who has not come yet."""
    with product().database.transaction() as session:
        rules.send_invitation(session, admin_id=admin_id, links=product().links, now=now())
        note_act(session, AuditAct.ADMIN_INVITED, f"admin:{admin_id}", "again")
    return redirect(url_for("admin.member", admin_id=admin_id, note="invited"), code=303)


@bp.post(f"{MEMBER}/role")
@needs(Role.ADMIN)
@freshly
def role_submit(admin_id: int) -> Response | tuple[str, int]:
    """Give them another role."""
    role = request.form.get("role", type=Role)
    if role is None:
        return _member_page(admin_id, problem="role"), 422
    try:
        with product().database.transaction() as session:
            rules.change_role(session, admin_id=admin_id, role=role)
            note_act(session, AuditAct.ROLE_CHANGED, f"admin:{admin_id}", role)
    except LastAdmin:
        return _member_page(admin_id, problem="last-role"), 409
    lost_it = admin_id == require().id and role is not Role.ADMIN
    page = url_for("admin.dashboard") if lost_it else url_for("admin.member", admin_id=admin_id, note="role")
    return redirect(page, code=303)


@bp.post(f"{MEMBER}/sessions/end")
@needs(Role.ADMIN)
@freshly
def member_sessions_submit(admin_id: int) -> Response:
    """End all of their sessions."""
    with product().database.transaction() as session:
        ended = rules.end_all_sessions(session, admin_id=admin_id, now=now())
        note_act(session, AuditAct.SESSIONS_ENDED, f"admin:{admin_id}", f"sessions {ended}")
    return redirect(url_for("admin.member", admin_id=admin_id, note="their-sessions"), code=303)


@bp.post(f"{MEMBER}/factors/reset")
@needs(Role.ADMIN)
@freshly
def member_factors_submit(admin_id: int) -> Response:
    """Take the factors of somebody who lost them away; their password stays, and they set up new ones."""
    with product().database.transaction() as session:
        removed = reset_factors(session, admin=rules.find_admin(session, admin_id), now=now())
        note_act(session, AuditAct.FACTORS_RESET, f"admin:{admin_id}", f"factors {removed}")
    return redirect(url_for("admin.member", admin_id=admin_id, note="their-factors"), code=303)


@bp.post(f"{MEMBER}/removal")
@needs(Role.ADMIN)
@freshly
def member_removal_submit(admin_id: int) -> Response | tuple[str, int]:
    """Take them off the desk, if their address was typed as it is."""
    typed = request.form.get("email", "").strip().lower()
    try:
        with product().database.transaction() as session:
            is_meant = typed == rules.find_admin(session, admin_id).email.lower()
            if is_meant:
                rules.remove_admin(session, admin_id=admin_id)
                note_act(session, AuditAct.ADMIN_REMOVED, f"admin:{admin_id}")
    except LastAdmin:
        return _member_page(admin_id, problem="last-removal"), 409
    if not is_meant:
        return _member_page(admin_id, problem="typed"), 422
    return redirect(url_for("admin.people", note="removed-admin"), code=303)


def _page(*, problem: str | None = None, typed: str = "", role: Role = Role.EDITOR, language: str | None = None) -> str:
    with product().database.reading() as session:
        members = session.scalars(select(Admin).order_by(Admin.email_key)).all()
    return render_template(
        "admin/people/people.html",
        members=members,
        roles=Role,
        problem=problem,
        typed=typed,
        chosen=role,
        their_language=language or desk_language(),
        life_hours=int(rules.INVITATION_LIFE.total_seconds()) // 3600,
    )


def _member_page(admin_id: int, *, problem: str | None = None) -> str:
    with product().database.reading() as session:
        found = rules.find_admin(session, admin_id)
    return render_template("admin/people/member.html", member=found, roles=Role, problem=problem)
