"""Words and dates in the reader's language: gettext catalogues from `translations/<language>/*.po`, one file per
audience (public pages, letters, desk).

English texts are the message ids. The `.po` files are read as they are: no compile step to forget.
"""

import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from babel.dates import format_date, get_day_names
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

TRANSLATIONS = Path(__file__).resolve().parent.parent / "translations"

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
_NO_BREAK_SPACES = f"{NO_BREAK_SPACE}\N{NARROW NO-BREAK SPACE}"
_PLAIN_SPACES = str.maketrans(dict.fromkeys(_NO_BREAK_SPACES, " "))
_BLANKS = re.compile(rf"[^\S{_NO_BREAK_SPACES}]+")
#: Where French has a space at which no line may end.
_FRENCH_SPACE = re.compile(r" (?=[»:;!?])|(?<=\d) (?=%)|(?<=«) ")

DEFAULT_LANGUAGE = "fr"
#: Language codes and their own names.
LANGUAGES: Mapping[str, str] = MappingProxyType({"fr": "Français", "en": "English"})


@cache
def translations(language: str) -> NullTranslations:
    """Return the catalogue of `language`, merged from its `.po` files; English is the source and needs none."""
    merged = NullTranslations()
    for path in sorted((TRANSLATIONS / language).glob("*.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        loaded = Translations(compiled)
        merged = merged.merge(loaded) if isinstance(merged, Translations) else loaded
    return merged


def gettext(language: str, message: str, **values: object) -> str:
    """Return `message` in `language`, with `%(name)s` places filled from `values`."""
    text: str = translations(language).ugettext(message)
    return text % values if values else text


def ngettext(language: str, singular: str, plural: str, number: int, **values: object) -> str:
    """Return the right plural form of a message in `language`; `%(num)s` is the number."""
    text: str = translations(language).ungettext(singular, plural, number)
    return text % {"num": number, **values}


def one_of(language: str, texts: Sequence[str]) -> str:
    """Return a list one of which is meant, as "a, b or c"."""
    return format_list(texts, style="or", locale=language)


def number(language: str, value: float) -> str:
    """Return a number as it is written in `language`: "1 234" with a no-break space, or "1,234"."""
    written: str = format_decimal(value, locale=language)
    return written.replace("\N{NARROW NO-BREAK SPACE}", NO_BREAK_SPACE)


def plain_day(language: str, value: date) -> str:
    """Return a date in full, as "17 mars 2026" or "17 March 2026", for what is stored and for headers of letters."""
    pattern = {"en": "d MMMM y"}.get(language)
    return with_first(language, format_date(value, format=pattern or "long", locale=language))


def day(language: str, value: date) -> str:
    """Return a date in full, whose parts stay on one line: "17 mars 2026" or "17 March 2026"."""
    return on_one_line(plain_day(language, value))


def written_day(language: str, text: str) -> str:
    """Return a day that was stored as ISO 8601 in full, as `day` does; any other text as it is."""
    try:
        return day(language, date.fromisoformat(text))
    except ValueError:
        return text


def day_beside(language: str, value: date, other: date) -> str:
    """Return a date that stands beside `other`, as "17 mars"; with its year where that is another one."""
    if value.year != other.year:
        return day(language, value)
    return on_one_line(with_first(language, format_date(value, format="d MMMM", locale=language)))


def with_first(language: str, written: str) -> str:
    """Return a written date with the first day of a month as French has it, an ordinal: "1er mars"."""
    return "1er " + written.removeprefix("1 ") if language == "fr" and written.startswith("1 ") else written


def weekday(language: str, place: int) -> str:
    """Return what a day of the week is called, counted from 0, Monday."""
    return str(get_day_names(locale=language)[place])


def moment(language: str, value: datetime, zone: str) -> str:
    """Return a date and time in full with the zone's name, as "17 mars 2026 à 07:30 (Europe/Paris)".

    A line may end between day, time and zone, and nowhere else.
    """
    local = value.astimezone(ZoneInfo(zone))
    at = {"fr": "à", "en": "at"}[language]
    return f"{day(language, local)} {at}{NO_BREAK_SPACE}{local:%H:%M} ({zone})"


def is_whole_day(value: datetime) -> bool:
    """Say whether a time stands for a day whose hour nobody knows: lists of readers bring such, as midnight UTC."""
    return value.astimezone(UTC).time() == time.min


def moment_or_day(language: str, value: datetime, zone: str) -> str:
    """Return a date and time as `moment` does, or the day alone where `is_whole_day` says so."""
    return day(language, value.astimezone(UTC)) if is_whole_day(value) else moment(language, value, zone)


def on_one_line(written: str) -> str:
    """Return a short text whose spaces break no line."""
    return written.replace(" ", NO_BREAK_SPACE)


def is_line(text: str) -> bool:
    """Say whether a text is one line and shows whole; the no-break spaces that French is typed with are spaces."""
    return text.isprintable() or text.translate(_PLAIN_SPACES).isprintable()


def as_line(typed: str) -> str:
    """Return what was typed in one line, its blanks single; no-break spaces stay what they are."""
    return _BLANKS.sub(" ", typed).strip()


def bound(text: str, language: str) -> str:
    """Return plain text as it is shown: in French no line begins with » : ; ! ? nor a number's %, or ends with «.

    Feeds bring plain spaces there, and keyboards too; what is stored keeps them.
    """
    return _FRENCH_SPACE.sub(NO_BREAK_SPACE, text) if language == "fr" else text
