"""Lists of readers in CSV files (RFC 4180): read row by row in constant memory, each bad row named."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from app.errors import AddressInvalid, InputRefused, ListRefused
from app.mail.address import parse_address
from app.subscriptions.newcomers.cells import unguard
from app.subscriptions.newcomers.columns import Column, Places
from app.subscriptions.newcomers.imports import SOURCE_MAX, Newcomer, Provenance

FIELD_MAX_CHARACTERS = 1024
COLUMNS_MAX = 200
#: Octets. A longer line is no row of a list; it is skipped piece by piece.
LINE_MAX_BYTES = 256 * 1024
DELIMITERS = (",", ";", "\t")
#: Rows that a page shows for people to see what stands in which column.
SAMPLE_ROWS = 3
#: What other kinds of files begin with: archives, spreadsheets among them (XLSX is a ZIP), and UTF-16.
_OTHER_KINDS = (b"PK", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\xd0\xcf\x11\xe0", b"%PDF",
                b"\xff\xfe", b"\xfe\xff", b"\x28\xb5\x2f\xfd")  # fmt: skip
#: A time behind the day is what a database's export has; anything else there is a slip, and proves nothing.
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ][0-9:.+Z-]+)?")
#: What stands for octets that are none in the file's encoding; it would be a letter of an address like any other.
_NO_CHARACTER = "\N{REPLACEMENT CHARACTER}"
#: What programs write where they know no date: the first days of MySQL, of .NET, of spreadsheets and of Unix.
_NO_DAYS = ("0000-00-00", "0001-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01")
#: What other programs call somebody who gets letters; nothing at all says nothing against it.
_SUBSCRIBED = frozenset(
    {"", "confirmed", "subscribed", "active", "enabled", "confirmé", "confirme", "abonné", "abonne", "inscrit", "actif"}
)


class RowFault(StrEnum):
    """Why a row cannot be taken."""

    UNREADABLE = "unreadable"
    LINE_TOO_LONG = "line-too-long"
    WIDTH = "width"
    TOO_LONG = "too-long"
    CONTROL = "control"
    ADDRESS = "address"
    LANGUAGE = "language"
    DAY = "day"
    SOURCE = "source"
    STATUS = "status"

    @property
    def sentence(self) -> str:
        """The same in English, without the row's own words: these may be personal."""
        return _SENTENCES[self]


_SENTENCES: Mapping[RowFault, str] = MappingProxyType(
    {
        RowFault.UNREADABLE: "The line cannot be read as CSV: look for a quotation mark too many.",
        RowFault.LINE_TOO_LONG: "The line is longer than 256 kB.",
        RowFault.WIDTH: "The row has not as many fields as the header.",
        RowFault.TOO_LONG: "The field is longer than 1,024 characters.",
        RowFault.CONTROL: "The field holds a control character, or one that does not show.",
        RowFault.ADDRESS: "This is no address that mail can be sent to.",
        RowFault.LANGUAGE: "The newsletter has no such language.",
        RowFault.DAY: "A day is written like 2025-12-31, and is not to come.",
        RowFault.SOURCE: "The source of a consent is a line of at most 120 characters.",
        RowFault.STATUS: "The person is not subscribed there: an import brings nobody back.",
    }
)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be taken, by the line of the file on which it ends, counted from 1, the column, and why."""

    line: int
    column: Column | None
    fault: RowFault


@dataclass(frozen=True)
class ListDefaults:
    """What holds for rows that say nothing of it themselves; `languages` are those that a row may name."""

    language: str
    languages: frozenset[str]
    provenance: Provenance | None


@dataclass(frozen=True)
class Layout:
    """How a file is written: its encoding, what parts its cells, its header, and some rows to look at."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...] = ()


def read_layout(path: Path) -> Layout:
    """Find out how a file is written: UTF-8 or Windows-1252, with commas, semicolons or tabs.

    Raises ListRefused for a file that is no list with a header line, and OSError.
    """
    with path.open("rb") as file:
        start = file.read(LINE_MAX_BYTES)
    if start.startswith(_OTHER_KINDS):
        raise ListRefused("kind", "this is no CSV file: save the table as CSV in UTF-8, unpacked")
    encoding = _encoding(path)
    head = start.decode(encoding, errors="replace").partition("\n")[0]
    delimiter = max(DELIMITERS, key=head.count)
    with ListReader(path, Layout(encoding, delimiter, ())) as rows:
        header = next(rows, None)
        if not isinstance(header, list) or not any(cell.strip() for cell in header):
            raise ListRefused("header", "the first line cannot be read: it must name the columns")
        if len(header) > COLUMNS_MAX:
            raise ListRefused("wide", f"a list has {COLUMNS_MAX} columns at most")
        names = tuple(cell.strip()[:80] for cell in header)
        sample = [tuple(row) for _, row in zip(range(SAMPLE_ROWS), rows, strict=False) if isinstance(row, list)]
    return Layout(encoding, delimiter, names, tuple(sample))


