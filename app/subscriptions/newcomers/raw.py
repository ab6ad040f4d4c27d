"""Lists of readers as files (RFC 4180): how they are written, and their raw rows, one by one in constant memory.

A quotation mark that is never closed would swallow all rows up to the next one. So a quoted cell may span some lines,
none of which reads as a row; otherwise the line on which it begins is refused, and reading goes on behind that line.
"""

import csv
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from app.errors import ListRefused
from app.subscriptions.newcomers.lists import BadRow, RowFault

COLUMNS_MAX = 200
#: Octets. A longer line is no row of a list; it is skipped piece by piece.
LINE_MAX_BYTES = 256 * 1024
#: What a row may span whose cells have line breaks.
ROW_MAX_LINES = 32
ROW_MAX_BYTES = 32 * 1024
DELIMITERS = (",", ";", "\t")
#: Rows that a page shows for people to see what stands in which column.
SAMPLE_ROWS = 3
#: What other kinds of files begin with: archives, spreadsheets among them (XLSX is a ZIP), and UTF-16.
_OTHER_KINDS = (b"PK", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\xd0\xcf\x11\xe0", b"%PDF",
                b"\xff\xfe", b"\xfe\xff", b"\x28\xb5\x2f\xfd")  # fmt: skip
#: A cell that is an address, quoted or not.
_WRITTEN_ADDRESS = re.compile(r'\s*("?)[^\s"@]+@[^\s"@]+\1\s*')


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
    layout = Layout(encoding, delimiter, tuple(cell.strip()[:80] for cell in header))
    with ListReader(path, layout) as rows:
        first = [row for _, row in zip(range(1 + SAMPLE_ROWS), rows, strict=False)]
    return replace(layout, sample=tuple(tuple(row) for row in first[1:] if isinstance(row, list)))


class _Unclosed(Exception):
    """A quoted cell goes on where there is reason to think that it should have ended."""


class ListReader:
    """Yields the raw rows of a file, or a BadRow; `position` (octets) and `line` say how far it has come.

    It can be put where an earlier one stood: every row begins with a line.
    """

    def __init__(self, path: Path, layout: Layout, *, position: int = 0, line: int = 0) -> None:
        self.position, self.line = position, line
        self._begun = (position, line)
        self._text = ""
        self._file: BinaryIO = path.open("rb")
        self._file.seek(position)
        self._encoding = "utf-8" if layout.encoding == "utf-8-sig" else layout.encoding
        self._has_mark = layout.encoding == "utf-8-sig" and position == 0
        self._is_overlong = False
        self._delimiter, self._width = layout.delimiter, len(layout.header)
        self._rows = self._read()

    def __enter__(self) -> "ListReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[list[str] | BadRow]:
        return self

    def __next__(self) -> list[str] | BadRow:
        """Return the next row."""
        self._begun = (self.position, self.line)
        self._is_overlong = False
        try:
            row = next(self._rows)
        except (csv.Error, _Unclosed):
            return self._line_alone()
        if self._is_overlong:
            return BadRow(self.line, None, RowFault.LINE_TOO_LONG)
        if self.line > self._begun[1] + 1 and self._width and len(row) != self._width:
            return self._line_alone()
        return row

    def _read(self) -> Iterator[list[str]]:
        return csv.reader(self._lines(), delimiter=self._delimiter, strict=True)

    def _line_alone(self) -> list[str] | BadRow:
        """Go back behind the line on which the row began, and read that by itself as far as it can be."""
        if self.line > self._begun[1] + 1:
            self.position, self.line = self._begun
            self._file.seek(self.position)
            next(self._lines())
            self._rows = self._read()
        try:
            [row] = csv.reader([self._text], delimiter=self._delimiter)
        except csv.Error:
            row = ["\n"]
        if any("\n" in cell for cell in row):
            return BadRow(self.line, None, RowFault.UNREADABLE)
        return row

    def _lines(self) -> Iterator[str]:
        """Yield lines as the reader asks for them: one row's, and never one more. Raises _Unclosed."""
        while octets := self._file.readline(LINE_MAX_BYTES):
            self.line += 1
            self.position += len(octets)
            if len(octets) == LINE_MAX_BYTES and not octets.endswith(b"\n"):
                self._is_overlong = True
                self._skip_line()
                octets = b"\n"
            text = octets.decode(self._encoding, errors="replace")
            if self.line > self._begun[1] + 1:
                self._check_goes_on(text)
            else:
                self._text = text = text.removeprefix("\ufeff") if self._has_mark and self.line == 1 else text
            yield text

    def _check_goes_on(self, text: str) -> None:
        """Refuse a line as part of the row before it where that grew too long, or it seems a row itself."""
        position, line = self._begun
        if self.line - line > ROW_MAX_LINES or self.position - position > ROW_MAX_BYTES:
            raise _Unclosed
        cells = text.split(self._delimiter)
        if len(cells) == self._width and any(_WRITTEN_ADDRESS.fullmatch(cell) for cell in cells):
            raise _Unclosed

    def _skip_line(self) -> None:
        while octets := self._file.readline(LINE_MAX_BYTES):
            self.position += len(octets)
            if octets.endswith(b"\n"):
                return


def _encoding(path: Path) -> str:
    """Return the encoding of a file: UTF-8, with or without a mark, or else Windows-1252, in which any octets read.

    A file is in UTF-8 as well where some of its lines are not: these are damaged, or were put in by another program.
    """
    others = 0
    with path.open("rb") as file:
        has_mark = file.read(len(BOM_UTF8)) == BOM_UTF8
        file.seek(0)
        while octets := file.readline(LINE_MAX_BYTES):
            if not octets.isascii():
                others += 1 if _is_utf8(octets) else -1
    return "utf-8-sig" if has_mark or others >= 0 else "cp1252"


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True
