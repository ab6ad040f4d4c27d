"""Letter templates of newsletters: their versions, the one in force, an editor with the letter beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import unified_diff

from flask import Response, render_template, request, url_for
from sqlalchemy.orm import Session, joinedload, selectinload
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as BaseResponse

from app.admins.models import AuditAct, Role
from app.clock import now
from app.digests.newsletters import find_newsletter
from app.editions.archive import sent_at
from app.editions.models import Edition, EditionItem, whole_editions
from app.editions.typeset import typeset_trial
from app.errors import FieldsRefused, InputRefused, NotFound, TemplateRefused
from app.gate import unsettable
from app.gate.findings import Finding
from app.gate.trials import save_trial, trial_edition, try_template
from app.gate.unsettable import finding_of
from app.newsletters.models import Newsletter
from app.newsletters.templates import (
    product_template,
    put_in_force,
    read_version,
    versions_of,
    without_source,
)
from app.sandbox.faults import in_words
from app.web import product
from app.web.admin import NEWSLETTER, bp
from app.web.admin.access import desk_language, needs, require
from app.web.admin.acts import note_act
from app.web.admin.editions.preview import letter_policy

#: The letters that a template is shown on: the newest edition, or one made up.
LAST, SPECIMEN = "last", "specimen"
VERSIONS_SHOWN = 100


@dataclass(frozen=True)
class Problem:
    """Why a template was not saved: in words, with the line and its text where it is one's; or what the gate
    found, or what is wrong with fields."""

    sentence: str = ""
    line: int | None = None
    text: str = ""
    failures: tuple[Finding, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)


@bp.get(f"{NEWSLETTER}/template")
@needs(Role.ADMIN)
def template(newsletter_id: int) -> str:
    """List the versions of a newsletter's template; each can be put in force."""
    with product().database.reading() as session:
        newsletter = find_newsletter(session, newsletter_id)
        versions = session.scalars(without_source(versions_of(newsletter_id)).limit(VERSIONS_SHOWN)).all()
    return render_template("admin/house/template.html", newsletter=newsletter, versions=versions)


@bp.get(f"{NEWSLETTER}/template/editor")
@needs(Role.ADMIN)
def template_editor(newsletter_id: int) -> str:
    """Show the editor with a version's source, or with a copy of the product's template."""
    version = _asked_version(request.args.get("version", ""))
    with product().database.reading() as session:
        newsletter = find_newsletter(session, newsletter_id)
        source = _source(session, newsletter_id, version)
    return _editor(newsletter, source, version=version)


@bp.post(f"{NEWSLETTER}/template")
@needs(Role.ADMIN)
def template_submit(newsletter_id: int) -> BaseResponse | tuple[str, int]:
    """Try what was written on every kind of letter, and save it as a new version where it holds."""
    source, note, wired, at = request.form.get("mjml", ""), request.form.get("note", ""), product(), now()
    with wired.database.reading() as session:
        newsletter = find_newsletter(session, newsletter_id)
    try:
        trial = try_template(source, newsletter=newsletter, config=wired.config, links=wired.links, now=at)
        if trial.failures:
            return _editor(newsletter, source, note=note, problem=Problem(failures=trial.failures)), 422
        with wired.database.transaction() as session:
            author = require().email
            added = save_trial(session, trial, newsletter_id=newsletter_id, note=note, author=author, now=at)
            note_act(session, AuditAct.TEMPLATE_SAVED, f"newsletter:{newsletter_id}", str(added.version))
    except InputRefused as refusal:
        return _editor(newsletter, source, note=note, problem=_problem(refusal, source)), 422
    return redirect(url_for("admin.template", newsletter_id=newsletter_id, note="template-saved"), code=303)


@bp.post(f"{NEWSLETTER}/template/choice")
@needs(Role.ADMIN)
def template_choice_submit(newsletter_id: int) -> BaseResponse:
    """Put a version in force, or the product's template where none is named."""
    version = _asked_version(request.form.get("version", ""))
    with product().database.transaction() as session:
        put_in_force(session, newsletter_id=newsletter_id, version=version)
        detail = None if version is None else str(version)
        note_act(session, AuditAct.TEMPLATE_CHOSEN, f"newsletter:{newsletter_id}", detail)
    return redirect(url_for("admin.template", newsletter_id=newsletter_id, note="template-chosen"), code=303)


