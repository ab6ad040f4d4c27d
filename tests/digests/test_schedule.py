"""Periodic digests: the right moments, each period once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from app.delivery.models import Delivery
from app.digests.schedule import _run_schedule, install_schedules, last_period, next_run, run_due_schedules
from app.editions.lines import FIRST_WINDOW, Compilation, CompileOutcome, Schedule
from app.editions.models import Edition, EditionStatus
from app.errors import TransitionRefused
from app.newsletters.models import Newsletter
from app.product import Product
from app.stories.ranking import HALF_LIFE
from tests.conftest import NOW
from tests.editions.press import compile_now, make_draft, start
from tests.make import make_article, make_subscription

PARIS = "Europe/Paris"
TUESDAY = "30 7 * * 2"
NIGHTLY = "30 2 * * *"
#: The tests' day is Tuesday 17 March 2026; the next period of the weekly digest is a week later, 07:30 in Paris.
DUE = datetime(2026, 3, 24, 6, 30, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def install(product: Product, *, cron: str = TUESDAY, now: datetime = NOW) -> None:
    with product.database.transaction() as session:
        install_schedules(session, replace(product.config, digest_cron=cron), now)


def run(product: Product, now: datetime) -> list[Compilation]:
    return run_due_schedules(product.database, now=now, config=product.config, links=product.links)


def outcomes(product: Product, language: str = "fr") -> list[tuple[datetime | None, CompileOutcome]]:
    with product.database.reading() as session:
        query = select(Compilation).where(Compilation.language == language).order_by(Compilation.id)
        return [(each.period_at, each.outcome) for each in session.scalars(query)]


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        (TUESDAY, "2026-03-17 06:29", "2026-03-17 06:30"),
        (TUESDAY, "2026-03-17 06:30", "2026-03-24 06:30"),
        (TUESDAY, "2026-03-28 12:00", "2026-03-31 05:30"),
        (TUESDAY, "2026-10-20 05:30", "2026-10-27 06:30"),
        (NIGHTLY, "2026-03-28 12:00", "2026-03-29 01:00"),
        (NIGHTLY, "2026-03-29 01:00", "2026-03-30 00:30"),
        (NIGHTLY, "2026-10-24 12:00", "2026-10-25 00:30"),
        (NIGHTLY, "2026-10-25 00:30", "2026-10-26 01:30"),
        (NIGHTLY, "2026-10-25 01:10", "2026-10-26 01:30"),
        (NIGHTLY, "2026-10-25 01:30", "2026-10-26 01:30"),
    ],
)
def test_the_next_run_follows_the_clocks_of_the_newsletter(cron: str, after: str, expected: str) -> None:
    assert next_run(cron, PARIS, utc(after)) == utc(expected)


@pytest.mark.parametrize("cron", [NIGHTLY, "0 3 * * *", "0 2 * * *", "59 2 * * *", "15 1 * * *"])
@pytest.mark.parametrize("zone", [PARIS, "America/New_York", "Australia/Lord_Howe", "UTC"])
def test_every_night_of_a_year_runs_once_wherever_one_begins_to_look(cron: str, zone: str) -> None:
    moment, runs = utc("2026-01-01 00:00"), []
    while moment < utc("2027-01-01 00:00"):
        moment = next_run(cron, zone, moment)
        runs.append(moment)
    days = [run.astimezone(ZoneInfo(zone)).date() for run in runs]
    assert len(set(days)) == len(days)
    assert (days[-1] - days[0]).days == len(days) - 1
    for run_at in runs[80:100] + runs[290:310]:
        for minutes in (1, 29, 31, 59, 90):
            assert next_run(cron, zone, run_at - timedelta(minutes=minutes)) == run_at


def test_of_several_missed_periods_the_newest_counts() -> None:
    seen = utc("2026-03-10 01:30")
    assert last_period(NIGHTLY, PARIS, seen=seen, now=utc("2026-03-10 01:31")) == seen
    assert last_period(NIGHTLY, PARIS, seen=seen, now=utc("2026-03-17 06:00")) == utc("2026-03-17 01:30")
    assert last_period("* * * * *", PARIS, seen=seen, now=utc("2027-03-17 06:00")) == utc("2027-03-17 06:00")


def test_each_language_of_a_newsletter_gets_its_schedule_once(product: Product) -> None:
    install(product)
    install(product, now=DUE + timedelta(days=30))
    with product.database.reading() as session:
        schedules = session.scalars(select(Schedule).order_by(Schedule.id)).all()
    assert [(each.language, each.cron, each.next_run_at) for each in schedules] == [
        ("fr", TUESDAY, DUE),
        ("en", TUESDAY, DUE),
    ]


def test_a_changed_cron_line_takes_effect(product: Product) -> None:
    install(product)
    install(product, cron=NIGHTLY)
    with product.database.reading() as session:
        assert set(session.scalars(select(Schedule.next_run_at))) == {utc("2026-03-18 01:30")}


def test_a_due_digest_is_compiled_and_started_at_once(product: Product) -> None:
    install(product)
    with product.database.transaction() as session:
        make_subscription(session)
        make_article(session, added_at=DUE - timedelta(hours=1))
    assert run(product, DUE - timedelta(seconds=1)) == []
    french, english = run(product, DUE)
    assert (french.outcome, english.outcome) == (CompileOutcome.COMPILED, CompileOutcome.NOTHING_NEW)
    assert (french.since, french.until) == (DUE - timedelta(days=7), DUE)
    with product.database.reading() as session:
        edition = session.scalars(select(Edition)).one()
        assert (edition.status, edition.started_by, edition.is_automatic) == ("sending", "schedule", True)
        assert session.scalars(select(Delivery.edition_id)).all() == [edition.id]


def test_a_digest_of_a_schedule_is_not_sent_to_all_by_hand(product: Product) -> None:
    install(product)
    with product.database.transaction() as session:
        make_subscription(session)
        edition = make_draft(session)
        edition.schedule_id = session.scalars(select(Schedule.id)).first()
        with pytest.raises(TransitionRefused, match="by its schedule"):
            start(session, product, edition)


def test_a_period_runs_once_however_often_one_looks(product: Product) -> None:
    install(product)
    for seconds in (0, 1, 10, 3600):
        run(product, DUE + timedelta(seconds=seconds))
    assert outcomes(product) == [(DUE, CompileOutcome.NOTHING_NEW)]


@pytest.mark.parametrize(
    ("late", "outcome"),
    [
        (timedelta(hours=23, minutes=59), CompileOutcome.NOTHING_NEW),
        (timedelta(hours=24), CompileOutcome.MISSED),
        (timedelta(days=3), CompileOutcome.MISSED),
    ],
)
def test_a_missed_period_is_caught_up_within_a_day_and_else_recorded(
    product: Product, late: timedelta, outcome: CompileOutcome
) -> None:
    install(product)
    for _ in range(2):
        run(product, DUE + late)
    assert outcomes(product) == [(DUE, outcome)]


def test_after_a_long_silence_a_nightly_digest_is_caught_up_once(product: Product) -> None:
    install(product, cron=NIGHTLY)
    run(product, utc("2026-03-25 06:00"))
    run(product, utc("2026-03-26 01:30"))
    assert outcomes(product) == [
        (utc("2026-03-25 01:30"), CompileOutcome.NOTHING_NEW),
        (utc("2026-03-26 01:30"), CompileOutcome.NOTHING_NEW),
    ]


def test_articles_of_a_missed_period_come_with_the_next(product: Product) -> None:
    install(product)
    run(product, DUE)
    with product.database.transaction() as session:
        make_article(session, added_at=DUE + timedelta(days=1))
    missed, _ = run(product, DUE + timedelta(days=10))
    french, _ = run(product, DUE + timedelta(days=14))
    assert (missed.outcome, french.outcome) == (CompileOutcome.MISSED, CompileOutcome.COMPILED)
    assert french.since == DUE - FIRST_WINDOW, "nobody had anything yet"


def test_a_schedule_switched_off_does_not_run(product: Product) -> None:
    install(product)
    with product.database.transaction() as session:
        session.execute(update(Schedule).values(is_active=False))
    assert run(product, DUE) == []


def test_a_digest_compiled_by_a_process_that_died_is_started_by_the_next(product: Product) -> None:
    install(product)
    with product.database.transaction() as session:
        make_subscription(session)
        make_article(session, added_at=DUE - timedelta(hours=1))
        left = compile_now(session, now=DUE, is_automatic=True)
        by_hand = make_draft(session, language="en", now=DUE)
    run(product, DUE + timedelta(seconds=10))
    with product.database.reading() as session:
        assert session.get_one(Edition, left.edition_id).status is EditionStatus.SENDING
        assert session.get_one(Edition, by_hand.id).status is EditionStatus.DRAFT
        assert session.scalars(select(Delivery.edition_id)).all() == [left.edition_id]


def test_the_zone_is_the_newsletters_own(product: Product) -> None:
    with product.database.transaction() as session:
        session.execute(update(Newsletter).values(timezone="America/New_York"))
    install(product)
    with product.database.reading() as session:
        assert set(session.scalars(select(Schedule.next_run_at))) == {utc("2026-03-17 11:30")}


def test_a_scheduler_that_comes_late_leaves_the_next_period_alone(product: Product) -> None:
    install(product)
    with product.database.transaction() as session:
        make_article(session, added_at=DUE - timedelta(hours=1))
    run(product, DUE)
    with product.database.reading() as session:
        schedule_id = session.scalars(select(Schedule.id).where(Schedule.language == "fr")).one()
    assert _run_schedule(product.database, schedule_id, DUE, half_life=HALF_LIFE) is None
    assert outcomes(product) == [(DUE, CompileOutcome.COMPILED)]


def test_a_digest_left_over_from_days_ago_is_not_sent(product: Product) -> None:
    install(product)
    with product.database.transaction() as session:
        make_article(session, added_at=DUE - timedelta(hours=1))
        left = compile_now(session, now=DUE, is_automatic=True)
    run(product, DUE + timedelta(days=2))
    with product.database.reading() as session:
        assert session.get_one(Edition, left.edition_id).status is EditionStatus.DRAFT
