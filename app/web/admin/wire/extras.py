"""What leaves out of turn: an article as a flash, and word of what was corrected of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flask import request, url_for
from sqlalchemy.orm import Session
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.articles.models import Article
from app.clock import now
from app.digests.errata import set_erratum, start_erratum
from app.digests.flash import set_flash, start_flash
from app.digests.held import SetExtra, give_up_extra, hold_extra
from app.editions.models import EditionKind
from app.errors import EditionChanged, GateClosed, InputRefused, ReasonRefused, TransitionRefused
from app.gate.findings import failures
from app.i18n import LANGUAGES
from app.web import product
from app.web.admin import ARTICLE, bp
from app.web.admin.access import needs, require
from app.web.admin.acts import note_act, shown_failures
from app.web.admin.wire.article_page import show_article


@bp.post(f"{ARTICLE}/flash")
@needs(Role.PUBLISHER)
def flash_submit(article_id: int) -> Response | tuple[str, int]:
    """Let an article go at once to those who read in real time, once: a repeated press shows who was first."""
    typed = {EditionKind.FLASH: _reason()}
    try:
        _send_flash(article_id)
    except EditionChanged:
        return show_article(article_id, problem="changed", reasons=typed), 409
    except GateClosed:
        return show_article(article_id, problem="held-flash", reasons=typed), 422
    except TransitionRefused:
        return redirect(url_for("admin.article", article_id=article_id), code=303)
    except ReasonRefused:
        return show_article(article_id, problem="reason-flash", reasons=typed), 422
    except InputRefused:
        return show_article(article_id, reasons=typed), 422
    return redirect(url_for("admin.article", article_id=article_id, note="flash"), code=303)


@bp.post(f"{ARTICLE}/erratum")
@needs(Role.PUBLISHER)
def erratum_submit(article_id: int) -> Response | tuple[str, int]:
    """Tell those who got an earlier text of an article what was wrong."""
    notes = {code: request.form.get(f"note_{code}", "").replace("\0", "") for code in LANGUAGES}
    typed = {EditionKind.ERRATUM: _reason()}
    try:
        _send_erratum(article_id, notes)
    except EditionChanged:
        return show_article(article_id, problem="changed", notes=notes, reasons=typed), 409
    except GateClosed:
        return show_article(article_id, problem="held-erratum", notes=notes, reasons=typed), 422
    except TransitionRefused:
        return redirect(url_for("admin.article", article_id=article_id), code=303)
    except ReasonRefused:
        return show_article(article_id, problem="reason-erratum", notes=notes, reasons=typed), 422
    except InputRefused:
        return show_article(article_id, problem="notes", notes=notes, reasons=typed), 422
    return redirect(url_for("admin.article", article_id=article_id, note="erratum"), code=303)


@bp.post(f"{ARTICLE}/held/<any(flash, erratum):extra>/drop")
@needs(Role.PUBLISHER)
def extra_drop_submit(article_id: int, extra: str) -> Response:
    """Give up an extra that did not pass; who comes after somebody else sees what became of it."""
    try:
        with product().database.transaction() as session:
            give_up_extra(session, kind=EditionKind(extra), article_id=article_id)
            note_act(session, AuditAct.EXTRA_DROPPED, f"article:{article_id}", extra)
    except TransitionRefused:
        return redirect(url_for("admin.article", article_id=article_id), code=303)
    return redirect(url_for("admin.article", article_id=article_id, note="given-up"), code=303)


def _send_flash(article_id: int) -> None:
    wired, at = product(), now()
    with wired.database.reading() as session:
        _refuse_unseen(session, article_id)
        flash = set_flash(session, article_id, config=wired.config, links=wired.links, now=at)
    with _passing(flash, EditionKind.FLASH, {}) as (session, reason):
        copies = start_flash(
            session, flash, per_day=wired.config.flashes_per_day, actor=require().email, reason=reason,
            shown=shown_failures(), now=at, announce=wired.announce,
        )  # fmt: skip
        note_act(session, AuditAct.ARTICLE_FLASHED, f"article:{article_id}", f"copies {copies}")


def _send_erratum(article_id: int, notes: dict[str, str]) -> None:
    wired, at = product(), now()
    with wired.database.reading() as session:
        _refuse_unseen(session, article_id)
        erratum = set_erratum(session, article_id, notes=notes, config=wired.config, links=wired.links, now=at)
    with _passing(erratum, EditionKind.ERRATUM, erratum.notes) as (session, reason):
        copies = start_erratum(
            session, erratum, actor=require().email, reason=reason, shown=shown_failures(), now=at,
            announce=wired.announce,
        )  # fmt: skip
        note_act(session, AuditAct.ARTICLE_CORRECTED, f"article:{article_id}", f"copies {copies}")


@contextmanager
def _passing(extra: SetExtra, kind: EditionKind, notes: Mapping[str, str]) -> Iterator[tuple[Session, str]]:
    """Start an extra in a transaction, for the reason given where something fails; one that does not pass is held."""
    reason, target, actor = _reason(), f"article:{extra.article_id}", require().email
    try:
        with product().database.transaction() as session:
            yield session, reason
            if extra.findings:
                names = " ".join(sorted(failures(extra.findings)))
                note_act(session, AuditAct.EDITION_OVERRIDDEN, target, f"{names}: {reason}")
    except GateClosed:
        with product().database.transaction() as session:
            names = hold_extra(session, extra, kind=kind, notes=notes, actor=actor, now=now())
            note_act(session, AuditAct.EXTRA_HELD, target, names)
        raise


def _reason() -> str:
    """Return why the extra is to leave all the same, as it was typed."""
    return request.form.get("reason", "")


def _refuse_unseen(session: Session, article_id: int) -> None:
    """Raise EditionChanged where the article has another text than the one that was looked at."""
    article = session.get(Article, article_id)
    if article is not None and request.form.get("revision") != str(article.revision):
        raise EditionChanged("the article is another one now")
