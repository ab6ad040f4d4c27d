"""Editions: list, compile, edit a draft."""

from collections.abc import Mapping
from datetime import timedelta

from flask import render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, lazyload, selectinload
from sqlalchemy.orm.interfaces import ORMOption
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.clock import now
from app.digests.schedule import is_too_late
from app.editions.archive import is_listed
from app.editions.compile import compile_edition
from app.editions.counts import counted
from app.editions.editor import read_editor
from app.editions.introduction import introduction_html
from app.editions.models import UNSENT, Edition, EditionItem, EditionStatus, whole_editions
from app.errors import NotFound
from app.gate.outdated import open_request
from app.web import product
from app.web.admin import EDITION, bp
from app.web.admin.access import may, needs
from app.web.admin.acts import note_act
from app.web.admin.choice import read_choice
from app.web.admin.editions.run import read_run
from app.web.admin.listing import asked_before, newest_first

#: How far back a compilation may reach; any other word means since the last one.
WINDOWS = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}
#: For pages that do not name what else tells of a story.
WITHOUT_OTHERS = selectinload(Edition.items).options(lazyload(EditionItem.also))
#: For pages that ask the database for much besides: what else tells of a story comes with the items.
OTHERS_JOINED = selectinload(Edition.items).joinedload(EditionItem.also)


@bp.get("/editions")
@needs(Role.VIEWER)
def editions() -> str:
    """List the editions of a newsletter and offer to compile one."""
    with product().database.reading() as session:
        choice = read_choice(session)
        theirs = whole_editions().where(Edition.newsletter_id == choice.newsletter.id)
        page = newest_first(session, theirs, Edition.id, before=asked_before())
        counts = counted(session, [edition.id for edition in page.rows])
    rows = [(each, counts.get(each.id)) for each in page.rows]
    return render_template("admin/editions/editions.html", page=page, rows=rows, choice=choice)


@bp.post("/editions")
@needs(Role.EDITOR)
def compile_submit() -> Response:
    """Compile a draft from articles that no edition has carried."""
    at, language, window = now(), request.form.get("language", ""), request.form.get("window")
    with product().database.transaction() as session:
        choice = read_choice(session)
        newsletter = choice.newsletter
        since = at - WINDOWS[window] if window in WINDOWS else None
        compilation = compile_edition(
            session, newsletter=newsletter, language=language, since=since, until=at, now=at,
            half_life=product().config.story_half_life,
        )  # fmt: skip
        detail = f"{language} {compilation.outcome.value} {compilation.edition_id or ''}".strip()
        note_act(session, AuditAct.EDITION_COMPILED, f"newsletter:{newsletter.id}", detail)
    if compilation.edition_id is None:
        return redirect(url_for("admin.editions", newsletter=choice.named, note="nothing-new"), code=303)
    return redirect(url_for("admin.edition", edition_id=compilation.edition_id, note="compiled"), code=303)


@bp.get(EDITION)
@needs(Role.VIEWER)
def edition(edition_id: int) -> str | Response:
    """Show an edition: a draft to edit, or a run to follow."""
    with product().database.reading() as session:
        shown = load_edition(session, edition_id, WITHOUT_OTHERS)
        if shown.status is EditionStatus.SCHEDULED and may("send"):
            return redirect(url_for("admin.send", edition_id=edition_id))
        if shown.status in UNSENT:
            _load_others(session, shown)
            return render_draft(session, shown)
        run = read_run(session, edition=shown, now=now())
        archive_url = _archive_url(session, shown)
    return render_template("admin/editions/run.html", edition=shown, run=run, archive_url=archive_url)


def _load_others(session: Session, edition: Edition) -> None:
    """Read what else tells of the stories of an edition that was read without."""
    items = select(EditionItem).where(EditionItem.edition_id == edition.id).options(selectinload(EditionItem.also))
    session.scalars(items.execution_options(populate_existing=True)).all()


def render_draft(
    session: Session, edition: Edition, *, refused: Mapping[str, str] | None = None, overtaken_at: int | None = None
) -> str:
    """Return the page of a draft; `refused` are texts that were sent and not taken.

    `overtaken_at`: the revision from which somebody wanted to undo, redo or restore, where it is not the last.
    """
    return render_template(
        "admin/editions/draft.html",
        edition=edition,
        editor=read_editor(session, edition, now()),
        introduction=introduction_html((refused or {}).get("introduction", edition.introduction), edition.language),
        refused=refused,
        overtaken_at=overtaken_at,
        asked=open_request(session, edition),
        is_late=is_too_late(edition, now()),
    )


def load_edition(session: Session, edition_id: int, *options: ORMOption) -> Edition:
    """Return an edition with its items. Raises NotFound."""
    whole = [selectinload(Edition.items), joinedload(Edition.content), *options]
    found = session.get(Edition, edition_id, options=whole)
    if found is None:
        raise NotFound(f"no edition {edition_id}")
    return found


def _archive_url(session: Session, edition: Edition) -> str | None:
    if session.scalar(select(Edition.id).where(Edition.id == edition.id, is_listed(now()))) is None:
        return None
    return product().links.archived_edition(edition.language, edition.public_id)
