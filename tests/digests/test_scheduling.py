"""Schedules as people change them: what is refused, and when digests leave after each change."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from app.digests.newsletters import change_mark
from app.digests.recurrence import Every, Recurrence, cron_of, next_clock_change, offset_of, upcoming
from app.digests.schedule import install_schedules, run_due_schedules
from app.digests.scheduling import add_schedule, change_schedule, find_schedule, resume_schedule, stop_schedule
from app.editions.lines import Schedule
from app.errors import ChangedMeanwhile, FieldsRefused, NotFound, TransitionRefused
from app.product import Product
from tests.conftest import NOW

PARIS = "Europe/Paris"
FORM = {"every": "week", "time": "07:30", "weekday": "1", "monthday": "1", "line": ""}
#: Tuesday, 07:30 in Paris; the tests' day is Tuesday 17 March 2026, after that.
FIRST = datetime(2026, 3, 24, 6, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def add(product: Product, *, language: str = "fr", cron: str = "30 7 * * 2") -> Schedule:
    with product.database.transaction() as session:
        return add_schedule(session, newsletter_id=1, language=language, cron=cron, now=NOW)


@pytest.mark.parametrize(
    ("form", "cron"),
    [
        (FORM, "30 7 * * 2"),
        (FORM | {"weekday": "6"}, "30 7 * * 0"),
        (FORM | {"every": "day", "time": "00:05"}, "5 0 * * *"),
        (FORM | {"every": "workday"}, "30 7 * * 1-5"),
        (FORM | {"every": "month", "monthday": "28"}, "30 7 28 * *"),
    ],
)
def test_what_a_form_says_is_a_line_of_cron_and_back(form: dict[str, str], cron: str) -> None:
    assert cron_of(**form) == cron
    again = Recurrence.of(cron)
    assert (again.every, again.time) == (form["every"], form["time"])
    if again.every in (Every.WEEK, Every.MONTH):
        assert str(again.day) == form["weekday" if again.every is Every.WEEK else "monthday"]


@pytest.mark.parametrize(
    "cron", ["30 7 1 * 2", "0 7 31 * *", "*/5 7 * * *", "30 7 * 6 *", "30 7 * * MON", "0 6,18 * * *"]
)
def test_other_lines_are_shown_as_they_are(cron: str) -> None:
    assert Recurrence.of(cron) == Recurrence(Every.LINE, "", 0, cron)


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"time": "24:00"}, {"time": "time"}),
        ({"time": "noon"}, {"time": "time"}),
        ({"weekday": "7"}, {"weekday": "choice"}),
        ({"every": "month", "monthday": "31"}, {"monthday": "choice"}),
        ({"every": "month", "monthday": "²"}, {"monthday": "choice"}),
        ({"every": "never"}, {"every": "choice"}),
        ({"every": "line", "line": "30 7 * *"}, {"line": "cron"}),
        ({"every": "line", "line": "0 0 30 2 *"}, {"line": "cron"}),
        ({"every": "line", "line": "*/10 7 * * *"}, {"line": "often"}),
        ({"every": "line", "line": "0,59 23,0 * * *"}, {"line": "often"}),
    ],
)
def test_what_is_no_time_is_refused_by_field(change: dict[str, str], faults: dict[str, str]) -> None:
    with pytest.raises(FieldsRefused) as refused:
        cron_of(**(FORM | change))
    assert refused.value.faults == faults


def test_a_line_for_each_hour_is_taken() -> None:
    assert cron_of(**(FORM | {"every": "line", "line": "0 6-20 * * *"})) == "0 6-20 * * *"


def test_a_line_has_one_schedule_in_languages_that_there_are(product: Product) -> None:
    assert add(product).next_run_at == FIRST
    for language, fault in (("fr", "taken"), ("eo", "language")):
        with pytest.raises(FieldsRefused) as refused:
            add(product, language=language)
        assert refused.value.faults == {"language": fault}
    with pytest.raises(NotFound), product.database.transaction() as session:
        add_schedule(session, newsletter_id=77, language="fr", cron="30 7 * * 2", now=NOW)


def test_a_change_holds_from_the_next_digest_on_for_who_saw_the_last_one(product: Product) -> None:
    schedule = add(product)
    with product.database.transaction() as session:
        args = {"schedule_id": schedule.id, "cron": "0 18 * * *", "now": LATER}
        with pytest.raises(ChangedMeanwhile):
            change_schedule(session, seen="", **args)
        changed = change_schedule(session, seen=change_mark(NOW), **args)
        assert changed.next_run_at == datetime(2026, 3, 17, 17, 0, tzinfo=UTC)


def test_a_stopped_one_runs_no_more_and_catches_up_nothing(product: Product) -> None:
    schedule = add(product)
    with product.database.transaction() as session:
        stop_schedule(session, schedule_id=schedule.id, now=NOW)
        with pytest.raises(TransitionRefused):
            stop_schedule(session, schedule_id=schedule.id, now=NOW)
    at = FIRST + timedelta(minutes=1)
    assert run_due_schedules(product.database, now=at, config=product.config, links=product.links) == []
    with product.database.transaction() as session:
        resume_schedule(session, schedule_id=schedule.id, now=at)
        assert find_schedule(session, schedule.id).next_run_at == datetime(2026, 3, 31, 5, 30, tzinfo=UTC)
        with pytest.raises(TransitionRefused):
            resume_schedule(session, schedule_id=schedule.id, now=at)


def test_an_upgrade_leaves_it_stopped_and_as_it_was_set(product: Product) -> None:
    with product.database.transaction() as session:
        install_schedules(session, product.config, NOW)
        schedule = find_schedule(session, 1)
        change_schedule(session, schedule_id=1, seen="", cron="0 18 * * *", now=LATER)
        stop_schedule(session, schedule_id=1, now=LATER)
        install_schedules(session, product.config, LATER)
        assert (schedule.cron, schedule.is_active) == ("0 18 * * *", False)


def test_it_is_said_what_a_change_of_the_clocks_does() -> None:
    spring = next_clock_change("30 2 * * *", PARIS, NOW)
    assert spring is not None
    assert (spring.at, spring.is_forward) == (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), True)
    assert spring.last == datetime(2026, 3, 28, 1, 30, tzinfo=UTC)
    assert spring.first == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    autumn = next_clock_change("30 7 * * 2", PARIS, spring.at)
    assert autumn is not None
    assert (autumn.at, autumn.is_forward) == (datetime(2026, 10, 25, 1, 0, tzinfo=UTC), False)
    assert autumn.first == datetime(2026, 10, 27, 6, 30, tzinfo=UTC)
    assert next_clock_change("30 7 * * 2", "Asia/Tokyo", NOW) is None


def test_offsets_are_written_as_people_do() -> None:
    written = [offset_of(NOW, zone) for zone in (PARIS, "America/St_Johns", "UTC", "Asia/Kathmandu")]
    assert written == ["UTC+1", "UTC−2:30", "UTC", "UTC+5:45"]


def test_moments_follow_one_another() -> None:
    assert list(islice(upcoming("30 7 * * 2", PARIS, NOW), 2)) == [FIRST, datetime(2026, 3, 31, 5, 30, tzinfo=UTC)]
