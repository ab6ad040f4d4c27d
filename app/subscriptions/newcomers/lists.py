"""Rows of lists of readers: newcomers are made of them, and each bad row is named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from unicodedata import normalize

from babel import Locale

from app import i18n
from app.errors import AddressInvalid, InputRefused
from app.i18n import is_line
from app.mail.address import parse_address
from app.subscriptions.newcomers.cells import unguard
from app.subscriptions.newcomers.columns import Column, Places
from app.subscriptions.newcomers.imports import SOURCE_MAX, Newcomer, Provenance

FIELD_MAX_CHARACTERS = 1024
#: A time behind the day is what a database's export has, with the zone's name once more where a program in Go wrote it;
#: anything else there is a slip, and proves nothing.
_DAY = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9:.]+)(?:Z| ?[+-][0-9:]+(?: (?:[A-Z]{1,5}|[+-][0-9]{2,4}))?)?)?"
)
#: Nobody agreed to a newsletter by mail before there was one.
_FIRST_DAY = date(1990, 1, 1)
#: What stands for octets that are none in the file's encoding; it would be a letter of an address like any other.
_NO_CHARACTER = "\N{REPLACEMENT CHARACTER}"
#: What programs write where they know no date: the first days of MySQL, of .NET, of spreadsheets and of Unix.
_NO_DAYS = ("0000-00-00", "0001-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01")
#: What other programs call somebody who gets letters; nothing at all says nothing against it.
_SUBSCRIBED = frozenset(
    {
        "", "confirmed", "subscribed", "active", "enabled", "yes", "opt-in", "opted in",
        "confirmé", "confirme", "abonné", "abonne", "inscrit", "actif", "oui",
    }
)  # fmt: skip
#: What people call the languages of ours, in each of them; accents are lost in many a table.
_LANGUAGE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        name: code
        for code in i18n.LANGUAGES
        for other in i18n.LANGUAGES
        for written in [str(Locale(code).get_display_name(other)).lower()]
        for name in (written, "".join(each for each in normalize("NFD", written) if each.isascii()))
    }
)


class RowFault(StrEnum):
    """Why a row cannot be taken."""

    UNREADABLE = "unreadable"
    LINE_TOO_LONG = "line-too-long"
    WIDTH = "width"
    TOO_LONG = "too-long"
    CONTROL = "control"
    ENCODING = "encoding"
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
        RowFault.UNREADABLE: "The line cannot be read as CSV: look for a quotation mark too many or too few.",
        RowFault.LINE_TOO_LONG: "The line is longer than 256 kB.",
        RowFault.WIDTH: "The row has not as many fields as the header.",
        RowFault.TOO_LONG: "The field is longer than 1,024 characters.",
        RowFault.CONTROL: "The field holds a control character, or one that does not show.",
        RowFault.ENCODING: "The field holds what is no text in the encoding of the file.",
        RowFault.ADDRESS: "This is no address that mail can be sent to.",
        RowFault.LANGUAGE: "A language is fr or en, or its name in either, and one that the newsletter has.",
        RowFault.DAY: "A day is written like 2025-12-31, and is not to come.",
        RowFault.SOURCE: "The source of a consent is a line of at most 120 characters.",
        RowFault.STATUS: "Only somebody subscribed, confirmed or active is taken: an import brings nobody back.",
    }
)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be taken, by the line of the file on which it ends, counted from 1, the column, and why.

    A row of which nobody knows where it ends has the line on which it begins.
    """

    line: int
    column: Column | None
    fault: RowFault


@dataclass(frozen=True)
class ListDefaults:
    """What holds for rows that say nothing of it themselves; `languages` are those that a row may name."""

    language: str
    languages: frozenset[str]
    provenance: Provenance | None


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
            if not is_line(value):
                return BadRow(line, column, RowFault.CONTROL)
            if _NO_CHARACTER in value:
                return BadRow(line, column, RowFault.ENCODING)
        return self._newcomer(line, values)

    def _newcomer(self, line: int, values: Mapping[Column, str]) -> Newcomer | BadRow:
        if values[Column.STATUS].lower() not in _SUBSCRIBED:
            return BadRow(line, Column.STATUS, RowFault.STATUS)
        language = _language(values[Column.LANGUAGE]) or self._defaults.language
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
def _language(written: str) -> str:
    """Return the code of a language that is written as one, in any case, or by its name; else what is written."""
    lowered = normalize("NFC", written).lower()
    return _LANGUAGE_NAMES.get(lowered, lowered)


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
        time.fromisoformat(found[2] if found and found[2] else "00:00")
    except ValueError:
        raise InputRefused(f"a day is written like 2025-12-31, not {text!r}") from None
    if day < _FIRST_DAY:
        raise InputRefused(f"nobody consented in {day.year}")
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
