"""What can be written about: the articles that have arrived, what they are about, and how long they are kept back."""

from collections import defaultdict
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import render_template, request, url_for
from sqlalchemy import select
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.articles.models import Article
from app.clock import now
from app.editions.embargo import set_embargo
from app.errors import TransitionRefused
from app.topics.corrections import topics_of
from app.topics.models import ArticleTopic
from app.web import product, taxonomy_in_use
from app.web.admin import ARTICLE, bp
from app.web.admin.access import needs
from app.web.admin.acts import note_act
from app.web.admin.listing import asked_before, newest_first
from app.web.admin.wire.article_page import show_article


@bp.get("/articles")
@needs(Role.VIEWER)
def articles() -> str:
    """List articles with their topics."""
    with product().database.reading() as session:
        page = newest_first(session, select(Article), Article.id, before=asked_before())
        topics = session.scalars(topics_of(article.id for article in page.rows)).all()
    carried = defaultdict[int, list[ArticleTopic]](list)
    for topic in topics:
        carried[topic.article_id].append(topic)
    return render_template("admin/wire/articles.html", page=page, carried=carried, taxonomy=taxonomy_in_use())


@bp.get(ARTICLE)
@needs(Role.VIEWER)
def article(article_id: int) -> str:
    """Show an article: what is known of it, its earlier titles, its embargo, what left of it out of turn."""
    return show_article(article_id)


@bp.post(f"{ARTICLE}/embargo")
@needs(Role.EDITOR)
def embargo_submit(article_id: int) -> Response | tuple[str, int]:
    """Keep the article back until a time on the newsroom's clocks."""
    try:
        local = datetime.fromisoformat(request.form.get("until", "")).replace(tzinfo=None)
        until = local.replace(tzinfo=ZoneInfo(product().config.timezone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return show_article(article_id, problem="unread"), 422
    at = now()
    if until <= at:
        return show_article(article_id, problem="past"), 422
    try:
        with product().database.transaction() as session:
            set_embargo(session, article_id=article_id, until=until, now=at)
            note_act(session, AuditAct.ARTICLE_EMBARGOED, f"article:{article_id}", until.isoformat())
    except TransitionRefused:
        return show_article(article_id, problem="left"), 409
    return redirect(url_for("admin.article", article_id=article_id, note="embargo"), code=303)


@bp.post(f"{ARTICLE}/embargo/end")
@needs(Role.EDITOR)
def embargo_end_submit(article_id: int) -> Response:
    """Let the article go now."""
    with product().database.transaction() as session:
        set_embargo(session, article_id=article_id, until=None, now=now())
        note_act(session, AuditAct.EMBARGO_ENDED, f"article:{article_id}")
    return redirect(url_for("admin.article", article_id=article_id, note="embargo-ended"), code=303)
