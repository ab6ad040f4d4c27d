"""What a piece of code asks of the database."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from app.db import Database


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The statements that are executed within the block, as they are executed."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            seen.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)


@contextmanager
def parameters(database: Database) -> Iterator[dict[str, list[int]]]:
    """How many parameters each statement has that is executed within the block, by its first word."""
    seen = defaultdict[str, list[int]](list)

    def note(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        seen[statement.partition(" ")[0]].append(len(values))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)


@contextmanager
def plans(database: Database) -> Iterator[list[str]]:
    """The steps by which the database goes through its tables for the statements that are executed within the block."""
    steps: list[str] = []
    explain = "EXPLAIN QUERY PLAN" if database.engine.dialect.name == "sqlite" else "EXPLAIN"

    def note(_: Any, cursor: Any, statement: str, values: Any, *___: Any) -> None:
        if not statement.startswith("BEGIN"):
            cursor.execute(f"{explain} {statement}", values)
            steps.extend(row[-1] for row in cursor.fetchall())

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield steps
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)