class ListReader:
    """Yields the raw rows of a file, or a BadRow; `position` (octets) and `line` say how far it has come.

    It can be put where an earlier one stood: every row begins with a line.
    """

    def __init__(self, path: Path, layout: Layout, *, position: int = 0, line: int = 0) -> None:
        self.position, self.line = position, line
        self._file: BinaryIO = path.open("rb")
        self._file.seek(position)
        self._encoding = "utf-8" if layout.encoding == "utf-8-sig" else layout.encoding
        self._has_mark = layout.encoding == "utf-8-sig" and position == 0
        self._overlong = False
        self._rows = csv.reader(self._lines(), delimiter=layout.delimiter)

    def __enter__(self) -> "ListReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[list[str] | BadRow]:
        return self

    def __next__(self) -> list[str] | BadRow:
        """Return the next row."""
        try:
            row = next(self._rows)
        except csv.Error:
            self._overlong = False
            return BadRow(self.line, None, RowFault.UNREADABLE)
        if self._overlong:
            self._overlong = False
            return BadRow(self.line, None, RowFault.LINE_TOO_LONG)
        return row

    def _lines(self) -> Iterator[str]:
        """Yield lines as the reader asks for them: one row's, and never one more."""
        while octets := self._file.readline(LINE_MAX_BYTES):
            self.line += 1
            self.position += len(octets)
            if len(octets) == LINE_MAX_BYTES and not octets.endswith(b"\n"):
                self._overlong = True
                self._skip_line()
                octets = b"\n"
            text = octets.decode(self._encoding, errors="replace")
            yield text.removeprefix("\ufeff") if self._has_mark and self.line == 1 else text

    def _skip_line(self) -> None:
        while octets := self._file.readline(LINE_MAX_BYTES):
            self.position += len(octets)
            if octets.endswith(b"\n"):
                return


class RowReader:
    """Makes newcomers of raw rows."""

    def __init__(self, places: Places, width: int, defaults: ListDefaults, *, now: datetime) -> None:
        self._width, self._defaults, self._now = width, defaults, now
        self._places = [(column, places[column]) for column in Column if column in places]

    def read(self, line: int, row: list[str] | BadRow) -> Newcomer | BadRow | None:
        """Return the newcomer of a row, why there is none, or nothing for an empty line.

        A row that tells only where, or only when, its reader consented has no provenance.
        """
        if isinstance(row, BadRow):
            return row
        if not row:
            return None
        if len(row) != self._width:
            return BadRow(line, None, RowFault.WIDTH)
        values = dict.fromkeys(Column, "")
        for column, place in self._places:
            values[column] = value = unguard(row[place]).strip()
            if len(value) > FIELD_MAX_CHARACTERS:
                return BadRow(line, column, RowFault.TOO_LONG)
            if not value.isprintable() or _NO_CHARACTER in value:
                return BadRow(line, column, RowFault.CONTROL)
        return self._newcomer(line, values)

    def _newcomer(self, line: int, values: Mapping[Column, str]) -> Newcomer | BadRow:
        if values[Column.STATUS].lower() not in _SUBSCRIBED:
            return BadRow(line, Column.STATUS, RowFault.STATUS)
        language = values[Column.LANGUAGE].lower() or self._defaults.language
        if language not in self._defaults.languages:
            return BadRow(line, Column.LANGUAGE, RowFault.LANGUAGE)
        provenance = self._provenance(values[Column.SOURCE], values[Column.CONSENTED_ON])
        if isinstance(provenance, RowFault):
            column = Column.SOURCE if provenance is RowFault.SOURCE else Column.CONSENTED_ON
            return BadRow(line, column, provenance)
        try:
            return Newcomer(parse_address(values[Column.EMAIL]), language, provenance, line)
        except AddressInvalid:
            return BadRow(line, Column.EMAIL, RowFault.ADDRESS)

    def _provenance(self, source: str, day: str) -> Provenance | RowFault | None:
        if day.startswith(_NO_DAYS):
            day = ""
        if not source and not day:
            return self._defaults.provenance
        return _provenance(source, day, self._now) if source and day else None


@lru_cache(maxsize=4096)
def _provenance(source: str, day: str, now: datetime) -> Provenance | RowFault:
    """Return what proves a consent, or why this does not; a list names few sources and days."""
    try:
        found = Provenance(source, read_day(day))
    except InputRefused:
        return RowFault.DAY
    if found.consented_at > now:
        return RowFault.DAY
    return found if len(source) <= SOURCE_MAX else RowFault.SOURCE


def read_day(text: str) -> datetime:
    """Return the day that `text`, like "2025-12-31", begins with, at midnight UTC. Raises InputRefused."""
    found = _DAY.fullmatch(text)
    try:
        day = date.fromisoformat(found[1] if found else "")
    except ValueError:
        raise InputRefused(f"a day is written like 2025-12-31, not {text!r}") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _encoding(path: Path) -> str:
    """Return the encoding of a file: UTF-8, with or without a mark, or else Windows-1252, in which any octets read."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            while file.read(1 << 20):
                pass
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"