@bp.get(f"{NEWSLETTER}/template/letter")
@needs(Role.ADMIN)
def template_letter(newsletter_id: int) -> Response:
    """Serve a letter set from a version, or from the product's template, for a frame."""
    with product().database.reading() as session:
        source = _source(session, newsletter_id, _asked_version(request.args.get("version", "")))
    return _letter(newsletter_id, source, request.args)


@bp.post(f"{NEWSLETTER}/template/letter")
@needs(Role.ADMIN)
def template_letter_submit(newsletter_id: int) -> Response:
    """Serve a letter set from what is written in the editor, for its frame, or what is wrong; it saves nothing."""
    return _letter(newsletter_id, request.form.get("mjml", ""), request.form)


@bp.get(f"{NEWSLETTER}/template/difference")
@needs(Role.ADMIN)
def template_difference(newsletter_id: int) -> str:
    """Compare two versions line by line; one that is not named is the product's template."""
    old, new = _asked_version(request.args.get("old", "")), _asked_version(request.args.get("new", ""))
    with product().database.reading() as session:
        newsletter = find_newsletter(session, newsletter_id)
        before, after = (_source(session, newsletter_id, version).splitlines() for version in (old, new))
    lines = list(unified_diff(before, after, lineterm="", n=2))[2:]
    return render_template("admin/house/template_difference.html", newsletter=newsletter, old=old, new=new, lines=lines)


def _editor(
    newsletter: Newsletter, source: str, *, note: str = "", version: int | None = None, problem: Problem | None = None
) -> str:
    return render_template(
        "admin/house/template_editor.html",
        newsletter=newsletter,
        source=source,
        note=note,
        version=version,
        problem=problem,
    )


def _letter(newsletter_id: int, source: str, asked: Mapping[str, str]) -> Response:
    wired = product()
    with wired.database.reading() as session:
        newsletter = find_newsletter(session, newsletter_id)
        edition = _shown(session, newsletter, asked.get("on", ""))
    try:
        parts = typeset_trial(
            edition, source.replace("\r\n", "\n"), newsletter=newsletter, config=wired.config, links=wired.links,
            at=sent_at(edition),
        )  # fmt: skip
    except InputRefused as refusal:
        text, kind, status = _problem(refusal, source).sentence, "text/plain", 422
    else:
        text, kind, status = parts.html.replace("<head>", '<head><base target="_blank">', 1), "text/html", 200
    headers = {"Content-Security-Policy": letter_policy(asked.get("pictures"))}
    return Response(text, status, content_type=f"{kind}; charset=utf-8", headers=headers)


def _shown(session: Session, newsletter: Newsletter, asked: str) -> Edition:
    """Return the edition that a letter is shown on: the newest of a language, if there is one, or a specimen."""
    which, _, language = asked.partition("-")
    if language not in newsletter.language_codes:
        language = newsletter.languages[0].language
    whole = [selectinload(Edition.items).joinedload(EditionItem.also), joinedload(Edition.content)]
    query = whole_editions().where(Edition.newsletter_id == newsletter.id, Edition.language == language)
    newest = session.scalars(query.order_by(Edition.id.desc()).limit(1).options(*whole)).unique().one_or_none()
    if which != LAST or newest is None or not newest.items:
        return trial_edition(newsletter, language, now())
    return newest


def _source(session: Session, newsletter_id: int, version: int | None) -> str:
    if version is None:
        return product_template()
    return read_version(session, newsletter_id=newsletter_id, version=version).source


def _asked_version(text: str) -> int | None:
    """Return the version that an address or a form names; None for the product's. Raises NotFound for what is none."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) >= 2**31:
        raise NotFound("there is no such version")
    return int(text)


def _problem(refusal: InputRefused, source: str) -> Problem:
    if isinstance(refusal, FieldsRefused):
        return Problem(faults=refusal.faults)
    if not isinstance(refusal, TemplateRefused):
        return Problem(unsettable.in_words(finding_of(refusal), desk_language()))
    lines = source.splitlines()
    known = refusal.line is not None and 0 < refusal.line <= len(lines)
    text = lines[refusal.line - 1].strip() if known and refusal.line else ""
    return Problem(in_words(refusal, desk_language()), refusal.line if known else None, text)
