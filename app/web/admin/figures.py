"""How the desk writes numbers and times: in the admin's language, times in the newsletter's own zone."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_timedelta

from app import i18n, templating
from app.clock import now
from app.web import product
from app.web.admin import bp
from app.web.admin.access import current_admin, desk_language, may


@bp.context_processor
def desk_words() -> dict[str, object]:
    """Give every template of the desk its words, its admin, what they may do, and ways to write numbers and times."""
    language, zone = desk_language(), product().config.timezone
    return {
        **templating.words(language),
        "admin": current_admin(),
        "may": may,
        "identity": product().config.identity,
        "languages": i18n.LANGUAGES,
        "zone": zone,
        "today": now().astimezone(ZoneInfo(zone)).date(),
        "number": partial(i18n.number, language),
        "short_time": partial(short_time, language),
        "short_time_or_day": partial(short_time_or_day, language),
        "ago": partial(ago, language),
        "short_day": partial(short_day, language),
        "second_of_day": second_of_day,
    }


def short_time(language: str, value: datetime, zone: str) -> str:
    """Return a time for a table, as "17 mars, 07:30", with the year where it is another one."""
    local, present = value.astimezone(ZoneInfo(zone)), now().astimezone(ZoneInfo(zone))
    pattern = "d MMM, HH:mm" if local.year == present.year else "d MMM y, HH:mm"
    return _short(language, format_datetime(local, pattern, locale=language))


def short_time_or_day(language: str, value: datetime, zone: str) -> str:
    """Return a time as `short_time` does, or the day alone where no hour is known, with its year likewise."""
    if not i18n.is_whole_day(value):
        return short_time(language, value, zone)
    known = value.astimezone(UTC)
    pattern = "d MMM" if known.year == now().astimezone(ZoneInfo(zone)).year else "d MMM y"
    return _short(language, format_date(known, pattern, locale=language))


def second_of_day(value: datetime, zone: str) -> str:
    """Return a time to the second, for what changes faster than by the minute."""
    return value.astimezone(ZoneInfo(zone)).strftime("%H:%M:%S")


def ago(language: str, value: datetime) -> str:
    """Return how long ago a time was, in one unit, as "il y a 3 heures" or "3 hours ago".

    The unit is written out: cut short, months are "m." in French, which who waits for news reads as minutes.
    """
    since = min(value - now(), timedelta(seconds=-1))
    return i18n.on_one_line(format_timedelta(since, add_direction=True, threshold=1, locale=language))


def short_day(language: str, value: date) -> str:
    """Return a day of late for a table or a chart, as "17 mars"."""
    return _short(language, format_date(value, "d MMM", locale=language))


def _short(language: str, written: str) -> str:
    """Return a written date on one line, with the first of a month as the language has it."""
    return i18n.on_one_line(i18n.with_first(language, written))
