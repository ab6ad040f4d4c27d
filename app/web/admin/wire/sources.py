"""Where articles come from: feeds, what is wrong with them, what of theirs is held, and one more."""

from urllib.parse import urlsplit

from flask import render_template, request, url_for
from sqlalchemy import select
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app import i18n
from app.admins.models import AuditAct, Role
from app.articles.floods import held_floods, let_through, refuse, titles_of
from app.articles.models import Source
from app.articles.sources import add_source
from app.clock import now
from app.errors import InputRefused
from app.web import product
from app.web.admin import FLOOD, bp
from app.web.admin.access import needs
from app.web.admin.acts import note_act

LOCATION_MAX = 2000
NAME_MAX = 200
#: Of each flood.
TITLES_SHOWN = 3


@bp.get("/sources")
@needs(Role.VIEWER)
def sources() -> str:
    """List the feeds, the broken ones first."""
    return _page()


@bp.post("/sources")
@needs(Role.PUBLISHER)
def source_submit() -> Response | tuple[str, int]:
    """Add a feed by its address; a scheduled fetch reads it soon."""
    location, name = request.form.get("location", "").strip(), request.form.get("name", "").strip()
    language = request.form.get("language", "")
    is_named = len(name) <= NAME_MAX and i18n.is_line(name) and language in {"", *i18n.LANGUAGES}
    if not is_web_address(location) or not is_named:
        return _page(location=location, name=name, chosen=language, problem="address"), 422
    try:
        with product().database.transaction() as session:
            source = add_source(
                session,
                location=location,
                language=language or None,
                name=name or None,
                takes_full_text="full_text" in request.form,
                now=now(),
            )
            note_act(session, AuditAct.SOURCE_ADDED, f"source:{source.id}")
    except InputRefused:
        return _page(location=location, name=name, chosen=language, problem="refused"), 422
    return redirect(url_for("admin.sources", note="source"), code=303)


@bp.post(f"{FLOOD}/passage")
@needs(Role.PUBLISHER)
def flood_pass_submit(flood_id: int) -> Response:
    """Let held articles into the next digest."""
    with product().database.transaction() as session:
        number = let_through(session, flood_id=flood_id, now=now())
        note_act(session, AuditAct.FLOOD_PASSED, f"flood:{flood_id}", f"articles {number}")
    return redirect(url_for("admin.sources", note="flood-passed"), code=303)


@bp.post(f"{FLOOD}/refusal")
@needs(Role.PUBLISHER)
def flood_refuse_submit(flood_id: int) -> Response:
    """Keep held articles out for good."""
    with product().database.transaction() as session:
        refuse(session, flood_id=flood_id, now=now())
        note_act(session, AuditAct.FLOOD_REFUSED, f"flood:{flood_id}")
    return redirect(url_for("admin.sources", note="flood-refused"), code=303)


def is_web_address(text: str) -> bool:
    """Say whether `text` is an address on the web: only the command line may name files of this machine."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"} and bool(parts.hostname) and len(text) <= LOCATION_MAX and text.isprintable()
    )


def _page(*, location: str = "", name: str = "", chosen: str = "", problem: str | None = None) -> str:
    with product().database.reading() as session:
        rows = session.scalars(select(Source).order_by(Source.failure.is_(None), Source.name)).all()
        floods = [(flood, titles_of(session, flood.id, limit=TITLES_SHOWN)) for flood in session.scalars(held_floods())]
    return render_template(
        "admin/wire/sources.html",
        sources=rows,
        floods=floods,
        location=location,
        name=name,
        chosen=chosen,
        problem=problem,
    )
