"""How commands speak: JSON for programs, a table for people, one line for errors."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any

import click
from alembic.util import CommandError
from flask.cli import AppGroup
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError

from app.errors import AppError

Row = Mapping[str, object]

#: A longer table is not fitted into the terminal: that takes seconds.
FITTED_ROWS = 200

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class Commands(AppGroup):
    """A group whose refusals are one line on stderr and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, turning our exceptions into words."""
        with refusals_in_words():
            return super().invoke(ctx)


@contextmanager
def refusals_in_words() -> Iterator[None]:
    """Turn our exceptions, a database that cannot answer and what the machine refuses into one line and exit code 1."""
    try:
        yield
    except AppError as error:
        raise click.ClickException(str(error)) from error
    except (IntegrityError, DataError):
        raise  # a defect of ours
    except DatabaseError as error:
        reason = str(error.orig).splitlines()[0]
        hint = "; was `flask db upgrade` run?" if _is_behind(error) else ""
        raise click.ClickException(f"the database cannot answer ({reason}){hint}") from error
    except CommandError as error:
        hint = "; does a newer version know it?" if "locate revision" in str(error) else ""
        raise click.ClickException(f"the database cannot be migrated ({error}){hint}") from error
    except BrokenPipeError:
        raise  # who read us has enough: click ends without a word
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise click.ClickException(f"{place}{error.strerror or error}") from error


def _is_behind(error: DatabaseError) -> bool:
    """Tell whether a table or a column is missing: SQLite says so in words, PostgreSQL by the code."""
    is_sqlite_s = any(words in str(error.orig) for words in ("no such table", "no such column", "has no column named"))
    return is_sqlite_s or getattr(error.orig, "sqlstate", None) in {"42P01", "42703"}


def print_rows(rows: Sequence[Row], *, as_json: bool) -> None:
    """Print a list: an array of objects, or a table; on a terminal it is fitted in, elsewhere each row is a line."""
    if as_json:
        click.echo(json.dumps([plain(row) for row in rows], ensure_ascii=False, indent=1))
        return
    if not rows:
        click.echo("none")
        return
    cells = [[_one_line(_text(value)) for value in row.values()] for row in rows]
    if sys.stdout.isatty() and len(rows) <= FITTED_ROWS:
        _print_fitted([*rows[0]], cells)
    else:
        _print_whole([[*rows[0]], *cells])


def print_row(row: Row, *, as_json: bool) -> None:
    """Print one thing: an object, or a line per field."""
    if as_json:
        click.echo(json.dumps(plain(row), ensure_ascii=False, indent=1))
        return
    for name, value in row.items():
        click.echo(f"{name}: {_text(value)}")


def _print_fitted(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*header, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))
    Console(file=sys.stdout, soft_wrap=True, highlight=False).print(table)


def _print_whole(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def counted(number: int, one: str, many: str = "") -> str:
    """Return how many there are of something, in words: `many` where it is not `one` with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def plain(row: Row) -> dict[str, object]:
    """Return a row as it stands in JSON."""
    return {name: _json_value(value) for name, value in row.items()}


def _json_value(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, StrEnum):
        return value.value
    return "" if value is None else str(value)


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
