"""Long tables, a page at a time: the next page starts below the last row shown, however far down that is."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import request
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

PAGE_LENGTH = 50

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, newest first; the next ones are those `before` this number, if there are any."""

    rows: list[Row]
    before: int | None


def newest_first(
    session: Session, query: Select[Row], number: InstrumentedAttribute[int], *, before: int | None
) -> Page[Row]:
    """Return one page of `query` by its growing `number`, from below `before` or from the top."""
    if before is not None:
        query = query.where(number < before)
    rows = list(session.scalars(query.order_by(number.desc()).limit(PAGE_LENGTH + 1)))
    if len(rows) <= PAGE_LENGTH:
        return Page(rows, None)
    return Page(rows[:PAGE_LENGTH], getattr(rows[PAGE_LENGTH - 1], number.key))


def asked_before() -> int | None:
    """Return the number that the address asks for rows before."""
    return request.args.get("before", type=whole)


def whole(text: str) -> int:
    """Return a row number. Raises ValueError on anything else, or on one that no database holds."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError("not a row number")
    return int(text)
