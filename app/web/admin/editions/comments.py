"""What editors say to each other of an edition."""

from flask import request, url_for
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.clock import now
from app.editions.comments import add_comment, resolve_comment
from app.web import product
from app.web.admin import EDITION, bp
from app.web.admin.access import needs, require
from app.web.admin.acts import note_act
from app.web.admin.editions.saving import NUMBER_MAX


@bp.post(f"{EDITION}/comments")
@needs(Role.EDITOR)
def comment_submit(edition_id: int) -> Response:
    """Say something of an edition, or of one article in it."""
    article_id = request.form.get("article", type=int)
    with product().database.transaction() as session:
        comment = add_comment(
            session,
            edition_id=edition_id,
            article_id=article_id if article_id is None else min(max(article_id, 0), NUMBER_MAX),
            author=require().email,
            text=request.form.get("text", ""),
            now=now(),
        )
        note_act(session, AuditAct.EDITION_COMMENTED, f"edition:{edition_id}", f"comment {comment.id}")
    return redirect(url_for("admin.edition", edition_id=edition_id, note="comment", _anchor="comments"), code=303)


@bp.post(f"{EDITION}/comments/resolution")
@needs(Role.EDITOR)
def resolution_submit(edition_id: int) -> Response:
    """Mark a comment as dealt with."""
    comment_id = min(max(request.form.get("comment", 0, type=int), 0), NUMBER_MAX)
    with product().database.transaction() as session:
        resolve_comment(session, edition_id=edition_id, comment_id=comment_id, actor=require().email, now=now())
        note_act(session, AuditAct.COMMENT_RESOLVED, f"edition:{edition_id}", f"comment {comment_id}")
    return redirect(url_for("admin.edition", edition_id=edition_id, note="resolved", _anchor="comments"), code=303)
