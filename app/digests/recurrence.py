"""When a schedule's digests leave, as people say it: a line of cron and its words, its next moments, and what becomes
of them when the clocks change. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from app.choices.choices import MONTHDAYS
from app.digests.schedule import next_run
from app.errors import FieldsRefused
from app.settings.environment import is_cron

#: Two digests of one line leave at least so long after one another: what cannot wait is a flash.
LEAST_APART = timedelta(hours=1)
#: Moments looked at for that: over a day of a line that names each hour, and the turn of a week.
LOOKED_AT = 60
#: How far ahead it is said when the clocks change.
CHANGE_WITHIN = timedelta(days=366)
_SIMPLE = re.compile(r"(?P<minute>\d{1,2}) (?P<hour>\d{1,2}) (?P<monthday>\d{1,2}|\*) \* (?P<weekday>\d|1-5|\*)")
_TIME = re.compile(r"(\d{1,2}):(\d{2})")


class Every(StrEnum):
    """How often, in the words of the form; `LINE` is whatever else a line of cron says."""

    DAY = "day"
    WORKDAY = "workday"
    WEEK = "week"
    MONTH = "month"
    LINE = "line"


@dataclass(frozen=True)
class Recurrence:
    """When digests leave: how often, at which `time` (HH:MM), on which `day` of the week, from 0, Monday, or month."""

    every: Every
    time: str
    day: int
    cron: str

    @classmethod
    def of(cls, cron: str) -> "Recurrence":
        """Return what a line of cron says, in these words where they can."""
        own, found = cls(Every.LINE, "", 0, cron), _SIMPLE.fullmatch(cron)
        if found is None:
            return own
        time, monthday, weekday = (
            f"{int(found['hour']):02}:{int(found['minute']):02}",
            found["monthday"],
            found["weekday"],
        )
        if monthday != "*":
            is_each_month = weekday == "*" and int(monthday) in MONTHDAYS
            return cls(Every.MONTH, time, int(monthday), cron) if is_each_month else own
        match weekday:
            case "*":
                return cls(Every.DAY, time, 0, cron)
            case "1-5":
                return cls(Every.WORKDAY, time, 0, cron)
        return cls(Every.WEEK, time, (int(weekday) - 1) % 7, cron)  # cron's weeks begin with Sunday, 0 or 7


def cron_of(*, every: str, time: str, weekday: str, monthday: str, line: str) -> str:
    """Return the line of cron for what a form says. Raises FieldsRefused for the field that says nothing possible."""
    if every == Every.LINE:
        check_cron(line)
        return line
    found = _TIME.fullmatch(time)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise FieldsRefused({"time": "time"})
    at = f"{int(found[2])} {int(found[1])}"
    match every:
        case Every.DAY:
            return f"{at} * * *"
        case Every.WORKDAY:
            return f"{at} * * 1-5"
        case Every.WEEK if weekday in set("0123456"):
            return f"{at} * * {(int(weekday) + 1) % 7}"
        case Every.MONTH if monthday.isascii() and monthday.isdigit() and int(monthday) in MONTHDAYS:
            return f"{at} {int(monthday)} * *"
    wrong = {"week": "weekday", "month": "monthday"}.get(every, "every")
    raise FieldsRefused({wrong: "choice"})


def check_cron(line: str) -> None:
    """Raise FieldsRefused where a line of cron is none, or names moments that are too near one another."""
    if not is_cron(line):
        raise FieldsRefused({"line": "cron"})
    moments = pairwise(islice(upcoming(line, "UTC", datetime(2026, 1, 1, tzinfo=UTC)), LOOKED_AT))
    if any(later - earlier < LEAST_APART for earlier, later in moments):
        raise FieldsRefused({"line": "often"})


def upcoming(cron: str, zone: str, after: datetime) -> Iterator[datetime]:
    """Yield the moments after `after`, in UTC, that `cron` names on the clocks of `zone`; there is no last one."""
    while True:
        after = next_run(cron, zone, after)
        yield after


@dataclass(frozen=True)
class ClockChange:
    """When the clocks of a zone change, and the digests that leave last before and first after that."""

    at: datetime
    is_forward: bool
    last: datetime | None
    first: datetime


def next_clock_change(cron: str, zone: str, now: datetime) -> ClockChange | None:
    """Return when the clocks of `zone` change next, within a year, or None where they do not."""
    at = _changed_at(ZoneInfo(zone), now)
    if at is None:
        return None
    last = None
    for moment in upcoming(cron, zone, max(now, at - timedelta(days=32))):
        if moment >= at:
            return ClockChange(
                at, _offset(ZoneInfo(zone), at) > _offset(ZoneInfo(zone), at - timedelta(hours=1)), last, moment
            )
        last = moment
    return None


def offset_of(moment: datetime, zone: str) -> str:
    """Return how far the clocks of `zone` are ahead of UTC at a moment, as "UTC+2" or "UTC−3:30"."""
    minutes = int(_offset(ZoneInfo(zone), moment).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes >= 0 else "\N{MINUS SIGN}"
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "") if minutes else "UTC"


def _changed_at(zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return the first moment after `now` from which another offset holds, to the second."""
    low, day = now, timedelta(days=1)
    while _offset(zone, low + day) == _offset(zone, low):
        low += day
        if low - now > CHANGE_WITHIN:
            return None
    high, before = low + day, _offset(zone, low)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high.replace(microsecond=0)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)
