"""The product's only clock: every "current time" comes through `now`, so that tests can move it."""

import calendar
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

#: How far the clocks of our machines may be apart: what is older than what came before it by less is no forgery.
CLOCKS_APART = timedelta(minutes=10)


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


@cache
def zones() -> frozenset[str]:
    """Return the names of all time zones; to look for them takes a walk through a folder."""
    return frozenset(available_timezones())


def months_later(day: date, months: int) -> date:
    """Return the same day so many months later, or the month's last one where that one has fewer days.

    So run periods in months (Regulation (EEC, Euratom) 1182/71, art. 3(2)(c)).
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
