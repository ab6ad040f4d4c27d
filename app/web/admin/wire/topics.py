"""What an article is about, with the words that said so; an editor's click corrects it for good."""

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.articles.models import Article
from app.clock import now
from app.errors import InputRefused, NotFound
from app.topics.corrections import correct_topic, topics_of, withdraw_correction
from app.topics.models import Correction
from app.topics.topic import TopicKind
from app.web import product, taxonomy_in_use
from app.web.admin import ARTICLE, bp
from app.web.admin.access import needs, require
from app.web.admin.acts import note_act
from app.web.admin.wire.naming import topic_named
from app.web.admin.wire.swaps import Changes, Corrected, answer, corrected_just_now, is_swap, way_back


@bp.get(f"{ARTICLE}/topics")
@needs(Role.VIEWER)
def article_topics(article_id: int) -> str:
    """Show an article's topics and what gave them, and offer the others."""
    return _page(article_id)


@bp.post(f"{ARTICLE}/topics")
@needs(Role.EDITOR)
def topic_submit(article_id: int) -> Response | str | tuple[str, int]:
    """Add a topic to the article, by its key or its name."""
    return _correct(article_id, Correction.ADDED, AuditAct.TOPIC_ADDED)


@bp.post(f"{ARTICLE}/topics/removal")
@needs(Role.EDITOR)
def topic_removal_submit(article_id: int) -> Response | str | tuple[str, int]:
    """Take a topic from the article."""
    return _correct(article_id, Correction.REMOVED, AuditAct.TOPIC_REMOVED)


@bp.post(f"{ARTICLE}/topics/withdrawal")
@needs(Role.EDITOR)
def topic_withdrawal_submit(article_id: int) -> Response | str | tuple[str, int]:
    """Let the rules decide on a topic again."""
    taxonomy, topic = taxonomy_in_use(), request.form.get("topic", "")
    try:
        with product().database.transaction() as session:
            withdraw_correction(session, taxonomy, article_id=article_id, topic=topic)
            note_act(session, AuditAct.TOPIC_LEFT_TO_RULES, f"article:{article_id}", topic)
    except InputRefused:
        return _refused(article_id), 422
    return _done(article_id, "story-undone")


def _correct(article_id: int, correction: Correction, act: AuditAct) -> Response | str | tuple[str, int]:
    topic = topic_named(taxonomy_in_use(), request.form.get("topic", ""))
    try:
        with product().database.transaction() as session:
            earlier = correct_topic(
                session, taxonomy_in_use(), article_id=article_id, topic=topic, correction=correction,
                by=require().email, now=now(),
            )  # fmt: skip
            note_act(session, act, f"article:{article_id}", topic)
    except InputRefused:
        return _refused(article_id), 422
    return _done(article_id, act.value, Corrected(article_id, topic, earlier))


def _done(article_id: int, note: str, corrected: Corrected | None = None) -> Response | str:
    """Answer with the row of the article's story for a script on the wire, else where that was clicked."""
    with product().database.reading() as session:
        story_id = session.get_one(Article, article_id).story_id
    changes = Changes(note, shown=[story_id] if story_id else [], corrected=corrected)
    return answer(changes, back=url_for("admin.article_topics", article_id=article_id))


def _refused(article_id: int) -> str:
    if is_swap():
        return render_template("admin/wire/_problem.html", problem="topic", is_swap=True)
    return _page(article_id, problem="unknown")


def _page(article_id: int, problem: str | None = None) -> str:
    taxonomy, language = taxonomy_in_use(), require().language
    with product().database.reading() as session:
        article = session.get(Article, article_id)
        if article is None:
            raise NotFound(f"no article {article_id}")
        carried = session.scalars(topics_of([article_id])).all()
        corrected = corrected_just_now(session)
    known = {each.topic for each in carried}
    offered = {kind: [each for each in taxonomy.of_kind(kind, language) if each.key not in known] for kind in TopicKind}
    return render_template(
        "admin/wire/topics.html", article=article, carried=carried, offered=offered, taxonomy=taxonomy, problem=problem,
        back=way_back(), corrected=corrected,
    )  # fmt: skip
