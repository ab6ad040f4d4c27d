"""The audit log: who did what, newest first."""

from flask import render_template, request

from app.admins.audit import find_entries
from app.admins.models import AuditAct, AuditEntry, Role
from app.web import product
from app.web.admin import bp
from app.web.admin.access import needs
from app.web.admin.listing import asked_before, newest_first

ACTOR_MAX = 254


@bp.get("/audit")
@needs(Role.ADMIN)
def audit() -> str:
    """List the entries, of one actor or of one kind where these are asked for."""
    actor, act = _asked_actor(), request.args.get("act", type=AuditAct)
    with product().database.reading() as session:
        page = newest_first(session, find_entries(actor=actor, act=act), AuditEntry.id, before=asked_before())
    return render_template("admin/house/audit.html", page=page, actor=actor, act=act, acts=AuditAct)


def _asked_actor() -> str:
    typed = request.args.get("actor", "").strip()[:ACTOR_MAX]
    return "".join(character for character in typed if character.isprintable())
