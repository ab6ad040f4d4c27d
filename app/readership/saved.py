"""Filters that the desk saves under a name."""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.db import insert_into
from app.errors import InputRefused, NotFound
from app.i18n import is_line
from app.readership.filters import ReaderFilter
from app.readership.models import NAME_MAX, SavedFilter

#: A list that nobody can survey is no help.
SAVED_MAX = 50


def saved_filters() -> Select[SavedFilter]:
    """Select all of them, by name."""
    return select(SavedFilter).order_by(SavedFilter.name).limit(SAVED_MAX)


def save_filter(session: Session, *, name: str, wanted: ReaderFilter, now: datetime) -> None:
    """Save a filter, in the place of one that had the name.

    Raises InputRefused for a name that is none, for a filter that leaves out nobody, and where there are too many.
    """
    if not name.strip() or len(name) > NAME_MAX or not is_line(name):
        raise InputRefused(f"a name is a line of at most {NAME_MAX} characters")
    query = wanted.as_query()
    if not query:
        raise InputRefused("this filter leaves out nobody")
    names = set(session.scalars(select(SavedFilter.name)))
    if name not in names and len(names) >= SAVED_MAX:
        raise InputRefused(f"there are {SAVED_MAX} filters already: drop one")
    insert = insert_into(session, SavedFilter).values(name=name, query=query, created_at=now)
    session.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"query": query, "created_at": now}))


def filter_named(session: Session, name: str) -> ReaderFilter:
    """Return the filter of a name. Raises NotFound."""
    found = session.scalars(select(SavedFilter).where(SavedFilter.name == name)).one_or_none()
    if found is None:
        raise NotFound(f"there is no filter {name!r}")
    return ReaderFilter.from_query(found.query)


def drop_filter(session: Session, filter_id: int) -> str:
    """Drop a saved filter and return its name. Raises NotFound."""
    found = session.get(SavedFilter, filter_id)
    if found is None:
        raise NotFound("there is no such filter")
    session.delete(found)
    session.flush()
    return found.name
