"""Two schedulers in two processes, through both nights in which the clocks of Paris change in 2026."""

import multiprocessing
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy import select

from app.clock import now
from app.delivery.models import Chunk, Delivery
from app.digests.schedule import run_due_schedules
from app.editions.lines import Compilation, CompileOutcome, Schedule
from app.editions.models import Edition
from app.jobs.fleet import announce
from app.product import Product, make_product
from config import Config
from tests.make import make_article, make_subscription, newsletter

PARIS = ZoneInfo("Europe/Paris")
NIGHTLY, WEEKLY = "30 2 * * *", "30 7 * * 2"
SPRING, AUTUMN = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)
PROCESSES = 2
TICK = timedelta(minutes=10)


def moments(night: datetime) -> list[datetime]:
    """Every tick from the eve of `night` until after the Tuesday that follows."""
    begin = night - timedelta(hours=12)
    return [begin + TICK * number for number in range(int(timedelta(days=3) / TICK))]


def tick_through(config: Config, night: datetime, barrier: Barrier) -> None:
    """Be one scheduler: at each tick look for due digests, as the other one does; restart now and then."""
    product = make_product(config, announce)
    for number, moment in enumerate(moments(night)):
        barrier.wait(timeout=60)
        with time_machine.travel(moment, tick=False):
            run_due_schedules(product.database, now=now(), config=product.config, links=product.links)
        if number % 50 == 49:
            product.database.dispose()
            product = make_product(config, announce)
    product.database.dispose()


def expected_periods(night: datetime) -> dict[str, list[datetime]]:
    """The periods by hand: nightly by date, at the first 02:30 or, where there is none, at 03:00; Tuesday at 07:30."""
    change = (
        datetime(2026, 3, 29, 3, 0, tzinfo=PARIS) if night == SPRING else datetime(2026, 10, 25, 2, 30, tzinfo=PARIS)
    )
    after = [datetime(change.year, change.month, change.day + days, 2, 30, tzinfo=PARIS) for days in (1, 2)]
    tuesday = datetime(change.year, change.month, change.day + 2, 7, 30, tzinfo=PARIS)
    return {"fr": [each.astimezone(UTC) for each in (change, *after)], "en": [tuesday.astimezone(UTC)]}


def prepare(product: Product, night: datetime) -> None:
    """One reader and an article per half day in each language; a nightly French digest and a weekly English one."""
    begin = moments(night)[0]
    with product.database.transaction() as session:
        session.execute(sa.delete(Schedule))
        for language, cron in (("fr", NIGHTLY), ("en", WEEKLY)):
            make_subscription(session, email=f"{language}@reader.example", language=language, at=begin)
            for half_day in range(7):
                added_at = begin + timedelta(hours=12 * half_day)
                make_article(session, title=f"Article {half_day}", language=language, added_at=added_at)
            first = expected_periods(night)[language][0]
            schedule = Schedule(
                newsletter_id=newsletter(session).id,
                timezone="Europe/Paris",
                language=language,
                cron=cron,
                next_run_at=first,
                is_active=True,
            )
            session.add(schedule)


@pytest.mark.slow
@pytest.mark.parametrize("night", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_two_processes_make_one_edition_per_period_through_a_clock_change(product: Product, night: datetime) -> None:
    prepare(product, night)
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    schedulers = [context.Process(target=tick_through, args=(product.config, night, barrier)) for _ in range(PROCESSES)]
    for scheduler in schedulers:
        scheduler.start()
    for scheduler in schedulers:
        scheduler.join(240)
    assert [scheduler.exitcode for scheduler in schedulers] == [0] * PROCESSES

    with product.database.reading() as session:
        for language, periods in expected_periods(night).items():
            records = session.scalars(
                select(Compilation).where(Compilation.language == language).order_by(Compilation.id)
            ).all()
            assert [record.period_at for record in records] == periods
            assert {record.outcome for record in records} == {CompileOutcome.COMPILED}
            editions = session.scalars(select(Edition.id).where(Edition.language == language)).all()
            assert len(editions) == len(periods)
            rows = select(Delivery.edition_id, Chunk.edition_id).join(Chunk, Chunk.id == Delivery.chunk_id)
            copies = session.execute(rows.where(Chunk.language == language)).all()
            assert sorted(copies) == sorted(zip(editions, editions, strict=True))  # type: ignore[type-var]
