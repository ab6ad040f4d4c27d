"""How the desk writes times."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from app.web.admin.figures import ago, short_day, short_time, short_time_or_day
from tests.conftest import NOW


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_line_ends_within_a_time(language: str) -> None:
    with time_machine.travel(NOW, tick=False):
        written = [
            short_time(language, datetime(2026, 11, 28, 13, 29, tzinfo=UTC), "Europe/Paris"),
            short_time(language, datetime(2025, 11, 28, 13, 29, tzinfo=UTC), "Europe/Paris"),
            short_day(language, NOW.date()),
            ago(language, NOW - timedelta(days=15)),
        ]
    assert [each for each in written if " " in each] == []
    assert "14:29" in written[0]
    assert "2025" in written[1]


def test_months_are_not_taken_for_minutes() -> None:
    spans = [timedelta(seconds=-5), timedelta(minutes=9), timedelta(days=270)]
    with time_machine.travel(NOW, tick=False):
        written = [ago("fr", NOW - span).replace("\u00a0", " ") for span in spans]
    assert written == ["il y a 1 seconde", "il y a 9 minutes", "il y a 9 mois"]


@pytest.mark.parametrize(
    ("day", "language", "written"),
    [
        (datetime(2026, 12, 1, 6, 30, tzinfo=UTC), "fr", "1er déc., 07:30"),
        (datetime(2026, 12, 11, 6, 30, tzinfo=UTC), "fr", "11 déc., 07:30"),
        (datetime(2027, 1, 1, 6, 30, tzinfo=UTC), "fr", "1er janv. 2027, 07:30"),
        (datetime(2026, 12, 1, 6, 30, tzinfo=UTC), "en", "1 Dec, 07:30"),
    ],
)
def test_the_first_of_a_month_is_an_ordinal_in_french(day: datetime, language: str, written: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert short_time(language, day, "Europe/Paris").replace("\u00a0", " ") == written
    assert short_day("fr", date(2026, 12, 1)) == "1er\u00a0déc."


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York"])
def test_of_what_is_known_as_a_day_no_hour_is_made_up(zone: str) -> None:
    with time_machine.travel(NOW, tick=False):
        listed = [short_time_or_day("fr", datetime(year, 3, 1, tzinfo=UTC), zone) for year in (2026, 2025)]
        pressed = short_time_or_day("fr", datetime(2026, 3, 1, 0, 0, 0, 1, tzinfo=UTC), "Europe/Paris")
    assert listed == ["1er\u00a0mars", "1er\u00a0mars\u00a02025"]
    assert pressed.endswith("01:00")
