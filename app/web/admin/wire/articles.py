"""The wire: the stories that articles tell, and how long an article is kept back."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import render_template, request, url_for
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.clock import now
from app.editions.embargo import set_embargo
from app.errors import TransitionRefused
from app.stories.wire import FOUND_MAX, WALKED_MAX, StoryState
from app.topics.topic import TopicKind
from app.web import product, taxonomy_in_use
from app.web.admin import ARTICLE, bp
from app.web.admin.access import needs, require
from app.web.admin.acts import note_act
from app.web.admin.wire.article_page import show_article
from app.web.admin.wire.board import SINCE, asked_of_wire, wire_board
from app.web.admin.wire.swaps import corrected_just_now, is_swap, undoable, way_back


@bp.get("/articles")
@needs(Role.VIEWER)
def articles() -> str:
    """Show the wire: stories by rank, or those that are asked for."""
    return show_wire()


def show_wire(problem: str | None = None) -> str:
    """Show the wire with what went wrong; a script that acted on it gets that alone."""
    if problem and is_swap():
        return render_template("admin/wire/_problem.html", problem=problem, is_swap=True)
    language, taxonomy = require().language, taxonomy_in_use()
    with product().database.reading() as session:
        board = wire_board(session, asked_of_wire(), taxonomy=taxonomy, language=language)
        undo, corrected = undoable(session), corrected_just_now(session)
    return render_template(
        "admin/wire/articles.html", board=board, back=way_back(), undo=undo, corrected=corrected, problem=problem,
        taxonomy=taxonomy,
        topics_by_kind={kind.value: taxonomy.of_kind(kind, language) for kind in TopicKind}, states=list(StoryState),
        spans=list(SINCE), walked=FOUND_MAX if board.asked.q else WALKED_MAX,
    )  # fmt: skip


@bp.get(ARTICLE)
@needs(Role.VIEWER)
def article(article_id: int) -> str:
    """Show an article: what is known of it, its earlier titles, its embargo, what left of it out of turn."""
    return show_article(article_id)


@bp.post(f"{ARTICLE}/embargo")
@needs(Role.EDITOR)
def embargo_submit(article_id: int) -> Response | tuple[str, int]:
    """Keep the article back until a time on the newsroom's clocks."""
    until = read_local_time(request.form.get("until", ""))
    if until is None:
        return show_article(article_id, problem="unread"), 422
    at = now()
    if until <= at:
        return show_article(article_id, problem="past"), 422
    try:
        with product().database.transaction() as session:
            drafts = set_embargo(session, article_id=article_id, until=until, actor=require().email, now=at)
            for edition_id in drafts:
                note_act(session, AuditAct.EDITION_CHANGED, f"edition:{edition_id}", f"article {article_id} kept back")
            note_act(session, AuditAct.ARTICLE_EMBARGOED, f"article:{article_id}", until.isoformat())
    except TransitionRefused:
        return show_article(article_id, problem="left"), 409
    return redirect(url_for("admin.article", article_id=article_id, note="embargo"), code=303)


def read_local_time(text: str) -> datetime | None:
    """Return the time that stands in a field, on the newsroom's clocks; None where it is none."""
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=None)
        return local.replace(tzinfo=ZoneInfo(product().config.timezone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@bp.post(f"{ARTICLE}/embargo/end")
@needs(Role.EDITOR)
def embargo_end_submit(article_id: int) -> Response:
    """Let the article go now."""
    with product().database.transaction() as session:
        set_embargo(session, article_id=article_id, until=None, actor=require().email, now=now())
        note_act(session, AuditAct.EMBARGO_ENDED, f"article:{article_id}")
    return redirect(url_for("admin.article", article_id=article_id, note="embargo-ended"), code=303)
