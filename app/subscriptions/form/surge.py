"""How many sign-ups are usual, and what is far too many: the breaker.

The norm is a twenty-fourth of the median day of the last four weeks: a few days of attack do not move a median, and a
day without any sign-up counts as one. The threshold is that norm times a setting, or the floor, so that ten sign-ups
do not shut a young publication. It is fixed with the first sign-up of an hour.
"""

import statistics
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.settings.form import SignupLimits
from app.subscriptions.form.alerts import raise_alert
from app.subscriptions.form.counters import AlertKind, SignupHour

NORM_DAYS = 28
#: An alert tells of so many times the norm, before the breaker opens.
SURGE_TIMES_NORM = 5

_HOURS = SignupHour.__table__


def _counting(dialect: str) -> sa.Executable:
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(_HOURS)
    row = {"hour": bindparam("this_hour"), "letters": 1, "official": bindparam("is_official"), "threshold": None}
    more = {"letters": _HOURS.c.letters + 1, "official": _HOURS.c.official + insert.excluded.official}
    counted: sa.Executable = (
        insert.values(row)
        .on_conflict_do_update(index_elements=["hour"], set_=more)
        .returning(_HOURS.c.letters, _HOURS.c.official, _HOURS.c.threshold)
    )
    return counted


#: Built once: they run with every sign-up, and with every form that is shown.
_COUNT = {dialect: _counting(dialect) for dialect in ("postgresql", "sqlite")}
_OPEN = select(_HOURS.c.hour).where(_HOURS.c.hour == bindparam("this_hour"), _HOURS.c.letters >= _HOURS.c.threshold)


def count_hour(session: Session, *, is_official: bool, limits: SignupLimits, now: datetime) -> bool:
    """Count a letter in its hour, and return whether the hour has not had too many."""
    values = {"this_hour": _hour(now), "is_official": int(is_official)}
    connection = session.connection()
    letters, official, threshold = connection.execute(_COUNT[connection.dialect.name], values).one()
    if threshold is None:
        threshold = _set_threshold(session, limits, now)
    if letters == max(1, threshold * SURGE_TIMES_NORM // limits.breaker_times_norm):
        raise_alert(session, AlertKind.SURGE, now=now)
    if letters == threshold:
        raise_alert(session, AlertKind.BREAKER, now=now)
    if is_official and official == limits.official_hourly:
        raise_alert(session, AlertKind.OFFICIAL, now=now)
    return bool(letters <= threshold)


def is_breaker_open(session: Session, *, now: datetime) -> bool:
    """Whether this hour has had as many sign-ups as go unproven."""
    return session.scalar(_OPEN, {"this_hour": _hour(now)}) is not None


def daily_median(session: Session, *, now: datetime) -> float:
    """Return the letters of the median of the last 28 whole days, UTC."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    past = select(_HOURS.c.hour, _HOURS.c.letters).where(
        _HOURS.c.hour >= today - timedelta(days=NORM_DAYS), _HOURS.c.hour < today
    )
    days = dict.fromkeys(range(1, NORM_DAYS + 1), 0)
    for hour, letters in session.execute(past):
        days[(today - hour.replace(hour=0)).days] += letters
    return statistics.median(days.values())


def _set_threshold(session: Session, limits: SignupLimits, now: datetime) -> int:
    usual = daily_median(session, now=now) / 24
    threshold = max(limits.breaker_floor, round(usual * limits.breaker_times_norm))
    session.execute(update(SignupHour).where(SignupHour.hour == _hour(now)).values(threshold=threshold))
    return threshold


def _hour(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
