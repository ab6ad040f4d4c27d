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
from app.topics.models import Correction, TopicCorrection
from app.web import product, taxonomy_in_use
from app.web.admin.access import own_path, require
from app.web.admin.listing import whole
from app.web.admin.wire.board import StoryRow, story_rows

#: Acts that one press of "Undo" takes back.
UNDONE_MAX = 20
#: What an address says of the last act.
_NOTE = frozenset({"note", "event", "article", "corrected", "earlier"})
#: What takes a correction of a topic back, by what an editor had said before.
_BACKWARD = {
    None: "topic_withdrawal_submit",
    Correction.ADDED: "topic_submit",
    Correction.REMOVED: "topic_removal_submit",
}


@dataclass(frozen=True)
class Corrected:
    """That a topic of an article was corrected just now, and what an editor had said of it before, if anything."""

    article_id: int
    topic: str
    earlier: Correction | None

    @property
    def endpoint(self) -> str:
        """What takes it back."""
        return _BACKWARD[self.earlier]

    def told(self) -> dict[str, str]:
        """Return what an address says of it."""
        return {"article": str(self.article_id), "corrected": self.topic, "earlier": self.earlier or ""}


@dataclass
class Changes:
    """What an act changed: the note on it, stories `shown` anew, `gone` ones, new ones by the shown one they follow.

    `events` and `corrected` are what may be taken back.
    """

    note: str
    shown: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    added: dict[int, int] = field(default_factory=dict)
    events: list[int] = field(default_factory=list)
    corrected: Corrected | None = None


def is_swap() -> bool:
    """Say whether a script asks for the pieces of the page that change."""
    return "HX-Request" in request.headers


def answer(changes: Changes, *, back: str | None = None) -> Response | str:
    """Answer an act that was done; without a script, where its form says, else at `back`, else on the wire."""
    back = way_back(back)
    if not is_swap():
        return redirect(_with_note(back, changes), code=303)
    with product().database.reading() as session:
        found = rows_of(session, [*changes.shown, *changes.added])
    return render_template(
        "admin/wire/_changes.html", changes=changes, found=found, back=back, undo=changes.events,
        corrected=changes.corrected, taxonomy=taxonomy_in_use(),
    )  # fmt: skip


def rows_of(session: Session, story_ids: Sequence[int]) -> Mapping[int, StoryRow]:
    """Return what the rows of these stories show, by story."""
    stories = session.scalars(select(Story).where(Story.id.in_(story_ids))).all()
    rows = story_rows(session, stories, language=require().language, at=now())
    return {row.story.id: row for row in rows}


def way_back(otherwise: str | None = None) -> str:
    """Return the address of the page as it is shown, for the forms on it, without the note on the last act."""
    if request.method == "POST":
        return own_path(request.form.get("back") or otherwise or url_for("admin.articles"))
    kept = [pair for pair in request.args.items(multi=True) if pair[0] not in _NOTE]
    return f"{request.path}?{urlencode(kept)}" if kept else request.path


def undoable(session: Session) -> list[int]:
    """Return the acts that the address says were just done, those that whoever asks did."""
    asked = asked_numbers(request.args.getlist("event"))
    query = select(StoryEvent.id).where(StoryEvent.id.in_(asked), StoryEvent.actor == require().email)
    return list(session.scalars(query.order_by(StoryEvent.id))) if asked else []


def corrected_just_now(session: Session) -> Corrected | None:
    """Return the correction that the address says was just made, if whoever asks made it."""
    try:
        article_id, topic = whole(request.args.get("article", "")), request.args.get("corrected", "")
        earlier = Correction(request.args["earlier"]) if request.args.get("earlier") else None
    except ValueError:
        return None
    made = session.get(TopicCorrection, (article_id, topic)) if article_id < 2**31 and topic.isprintable() else None
    return Corrected(article_id, topic, earlier) if made is not None and made.by == require().email else None


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
    told += changes.corrected.told().items() if changes.corrected else ()
    anchor = f"story-{changes.shown[0]}" if changes.shown and parts.path == url_for("admin.articles") else ""
    return urlunsplit(("", "", parts.path, urlencode([*kept, *told]), anchor))
