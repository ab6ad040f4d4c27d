"""What leaves out of turn: an article as a flash, and word of what was corrected of it."""

from flask import request, url_for
from sqlalchemy.orm import Session
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.articles.models import Article
from app.clock import now
from app.digests.errata import set_erratum, start_erratum
from app.digests.flash import set_flash, start_flash
from app.errors import EditionChanged, InputRefused, TransitionRefused
from app.i18n import LANGUAGES
from app.web import product
from app.web.admin import ARTICLE, bp
from app.web.admin.access import needs, require
from app.web.admin.acts import note_act
from app.web.admin.wire.article_page import show_article


@bp.post(f"{ARTICLE}/flash")
@needs(Role.PUBLISHER)
def flash_submit(article_id: int) -> Response | tuple[str, int]:
    """Let an article go at once to those who read in real time, once: a repeated press shows who was first."""
    try:
        _send_flash(article_id)
    except EditionChanged:
        return show_article(article_id, problem="changed"), 409
    except TransitionRefused:
        return redirect(url_for("admin.article", article_id=article_id), code=303)
    except InputRefused:
        return show_article(article_id), 422
    return redirect(url_for("admin.article", article_id=article_id, note="flash"), code=303)


@bp.post(f"{ARTICLE}/erratum")
@needs(Role.PUBLISHER)
def erratum_submit(article_id: int) -> Response | tuple[str, int]:
    """Tell those who got an earlier text of an article what was wrong."""
    notes = {code: request.form.get(f"note_{code}", "").replace("\0", "") for code in LANGUAGES}
    try:
        _send_erratum(article_id, notes)
    except EditionChanged:
        return show_article(article_id, problem="changed", notes=notes), 409
    except TransitionRefused:
        return redirect(url_for("admin.article", article_id=article_id), code=303)
    except InputRefused:
        return show_article(article_id, problem="notes", notes=notes), 422
    return redirect(url_for("admin.article", article_id=article_id, note="erratum"), code=303)


def _send_flash(article_id: int) -> None:
    wired, at = product(), now()
    with wired.database.reading() as session:
        _refuse_unseen(session, article_id)
        flash = set_flash(session, article_id, config=wired.config, links=wired.links, now=at)
    with wired.database.transaction() as session:
        copies = start_flash(
            session, flash, per_day=wired.config.flashes_per_day, actor=require().email, now=at,
            announce=wired.announce,
        )  # fmt: skip
        note_act(session, AuditAct.ARTICLE_FLASHED, f"article:{article_id}", f"copies {copies}")


def _send_erratum(article_id: int, notes: dict[str, str]) -> None:
    wired, at = product(), now()
    with wired.database.reading() as session:
        _refuse_unseen(session, article_id)
        erratum = set_erratum(session, article_id, notes=notes, config=wired.config, links=wired.links, now=at)
    with wired.database.transaction() as session:
        copies = start_erratum(session, erratum, actor=require().email, now=at, announce=wired.announce)
        note_act(session, AuditAct.ARTICLE_CORRECTED, f"article:{article_id}", f"copies {copies}")


def _refuse_unseen(session: Session, article_id: int) -> None:
    """Raise EditionChanged where the article has another text than the one that was looked at."""
    article = session.get(Article, article_id)
    if article is not None and request.form.get("revision") != str(article.revision):
        raise EditionChanged("the article is another one now")
