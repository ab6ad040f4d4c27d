"""Saving what an editor changed of a draft: texts, order, words. A script gets a line to show, a browser a page.

Where two editors changed the same, both versions are shown, and one of them chooses.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from flask import render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.clock import now
from app.editions.draft import bring_back, move_entry, put_in, remove_item, set_lead, start_section
from app.editions.history import read_history, recorded, redo, restore, save_state, undo
from app.editions.introduction import introduction_html
from app.editions.lines import Line
from app.editions.models import Edition
from app.editions.states import TEXTS, taken_out
from app.editions.twins import twin_of
from app.errors import ChangedMeanwhile, DraftConflict, InputRefused, TransitionRefused
from app.gate.outdated import open_request
from app.web import product
from app.web.admin import EDITION, bp
from app.web.admin.access import needs, require
from app.web.admin.acts import note_act
from app.web.admin.editions.drafts import load_edition, render_draft

Answer = Response | str | tuple[str, int]

#: The largest number that the databases count to.
NUMBER_MAX = 2**31 - 1


@bp.post(f"{EDITION}/texts")
@needs(Role.EDITOR)
def texts_submit(edition_id: int) -> Answer:
    """Save subject, preheader and introduction, those that were sent."""
    texts = {name: _typed(name) for name in TEXTS if name in request.form}
    if "preheader" in texts:  # written on several lines of the page, and one line of text
        texts["preheader"] = " ".join(texts["preheader"].split("\n"))
    try:
        return _save(edition_id, texts, "texts", note="texts")
    except InputRefused:
        if _is_script():
            return render_template("admin/editions/_unsaved.html"), 422
        with product().database.reading() as session:
            shown = load_edition(session, edition_id)
            texts = {name: getattr(shown, name) for name in TEXTS} | texts
            return render_draft(session, shown, refused=texts), 422


@bp.post(f"{EDITION}/introduction")
@needs(Role.EDITOR)
def introduction_submit(edition_id: int) -> str:
    """Show what an introduction looks like; nothing is saved. Raises NotFound."""
    with product().database.reading() as session:
        language = load_edition(session, edition_id).language
    return str(introduction_html(_typed("introduction"), language))


@bp.post(f"{EDITION}/order")
@needs(Role.EDITOR)
def order_submit(edition_id: int) -> Answer:
    """Put the draft into an order, or move one article or heading up or down by one line."""
    if "layout" in request.form:
        return _save(edition_id, {"layout": _typed("layout")}, "order", anchor="articles")
    by, moved = (-1, "up") if "up" in request.form else (1, "down")
    entry = request.form.get(moved, "")
    article_id = int(entry) if entry.isdecimal() and len(entry) < 19 else None
    with _changed(edition_id, f"{entry} {moved}", of=article_id) as (session, _):
        move_entry(session, edition_id=edition_id, entry=entry, by=by)
    return _answer(edition_id, anchor=f"item-{entry}" if entry.isdecimal() else "articles")


@bp.post(f"{EDITION}/removal")
@needs(Role.EDITOR)
def removal_submit(edition_id: int) -> Answer:
    """Take one article out; a later edition may carry it."""
    article_id = request.form.get("item", 0, type=int)
    with _changed(edition_id, f"article {article_id} removed", of=article_id) as (session, _):
        remove_item(session, edition_id=edition_id, article_id=article_id)
    return _answer(edition_id, note="removed", anchor="articles")


@bp.post(f"{EDITION}/return")
@needs(Role.EDITOR)
def return_submit(edition_id: int) -> Answer:
    """Bring an article back that was taken out."""
    article_id = request.form.get("item", 0, type=int)
    with _changed(edition_id, f"article {article_id} brought back") as (session, state):
        bring_back(session, edition_id=edition_id, article_id=article_id, state=state, now=now())
    return _answer(edition_id, anchor=f"item-{article_id}")


@bp.post(f"{EDITION}/addition")
@needs(Role.EDITOR)
def addition_submit(edition_id: int) -> Answer:
    """Put an article in, where its story stands in the edition beside which it was offered."""
    article_id = min(max(request.form.get("item", 0, type=int), 0), NUMBER_MAX)
    with _changed(edition_id, f"article {article_id} put in") as (session, state):
        twin = _twin(session, edition_id)
        put_in(session, edition_id=edition_id, article_id=article_id, twin=twin, state=state, now=now())
    return _answer(edition_id, note="put-in", anchor=f"item-{article_id}")


@bp.post(f"{EDITION}/section")
@needs(Role.EDITOR)
def section_submit(edition_id: int) -> Answer:
    """Let a section begin with an article, under another heading, or under none."""
    article_id = request.form.get("item", 0, type=int)
    with _changed(edition_id, f"section at article {article_id}", of=article_id) as (session, _):
        start_section(session, edition_id=edition_id, article_id=article_id, heading=_typed("heading"))
    return _answer(edition_id, anchor=f"item-{article_id}")


@bp.post(f"{EDITION}/words")
@needs(Role.EDITOR)
def words_submit(edition_id: int) -> Answer:
    """Save an editor's own title and teaser for one article."""
    article_id = request.form.get("item", 0, type=int)
    words = {part: _typed(part) for part in (f"title:{article_id}", f"teaser:{article_id}") if part in request.form}
    return _save(edition_id, words, f"words of article {article_id}", anchor=f"item-{article_id}")


