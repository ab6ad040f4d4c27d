"""How an act on a story is answered: a script gets the rows that changed, whoever has none goes back to the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.clock import now
from app.stories.models import Story, StoryEvent
from app.web import product, taxonomy_in_use
from app.web.admin.access import own_path, require
from app.web.admin.listing import whole
from app.web.admin.wire.board import StoryRow, story_rows

#: Acts that one press of "Undo" takes back.
UNDONE_MAX = 20
#: What an address says of the last act.
_NOTE = frozenset({"note", "event"})


@dataclass
class Changes:
    """What an act changed: the note on it, stories `shown` anew, `gone` ones, new ones by the shown one they follow."""

    note: str
    shown: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    added: dict[int, int] = field(default_factory=dict)
    events: list[int] = field(default_factory=list)


def is_swap() -> bool:
    """Say whether a script asks for the pieces of the page that change."""
    return "HX-Request" in request.headers


def answer(changes: Changes) -> Response | str:
    """Answer an act that was done."""
    back = way_back()
    if not is_swap():
        return redirect(_with_note(back, changes), code=303)
    with product().database.reading() as session:
        found = rows_of(session, [*changes.shown, *changes.added])
    return render_template(
        "admin/wire/_changes.html", changes=changes, found=found, back=back, undo=changes.events,
        taxonomy=taxonomy_in_use(),
    )  # fmt: skip


def rows_of(session: Session, story_ids: Sequence[int]) -> Mapping[int, StoryRow]:
    """Return what the rows of these stories show, by story."""
    stories = session.scalars(select(Story).where(Story.id.in_(story_ids))).all()
    rows = story_rows(session, stories, language=require().language, at=now())
    return {row.story.id: row for row in rows}


def way_back() -> str:
    """Return the address of the wire as it is shown, for the forms on it, without the note on the last act."""
    if request.method == "POST":
        return own_path(request.form.get("back") or url_for("admin.articles"))
    kept = [pair for pair in request.args.items(multi=True) if pair[0] not in _NOTE]
    return f"{request.path}?{urlencode(kept)}" if kept else request.path


def undoable(session: Session) -> list[int]:
    """Return the acts that the address says were just done, those that whoever asks did."""
    asked = asked_numbers(request.args.getlist("event"))
    query = select(StoryEvent.id).where(StoryEvent.id.in_(asked), StoryEvent.actor == require().email)
    return list(session.scalars(query.order_by(StoryEvent.id))) if asked else []


def asked_numbers(texts: Sequence[str]) -> list[int]:
    """Return the row numbers among `texts`, each once, and no more than an act may take."""
    numbers = []
    for text in texts[:UNDONE_MAX]:
        try:
            numbers.append(whole(text))
        except ValueError:
            continue
    return [number for number in dict.fromkeys(numbers) if number < 2**31]


def _with_note(back: str, changes: Changes) -> str:
    parts = urlsplit(back)
    kept = [pair for pair in parse_qsl(parts.query) if pair[0] not in _NOTE]
    told = [("note", changes.note), *(("event", str(event_id)) for event_id in changes.events)]
    anchor = f"story-{changes.shown[0]}" if changes.shown else ""
    return urlunsplit(("", "", parts.path, urlencode([*kept, *told]), anchor))
