"""Articles written at the desk: typed in Markdown, looked at with the topics that the rules find, edited again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from flask import render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.articles.clean import title_line
from app.articles.models import Article
from app.articles.sheet import Sheet, rewrite_article, sheet_html, sheet_of, sheet_text, write_article
from app.clock import now
from app.editions.embargo import set_embargo
from app.errors import EditionChanged, InputRefused, NotFound, SheetRefused
from app.i18n import LANGUAGES
from app.topics.classify import classify
from app.topics.corrections import correct_topic
from app.topics.models import Correction
from app.web import product, taxonomy_in_use
from app.web.admin import ARTICLE, bp
from app.web.admin.access import needs, require
from app.web.admin.acts import note_act
from app.web.admin.wire.articles import read_local_time
from app.web.admin.wire.naming import topic_named
from app.web.admin.wire.swaps import is_swap

FIELDS = ("language", "title", "summary", "link", "markdown")


@dataclass(frozen=True)
class Preview:
    """A sheet as it would be read, and what the rules say it is about."""

    title: str
    summary: str
    text: Markup
    topics: Sequence[str]


@bp.get("/articles/new")
@needs(Role.EDITOR)
def article_new() -> str:
    """Show an empty sheet, in a language that was asked for or the editor's own."""
    asked = request.args.get("language", "")
    return _sheet({"language": asked if asked in LANGUAGES else require().language})


@bp.post("/articles/new")
@needs(Role.EDITOR)
def article_new_submit() -> Response | str | tuple[str, int]:
    """Show what was written as it would be read, or add it as an article."""
    if "preview" in request.form:
        return _sheet(request.form, preview=True)
    at = now()
    try:
        with product().database.transaction() as session:
            article = write_article(session, sheet=_typed_sheet(), now=at)
            if article.added_at == at:  # a repeated press adds nothing
                _add(session, article.id, at)
    except SheetRefused as refusal:
        return _sheet(request.form, problem=refusal.field), 422
    return redirect(url_for("admin.article", article_id=article.id, note="article-added"), code=303)


@bp.get(f"{ARTICLE}/text")
@needs(Role.EDITOR)
def article_text(article_id: int) -> str:
    """Show an article that was written by hand, to be edited."""
    article = _own(article_id)
    return _sheet({**asdict(sheet_of(article)), "revision": str(article.revision)}, article=article)


@bp.post(f"{ARTICLE}/text")
@needs(Role.EDITOR)
def article_text_submit(article_id: int) -> Response | str | tuple[str, int]:
    """Show the new text as it would be read, or give it to the article."""
    article = _own(article_id)
    if "preview" in request.form:
        return _sheet(request.form, article=article, preview=True)
    revision = request.form.get("revision", "")
    try:
        with product().database.transaction() as session:
            article = rewrite_article(
                session, article_id=article_id, sheet=_typed_sheet(),
                revision=int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 9 else 0,
                now=now(),
            )  # fmt: skip
            _keep_topics(session, article_id)
            note_act(session, AuditAct.ARTICLE_REVISED, f"article:{article_id}", f"revision {article.revision}")
    except SheetRefused as refusal:
        return _sheet(request.form, article=article, problem=refusal.field), 422
    except EditionChanged:
        return _sheet(request.form, article=article, problem="changed"), 409
    return redirect(url_for("admin.article", article_id=article_id, note="article-changed"), code=303)


def _add(session: Session, article_id: int, at: datetime) -> None:
    _keep_topics(session, article_id)
    if until := _embargo(at):
        set_embargo(session, article_id=article_id, until=until, actor=require().email, now=at)
    note_act(session, AuditAct.ARTICLE_ADDED, f"article:{article_id}", until.isoformat() if until else None)


def _own(article_id: int) -> Article:
    """Return an article that was written by hand. Raises NotFound for any other: a feed says what its articles say."""
    with product().database.reading() as session:
        article = session.get(Article, article_id)
    if article is None or article.source_id is not None:
        raise NotFound(f"no article {article_id} that was written by hand")
    return article


def _sheet(
    values: Mapping[str, str], *, article: Article | None = None, problem: str | None = None, preview: bool = False
) -> str:
    shown = None
    if preview or "suggested" in request.form:  # what was said of the topics stays, whatever is wrong elsewhere
        try:
            shown = _preview()
        except SheetRefused as refusal:
            problem = problem or refusal.field
    taxonomy, language = taxonomy_in_use(), require().language
    named = sorted(taxonomy.topics.values(), key=lambda topic: topic.labels[language])
    return render_template(
        "admin/wire/_preview.html" if is_swap() else "admin/wire/sheet.html",
        values=values, article=article, problem=problem, preview=shown, taxonomy=taxonomy, named=named,
        chosen=request.form.getlist("topic"), was_suggested=request.form.getlist("suggested"),
    )  # fmt: skip


def _preview() -> Preview:
    sheet = _typed_sheet()
    summary, text = sheet_text(sheet)
    title = title_line(sheet.title)
    language = sheet.language if sheet.language in LANGUAGES else require().language
    found = classify(taxonomy_in_use(), title=title, text=text, language=language)
    return Preview(title, summary, sheet_html(sheet.markdown), [topic.key for topic in found.topics])


def _typed_sheet() -> Sheet:
    typed = {name: request.form.get(name, "").replace("\0", "") for name in FIELDS}
    markdown = typed["markdown"].replace("\r\n", "\n")
    return Sheet(**{**typed, "link": typed["link"].strip(), "markdown": markdown})


def _embargo(at: datetime) -> datetime | None:
    """Return until when the article is kept back. Raises SheetRefused("until")."""
    if not request.form.get("until"):
        return None
    until = read_local_time(request.form["until"])
    if until is None or until <= at:
        raise SheetRefused("until")
    return until


def _keep_topics(session: Session, article_id: int) -> None:
    """Keep what the editor said of the topics that were suggested, and the one that they named beside."""
    taxonomy, ticked = taxonomy_in_use(), set(request.form.getlist("topic"))
    said = {key: Correction.REMOVED for key in request.form.getlist("suggested") if key not in ticked}
    if named := request.form.get("named", "").strip():
        said[topic_named(taxonomy, named)] = Correction.ADDED
    try:
        for key, correction in said.items():
            correct_topic(
                session, taxonomy, article_id=article_id, topic=key, correction=correction, by=require().email,
                now=now(),
            )  # fmt: skip
    except InputRefused as refusal:
        raise SheetRefused("topic") from refusal