@bp.post(f"{EDITION}/lead")
@needs(Role.EDITOR)
def lead_submit(edition_id: int) -> Answer:
    """Let another article of the same story lead."""
    article_id, lead_id = (request.form.get(name, 0, type=int) for name in ("item", "lead"))
    if article_id != lead_id:
        with _changed(edition_id, f"article {lead_id} for {article_id}", of=article_id) as (session, _):
            set_lead(session, edition_id=edition_id, article_id=article_id, lead_id=lead_id)
    return _answer(edition_id, anchor=f"item-{lead_id}")


@bp.post(f"{EDITION}/undo")
@needs(Role.EDITOR)
def undo_submit(edition_id: int) -> Answer:
    """Take the last change back."""
    return _go(edition_id, undo, "undone", note="undone")


@bp.post(f"{EDITION}/redo")
@needs(Role.EDITOR)
def redo_submit(edition_id: int) -> Answer:
    """Do again what was taken back."""
    return _go(edition_id, redo, "redone", note="redone")


@bp.post(f"{EDITION}/history")
@needs(Role.EDITOR)
def restore_submit(edition_id: int) -> Answer:
    """Bring the draft back to an earlier revision."""
    number = request.form.get("number", -1, type=int)
    number = number if 0 <= number <= NUMBER_MAX else -1
    return _go(edition_id, partial(restore, number=number), f"revision {number} restored", note="restored")


def _save(
    edition_id: int, changes: Mapping[str, str], detail: str, *, note: str | None = None, anchor: str = ""
) -> Answer:
    """Save parts of the state as they were sent, or show both versions where somebody else changed the same."""
    conflict = None
    with product().database.transaction() as session:
        try:
            saved = save_state(
                session, edition_id=edition_id, seen=_seen(), changes=changes, actor=require().email, now=now()
            )
        except DraftConflict as found:
            conflict, edition = found, load_edition(session, edition_id)  # of the moment at which they were compared
            titles = {str(item.article_id): item.shown_title for item in edition.items}
        else:
            _note_change(session, saved.edition, detail, before=saved.before)
            history = read_history(session, edition_id)  # of the save itself: others may save right after it
            asked = open_request(session, saved.edition)
    if conflict is None and _is_script():
        return render_template(
            "admin/editions/_saved.html", edition=saved.edition, history=history, asked=asked, saved=saved
        )
    if conflict is None:
        return _answer(edition_id, note=note, anchor=anchor)
    name = "_conflict" if _is_script() else "conflict"
    page = render_template(f"admin/editions/{name}.html", edition=edition, conflict=conflict, titles=titles)
    return page, 409


def _go(edition_id: int, step: Callable[..., Edition], detail: str, *, note: str) -> Answer:
    """Take a step along the history from the revision that was seen, or show what somebody did since."""
    try:
        with product().database.transaction() as session:
            changed = step(session, edition_id=edition_id, seen=_seen(), actor=require().email, now=now())
            _note_change(session, changed, detail, before=_seen())
    except ChangedMeanwhile:
        with product().database.reading() as session:
            return render_draft(session, load_edition(session, edition_id), overtaken_at=_seen()), 409
    return _answer(edition_id, note=note)


@contextmanager
def _changed(edition_id: int, detail: str, *, of: int | None = None) -> Iterator[tuple[Session, Mapping[str, str]]]:
    """Write down, in the history and in the audit log, what the block changes of a draft.

    Raises TransitionRefused where the article that it is a change `of` was taken out since the page was read.
    """
    actor = require().email
    with product().database.transaction() as session:
        with recorded(session, edition_id=edition_id, actor=actor, now=now()) as (edition, state):
            before = edition.revision
            if of in taken_out(state):
                raise TransitionRefused(f"article {of} was taken out of this edition")
            yield session, state
        _note_change(session, edition, detail, before=before)


def _note_change(session: Session, edition: Edition, detail: str, *, before: int) -> None:
    """Put into the log that the draft is no longer what it was at the revision `before`.

    A button that changed nothing makes nobody the last to have changed it: they may still approve it.
    """
    if edition.revision != before:
        note_act(session, AuditAct.EDITION_CHANGED, f"edition:{edition.id}", detail)


def _answer(edition_id: int, *, note: str | None = None, anchor: str = "") -> Answer:
    return redirect(_page_of(edition_id, note=note, anchor=anchor or None), code=303)


def _twin(session: Session, edition_id: int) -> Edition | None:
    """Return the edition that the page showed beside the one that is changed."""
    edition, page = session.get_one(Edition, edition_id), session.get(Edition, _beside())
    if page is None or page.language == edition.language or page.newsletter_id != edition.newsletter_id:
        return twin_of(session, edition, Line.of(session, edition))
    return page


def _page_of(edition_id: int, *, note: str | None, anchor: str | None) -> str:
    """Return where somebody acted on a draft: its page, or that of two drafts, with this one in view."""
    if beside := _beside():
        return url_for("admin.twin", edition_id=beside, show=edition_id, note=note, _anchor=anchor)
    return url_for("admin.edition", edition_id=edition_id, note=note, _anchor=anchor)


def _beside() -> int:
    """Return the edition whose page showed two drafts, 0 for a page that showed one."""
    beside = request.form.get("beside", 0, type=int)
    return beside if 0 < beside <= NUMBER_MAX else 0


def _seen() -> int:
    """Return the revision that the page showed on which somebody acted."""
    return request.form.get("revision", 0, type=int)


def _is_script() -> bool:
    return "HX-Request" in request.headers


def _typed(name: str) -> str:
    return request.form.get(name, "").replace("\0", "").replace("\r\n", "\n").strip()
