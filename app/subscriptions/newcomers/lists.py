"""Lists of readers in CSV files (RFC 4180): read row by row in constant memory, each bad row named."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType

from app.errors import AppError, InputRefused
from app.mail.address import parse_address
from app.subscriptions.newcomers.imports import Newcomer, Provenance, check_provenance

#: A million rows fit; what is larger is a mistake.
FILE_MAX_BYTES = 200 * 1024 * 1024
FIELD_MAX_CHARACTERS = 1024
#: What the columns may be called, in lower case.
COLUMNS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "email": frozenset({"email", "e-mail", "mail", "address", "adresse", "courriel"}),
        "language": frozenset({"language", "langue", "lang"}),
        "source": frozenset({"source", "origin", "origine"}),
        "consented_on": frozenset({"consented_on", "consented on", "date"}),
    }
)
#: A time behind the day is what a database's export has; anything else there is a slip, and proves nothing.
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ][0-9:.+Z-]+)?")
#: An export puts an apostrophe before what a spreadsheet would take for a formula.
_GUARDED = ("'=", "'+", "'-", "'@", "'\t", "'\r")


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be taken, by the line of the file on which it ends, counted from 1, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class ListDefaults:
    """What holds for rows that say nothing of it themselves; `languages` are those that a row may name."""

    language: str
    languages: frozenset[str]
    provenance: Provenance | None


def read_list(path: Path, defaults: ListDefaults, *, now: datetime) -> Iterator[Newcomer | BadRow]:
    """Yield the rows of a file with a header line, in UTF-8 or Windows-1252, with commas or semicolons.

    A row that tells only where, or only when, its reader consented has no provenance. Raises InputRefused for a file
    that is no such list, and OSError.
    """
    if path.stat().st_size > FILE_MAX_BYTES:
        raise InputRefused(f"a list may have {FILE_MAX_BYTES // 1024 // 1024} MB at most")
    with path.open(encoding=_encoding(path), newline="") as file:
        head = file.readline()
        file.seek(0)
        rows = csv.reader(file, delimiter=";" if head.count(";") > head.count(",") else ",")
        header = _header(rows)
        places = _places(header)
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield BadRow(rows.line_num, str(error))
                continue
            if not row:
                continue
            if len(row) != len(header):
                yield BadRow(rows.line_num, f"{len(row)} fields where the header has {len(header)}")
                continue
            yield _read_row(rows.line_num, {name: row[place] for name, place in places.items()}, defaults, now)


def _read_row(line: int, fields: Mapping[str, str], defaults: ListDefaults, now: datetime) -> Newcomer | BadRow:
    try:
        values = {name: _clean(name, value) for name, value in fields.items()}
        language = values.get("language", "").lower() or defaults.language
        if language not in defaults.languages:
            raise InputRefused(f"no newsletter in {language!r}")
        provenance = _provenance(values, defaults)
        check_provenance(provenance, now)
        return Newcomer(parse_address(values["email"]), language, provenance)
    except AppError as error:
        return BadRow(line, str(error))


def _clean(name: str, value: str) -> str:
    if len(value) > FIELD_MAX_CHARACTERS:
        raise InputRefused(f"{name} is longer than {FIELD_MAX_CHARACTERS} characters")
    value = value.removeprefix("'") if value.startswith(_GUARDED) else value
    if not value.strip().isprintable():
        raise InputRefused(f"{name} holds a control character")
    return value.strip()


def _provenance(values: Mapping[str, str], defaults: ListDefaults) -> Provenance | None:
    source, day = values.get("source", ""), values.get("consented_on", "")
    if not source and not day:
        return defaults.provenance
    if not source or not day:
        return None
    return Provenance(source, read_day(day))


def read_day(text: str) -> datetime:
    """Return the beginning (UTC) of a day written like 2025-12-31, with or without a time. Raises InputRefused."""
    found = _DAY.fullmatch(text)
    try:
        day = date.fromisoformat(found[1] if found else "")
    except ValueError:
        raise InputRefused(f"a day is written like 2025-12-31, not {text!r}") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _header(rows: Iterator[list[str]]) -> list[str]:
    try:
        return next(rows, [])
    except csv.Error as error:
        raise InputRefused(f"the first line cannot be read: {error}") from error


def _places(header: list[str]) -> dict[str, int]:
    names = [name.strip().lower() for name in header]
    places = {
        column: place for column, aliases in COLUMNS.items() for place, name in enumerate(names) if name in aliases
    }
    if "email" not in places:
        raise InputRefused("the first line must name the columns, one of them email")
    for column, aliases in COLUMNS.items():
        if sum(name in aliases for name in names) > 1:
            raise InputRefused(f"two columns could be the {column}")
    return places


def _encoding(path: Path) -> str:
    """Return the encoding of a file: UTF-8, with or without a mark, or else Windows-1252, in which any octets read."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            while file.read(1 << 20):
                pass
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"
