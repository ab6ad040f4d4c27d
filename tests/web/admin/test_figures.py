"""How the desk writes times."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from app.web.admin.figures import ago, short_day, short_time
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
