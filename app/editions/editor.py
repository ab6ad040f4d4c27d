"""A draft as its editors see it: what it carries, what was taken out, what can be undone, what was said of it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.editions.comments import comments_on
from app.editions.history import History, read_history
from app.editions.lines import Line, may_stand_in
from app.editions.models import Edition, EditionItem
from app.editions.records import EditionComment, EditionRevision
from app.editions.states import state_of, taken_out
from app.editions.twins import twin_of


@dataclass(frozen=True)
class Entry:
    """A line of a draft's layout: a heading, or an article under one. `key` is how the layout writes it."""

    key: str
    heading: str | None
    item: EditionItem | None = None


@dataclass(frozen=True)
class Editor:
    """What the page of a draft shows beside its texts. `returnable`: ids of what was taken `out` and may come back."""

    entries: tuple[Entry, ...]
    out: tuple[Article, ...]
    returnable: Collection[int]
    history: History
    comments: Sequence[EditionComment]
    twin: Edition | None

    @property
    def open_comments(self) -> Mapping[int | None, int]:
        """How many comments wait for an answer, by the id of their article."""
        keys = [comment.article_id for comment in self.comments if comment.resolved_at is None]
        return {key: keys.count(key) for key in keys}


def read_editor(session: Session, edition: Edition, now: datetime) -> Editor:
    """Return what the page of a draft shows."""
    history = read_history(session, edition.id)
    out = taken_out(state_of(edition, before=history.revisions[0].state if history.revisions else {}))
    line = Line.of(session, edition)
    query = select(Article, may_stand_in(line, edition, now)).where(Article.id.in_(out)) if out else None
    articles = {each.id: (each, may) for each, may in session.execute(query)} if query is not None else {}
    return Editor(
        entries=tuple(entries_of(edition)),
        out=tuple(articles[key][0] for key in out if key in articles),
        returnable=[key for key, (_, may) in articles.items() if may],
        history=history,
        comments=comments_on(session, edition.id),
        twin=twin_of(session, edition, line),
    )


def entries_of(edition: Edition) -> Iterator[Entry]:
    """Yield the lines of a draft's layout."""
    section: str | None = None
    for item in edition.items:
        if item.section != section and item.section is not None:
            yield Entry(f"# {item.section}", item.section)
        section = item.section
        yield Entry(str(item.article_id), section, item)


def titles_of(session: Session, revisions: Sequence[EditionRevision]) -> Mapping[int, str]:
    """Return the titles of the articles that revisions name in their parts, by id."""
    named = {part.partition(":")[2] for each in revisions for part in each.parts if ":" in part}
    ids = [int(key) for key in named if key.isdecimal()]
    return dict(session.execute(select(Article.id, Article.title).where(Article.id.in_(ids))).all()) if ids else {}
