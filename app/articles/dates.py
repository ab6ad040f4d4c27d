"""Reads the dates of feeds that the feed library takes for others, or for none. Asks nobody what time it is."""

import re
from datetime import UTC, datetime, timedelta

# Initial letters are enough, and three of them, save where two months share these.
_MONTHS = {
    "jan": 1, "fév": 2, "fev": 2, "feb": 2, "mar": 3, "avr": 4, "apr": 4, "mai": 5, "may": 5, "juin": 6, "jun": 6,
    "juil": 7, "jul": 7, "aoû": 8, "aou": 8, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "déc": 12, "dec": 12,
}  # fmt: skip
#: Hours east of Greenwich. The feed library knows North America's names; IST is left out: India's, Ireland's, Israel's.
_ZONES = {
    "": 0, "ut": 0, "utc": 0, "gmt": 0, "z": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "cest": 2, "met": 1, "mest": 2,
    "mez": 1, "mesz": 2, "eet": 2, "eest": 3, "msk": 3, "msd": 4, "trt": 3, "sast": 2, "pkt": 5, "wib": 7, "hkt": 8,
    "sgt": 8, "awst": 8, "jst": 9, "kst": 9, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13, "brt": -3, "akst": -9,
    "akdt": -8, "hst": -10,
}  # fmt: skip
_IN_WORDS = re.compile(
    r"(?:[^\W\d]+\.?,?\s+)?(?P<day>\d{1,2})(?:er)?\s+(?P<month>[^\W\d]{3,9})\.?\s+(?P<year>\d{4})"
    r"(?:,?\s+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?"
    r"\s*(?P<zone>[a-z]{0,4})\s*(?P<offset>[+-]\d\d?(?::\d\d)?|[+-]\d{4})?)?",
    re.IGNORECASE,
)
#: Of this century until 2033; nine digits and fewer may be a date without hyphens.
_UNIX_SECONDS = re.compile(r"1\d{9}(?=(?:\d{3})?\Z)")
_ISO_WEEK = re.compile(r"\d{4}-?W\d\d.*")
_TIME_ELEMENT = re.compile(r"<time\b[^<>]*\bdatetime=[\"']([^\"'<>]+)", re.IGNORECASE)


def read_date(text: str) -> datetime | None:
    """Return a date in UTC that needs more than the feed library knows; None leaves it to the library.

    French months, names of zones beyond North America's, hours alone as an offset, midnight as 24:00 and
    weeks (ISO 8601), seconds or milliseconds since 1970, HTML's element `time`. Raises ValueError or OverflowError
    for a day or time that there is none of.
    """
    text = " ".join(text.split())
    if element := _TIME_ELEMENT.search(text):
        return read_iso_date(element[1])
    if _ISO_WEEK.fullmatch(text):
        return read_iso_date(text)
    if seconds := _UNIX_SECONDS.match(text):
        return datetime.fromtimestamp(int(seconds[0]), UTC)
    return _in_words(words) if (words := _IN_WORDS.fullmatch(text)) else None


def read_iso_date(text: str) -> datetime:
    """Return a time of ISO 8601 in UTC, which it is in where it names no zone. Raises ValueError or OverflowError."""
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def _in_words(date: re.Match[str]) -> datetime | None:
    """Return a date as RFC 5322 writes it, or nearly so; an offset counts from the zone that is named before it."""
    name = date["month"].casefold()
    month, zone = _MONTHS.get(name[:4]) or _MONTHS.get(name[:3]), _ZONES.get((date["zone"] or "").casefold())
    if month is None or zone is None:
        return None
    hour, minute, second = (int(date[part] or 0) for part in ("hour", "minute", "second"))
    begun = datetime(int(date["year"]), month, int(date["day"]), hour % 24, minute, second, tzinfo=UTC)
    if hour == 24 and not minute and not second:
        begun += timedelta(days=1)
    elif hour > 23:
        raise ValueError(f"no hour: {hour}")
    return begun - timedelta(hours=zone) - _offset(date["offset"] or "+0")


def _offset(text: str) -> timedelta:
    hours, minutes = text[1:3].rstrip(":"), text[3:].lstrip(":")
    east = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return -east if text.startswith("-") else east
