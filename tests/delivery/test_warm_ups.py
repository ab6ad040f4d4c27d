"""A newsletter whose sender is new sends in growing numbers; all others are as fast as they were."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from app.db import Database
from app.delivery import clerk, limits, settling
from app.delivery.claims import release
from app.delivery.endings import Settlement, Unsent
from app.delivery.engine import Engine
from app.delivery.expiry import expire_copies
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.delivery.queue import enqueue_edition
from app.delivery.senders import WarmUpDay, WarmUpPlan, WarmUpShare
from app.delivery.warm_ups import (
    WarmUpReport,
    free_where_ended,
    next_opening,
    opening,
    read_warm_up,
    start_warm_up,
    stop_warm_up,
)
from app.editions.models import Edition
from app.errors import InputRefused, TransitionRefused
from app.mail.meanings import Meaning
from app.mail.memory import ACCEPTED, MemoryTransport
from app.mail.pacing import GIVE_UP_AFTER
from app.mail.replies import Verb, classify
from app.mail.transport import Fault, Outcome, OutcomeKind, Outgoing
from app.mail.warm_up import Held
from app.subscriptions.models import Subscriber
from tests.conftest import NOW
from tests.delivery.house import claim, make_engine, make_reader, queue_edition, queue_notes, settle, states

EngineOver = Callable[..., Engine]

#: Later than a run takes by the wall clock, which goes on from the time that it is given.
SOON = timedelta(minutes=10)

DOMAINS = ("one.example", "two.example", "three.example", "four.example")
LATER = classify(Verb.CONTENT, 451, "4.3.0 try again later")
DISTRUSTED = classify(Verb.CONTENT, 550, "5.7.1 our system has detected low reputation of the sending domain")
GREYLISTED = classify(Verb.RCPT, 450, "4.2.0 Greylisted, try again in 300 seconds")
RELAY_DOWN = Outcome(OutcomeKind.DEFERRED, 421, "4.3.2", "going down", Fault.HOST)
#: The newsletter of `queue_edition`, and one that is none of the warm-up's business.
NEWSLETTER = 1
DAY = timedelta(days=1)
#: When the first chunk of those that waited for the next day is due.
TOMORROW = opening((NOW + DAY).date())


@pytest.fixture(autouse=True)
def _always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not wait for a sender to look again."""
    monkeypatch.setattr(limits, "LOOK_EVERY_S", 0.0)


def warm_up(database: Database, *, audience: int = 100_000, largest: int = 30_000, now: datetime = NOW) -> None:
    with database.transaction() as session:
        start_warm_up(
            session,
            newsletter_id=NEWSLETTER,
            starts_on=now.date(),
            audience=audience,
            largest_provider=largest,
            now=now,
        )


def report_of(database: Database, now: datetime = NOW) -> WarmUpReport:
    with database.reading() as session:
        report = read_warm_up(session, newsletter_id=NEWSLETTER, now=now)
    assert report is not None
    return report


def providers(transport: MemoryTransport) -> Counter[str]:
    return Counter(outgoing.recipient.partition("@")[2] for outgoing in transport.sent)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """All that the database is asked."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(database.engine, "before_cursor_execute", note)


def test_without_a_warm_up_it_is_asked_for_only_when_limits_are(
    database: Database, engine_over: EngineOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LOOK_EVERY_S", 3600.0)
    queue_edition(database, 1000, chunk_copies=100, domains=DOMAINS)
    sender = engine_over(MemoryTransport(), limit=1)
    with statements(database) as asked:
        assert sender.run_once(NOW) == 1000
    assert len([each for each in asked if "UPDATE chunks" in each and "next_chunks" in each]) == 11
    assert len([each for each in asked if "warm_up" in each]) == 1
    assert len([each for each in asked if "FROM paces" in each]) == 1
    assert set(states(database)) == {DeliveryState.ACCEPTED}


def test_on_the_first_day_two_hundred_go_in_order_and_the_rest_waits(
    database: Database, engine_over: EngineOver
) -> None:
    queue_edition(database, 1000, chunk_copies=150, domains=DOMAINS)
    warm_up(database)
    transport = MemoryTransport()
    engine_over(transport, limit=1).run_once(NOW)
    assert [outgoing.key for outgoing in transport.sent] == list(range(1, 201))
    assert providers(transport) == dict.fromkeys(DOMAINS, 50)
    with database.reading() as session:
        waiting = session.scalars(select(Delivery).where(Delivery.state == DeliveryState.QUEUED)).all()
        chunks = session.scalars(select(Chunk).order_by(Chunk.number)).all()
    assert len(waiting) == 800
    assert {copy.attempt for copy in waiting} == {0}
    assert [chunk.next_attempt_at for chunk in chunks] == [
        None,
        *(TOMORROW + timedelta(seconds=number) for number in range(1, 7)),
    ]
    assert TOMORROW.minute not in {0, 30}
    untouched = [chunk.id for chunk in chunks if chunk.owner is None]
    assert len(untouched) >= 4, "what waits is not claimed copy by copy"
    assert {copy.next_attempt_at for copy in waiting if copy.chunk_id in untouched} == {None}


def test_each_day_after_a_good_one_takes_twice_as_many(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 2000, domains=DOMAINS)
    warm_up(database)
    sent = []
    for day in range(4):
        transport = MemoryTransport()
        at = NOW + day * DAY
        engine_over(transport).run_once(at)
        engine_over(transport).run_once(at + timedelta(hours=1))
        sent.append(providers(transport))
    assert sent == [dict.fromkeys(DOMAINS, number) for number in (50, 100, 200, 150)]
    assert report_of(database, NOW + 3 * DAY).held_days == 0


def test_nothing_comes_back_before_its_day_begins(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 600, domains=DOMAINS)
    warm_up(database)
    transport = MemoryTransport()
    sender = engine_over(transport)
    sender.run_once(NOW)
    assert sender.run_once(TOMORROW - timedelta(seconds=1)) == 0
    sender.run_once(TOMORROW + timedelta(seconds=1))
    assert len(transport.sent) == 600


def test_one_provider_gets_fifty_whatever_its_domains_are_called(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 300, domains=("gmail.com", "googlemail.com", "one.example"))
    warm_up(database)
    transport = MemoryTransport()
    engine_over(transport).run_once(NOW)
    sent = providers(transport)
    assert sent["gmail.com"] + sent["googlemail.com"] == 50
    assert sent["one.example"] == 50
    assert {share.provider: share.drawn for share in report_of(database).shares} == {"gmail.com": 50, "one.example": 50}
    engine_over(transport).run_once(NOW + DAY)
    assert providers(transport)["one.example"] == 100, "a provider's full share doubles the next day"


@pytest.mark.parametrize(("deferred", "second_day"), [(9, 400), (10, 200)])
def test_a_day_with_too_many_deferrals_is_not_doubled(
    database: Database, engine_over: EngineOver, deferred: int, second_day: int
) -> None:
    queue_edition(database, 1000, domains=DOMAINS)
    warm_up(database)
    engine_over(MemoryTransport(lambda outgoing: LATER if outgoing.key <= deferred else ACCEPTED)).run_once(NOW)
    report = report_of(database)
    assert (report.drawn, report.days[0].deferred) == (200, deferred)
    transport = MemoryTransport()
    engine_over(transport).run_once(NOW + DAY)
    retried = sum(outgoing.key <= deferred for outgoing in transport.sent)
    assert len(transport.sent) - retried == second_day
    report = report_of(database, NOW + DAY)
    assert report.held_days == (second_day == 200)
    assert report.held(report.days[1]) is (Held.DEFERRED if second_day == 200 else None)


@pytest.mark.parametrize(("refused", "next_day"), [(9, 400), (10, 200)])
def test_nor_is_a_day_on_which_too_many_were_refused_for_who_we_are(
    database: Database, engine_over: EngineOver, refused: int, next_day: int
) -> None:
    # A refusal holds up the letters to its own domain that have not gone by then: each has one for itself.
    queue_edition(database, 1000, domains=[f"d{number}.example" for number in range(1000)])
    warm_up(database)
    engine_over(MemoryTransport(lambda outgoing: DISTRUSTED if outgoing.key <= refused else ACCEPTED)).run_once(NOW)
    report = report_of(database, NOW + DAY)
    assert (report.days[0].drawn, report.days[0].deferred) == (200, refused)
    assert report.allowance is not None
    assert report.allowance.total == next_day


def test_tries_of_one_letter_count_once_and_a_greylist_not_at_all(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 1000, domains=DOMAINS)
    warm_up(database)
    tried: Counter[int] = Counter()

    def answer(outgoing: Outgoing) -> Outcome:
        tried[outgoing.key] += 1
        return LATER if outgoing.key <= 5 else GREYLISTED if outgoing.key <= 60 else ACCEPTED

    sender = engine_over(MemoryTransport(answer))
    for hour in range(0, 12, 3):
        sender.run_once(NOW + timedelta(hours=hour))
    assert sum(tried.values()) > 320, "a spent day keeps no retry back"
    report = report_of(database)
    assert (report.drawn, report.days[0].deferred) == (200, 5)
    assert len(tried) == 200


def test_a_trickle_and_days_without_mail_double_nothing(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 40, domains=DOMAINS)
    warm_up(database)
    engine_over(MemoryTransport()).run_once(NOW)
    queue_notes(database, 1, newsletter_id=NEWSLETTER)
    engine_over(MemoryTransport()).run_once(NOW + 3 * DAY)
    report = report_of(database, NOW + 3 * DAY)
    assert report.allowance is not None
    assert report.allowance.total == 200
    assert (report.day_number, report.held_days, report.idle_days) == (4, 3, 2)
    assert report.held(report.days[1]) is Held.LITTLE


def test_letters_that_somebody_waits_for_count_and_are_never_refused(
    database: Database, engine_over: EngineOver
) -> None:
    queue_edition(database, 500, domains=DOMAINS)
    warm_up(database)
    sender = engine_over(transport := MemoryTransport())
    queue_notes(database, 30, newsletter_id=NEWSLETTER, priority=1)
    sender.run_once(NOW)
    assert len(transport.sent) == 200
    queue_notes(database, 30, newsletter_id=NEWSLETTER)
    sender.run_once(NOW)
    assert len(transport.sent) == 230
    assert report_of(database).left == 0
    assert report_of(database).drawn == 230


def test_other_newsletters_are_not_slowed(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 500, domains=DOMAINS)
    with database.transaction() as session:
        start_warm_up(session, newsletter_id=77, starts_on=NOW.date(), audience=10**6, largest_provider=10**6, now=NOW)
    transport = MemoryTransport()
    engine_over(transport).run_once(NOW)
    assert len(transport.sent) == 500


def test_what_never_left_the_house_gives_back_what_it_drew(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 400, domains=DOMAINS)
    warm_up(database)
    engine_over(MemoryTransport(lambda outgoing: RELAY_DOWN)).run_once(NOW)
    report = report_of(database)
    assert (report.drawn, report.days[0].deferred) == (0, 0)
    assert {share.drawn for share in report.shares} <= {0}
    transport = MemoryTransport()
    engine_over(transport).run_once(NOW + timedelta(minutes=10))
    assert len(transport.sent) == 200


def test_two_senders_share_one_day(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clerk, "SETTLE_EVERY_S", 0.01)
    databases = [Database(database_url), Database(database_url)]
    queue_edition(databases[0], 1200, domains=DOMAINS, chunk_copies=10)
    warm_up(databases[0])
    transports = [MemoryTransport(slowly), MemoryTransport(slowly)]
    barrier = threading.Barrier(2)

    def run(place: int) -> None:
        sender = make_engine(databases[place], tmp_path, transports[place], limit=1)
        barrier.wait()
        sender.run_once(NOW)

    threads = [threading.Thread(target=run, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum((providers(each) for each in transports), Counter()) == dict.fromkeys(DOMAINS, 50)
    assert all(each.sent for each in transports), "both took part"
    assert report_of(databases[0]).drawn == 200
    for each in databases:
        each.dispose()


def slowly(_outgoing: Outgoing) -> Outcome:
    time.sleep(0.002)
    return ACCEPTED


def test_it_ends_when_a_day_holds_all_readers_and_then_nothing_is_slowed(
    database: Database, engine_over: EngineOver
) -> None:
    queue_edition(database, 700, domains=DOMAINS)
    warm_up(database, audience=400, largest=100)
    assert report_of(database).ends_on == (NOW + DAY).date()
    sender = engine_over(transport := MemoryTransport())
    sender.run_once(NOW)
    assert len(transport.sent) == 200
    sender.run_once(NOW + DAY)
    assert len(transport.sent) == 700
    report = report_of(database, NOW + DAY)
    assert report.ended_at is not None
    assert report.allowance is None
    with database.reading() as session:
        assert session.scalars(select(WarmUpDay)).all() == []
        assert session.scalars(select(WarmUpShare)).all() == []


def test_a_letter_to_one_ends_no_warm_up_that_no_edition_has_counted_readers_for(
    database: Database, engine_over: EngineOver
) -> None:
    warm_up(database, audience=0, largest=0)
    queue_notes(database, 2, newsletter_id=NEWSLETTER)
    engine_over(MemoryTransport()).run_once(NOW)
    assert report_of(database).ended_at is None


def test_before_it_starts_no_copy_of_an_edition_goes(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 30)
    queue_notes(database, 1, newsletter_id=NEWSLETTER)
    warm_up_on = NOW + 3 * DAY
    with database.transaction() as session:
        start_warm_up(
            session, newsletter_id=NEWSLETTER, starts_on=warm_up_on.date(), audience=10**6, largest_provider=1, now=NOW
        )
    transport = MemoryTransport()
    engine_over(transport).run_once(NOW)
    assert len(transport.sent) == 1
    engine_over(transport).run_once(opening(warm_up_on.date()) - timedelta(seconds=1))
    assert len(transport.sent) == 1
    engine_over(transport).run_once(opening(warm_up_on.date()))
    assert len(transport.sent) == 31


def test_stopping_lets_all_that_waits_go_at_once(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 900, chunk_copies=150, domains=DOMAINS)
    warm_up(database)
    sender = engine_over(transport := MemoryTransport(), limit=1)
    sender.run_once(NOW)
    with database.transaction() as session:
        stop_warm_up(session, newsletter_id=NEWSLETTER, now=NOW)
    sender.run_once(NOW + SOON)
    assert len(transport.sent) == 900
    with database.transaction() as session, pytest.raises(TransitionRefused):
        stop_warm_up(session, newsletter_id=NEWSLETTER, now=NOW)


def test_stopping_frees_what_is_put_back_afterwards(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 500, domains=DOMAINS)
    warm_up(database)
    sender = engine_over(transport := MemoryTransport(stopping(database, at_letter=150)))
    sender.run_once(NOW)
    assert len(transport.sent) == 200
    sender.run_once(NOW + SOON)
    assert len(transport.sent) == 500


def test_stopping_frees_what_waits_beside_copies_that_are_tried_again(
    database: Database, engine_over: EngineOver
) -> None:
    queue_edition(database, 500, domains=DOMAINS)
    warm_up(database)
    engine_over(MemoryTransport(lambda outgoing: LATER if outgoing.key <= 5 else ACCEPTED)).run_once(NOW)
    later = NOW + timedelta(hours=1)
    sender = engine_over(transport := MemoryTransport(stopping(database, at_letter=1, now=later)))
    sender.run_once(later)
    assert len(transport.sent) == 5
    sender.run_once(later + SOON)
    assert len(transport.sent) == 305


def stopping(database: Database, *, at_letter: int, now: datetime = NOW) -> Callable[[Outgoing], Outcome]:
    """Accept all, and stop the warm-up with one of the letters."""
    seen: list[int] = []

    def answer(outgoing: Outgoing) -> Outcome:
        seen.append(outgoing.key)
        if len(seen) == at_letter:
            with database.transaction() as session:
                stop_warm_up(session, newsletter_id=NEWSLETTER, now=now)
        return ACCEPTED

    return answer


def test_of_stopping_and_putting_back_at_once_the_later_one_frees(database: Database) -> None:
    queue_edition(database, 10)
    warm_up(database)
    copies = claim(database)
    has_stopped, may_commit = threading.Event(), threading.Event()

    def stop() -> None:
        with database.transaction() as session:
            stop_warm_up(session, newsletter_id=NEWSLETTER, now=NOW)
            has_stopped.set()
            may_commit.wait(10)

    def put_back() -> None:
        chunks = {copy.chunk.id for copy in copies}
        with database.transaction() as session:
            settling.settle(
                session, owner="one", settlements=[Settlement(copy, Unsent(TOMORROW)) for copy in copies], now=NOW
            )
            release(session, owner="one", chunk_ids=chunks, now=NOW)
            free_where_ended(session, {NEWSLETTER: chunks}, owners=["one"], now=NOW)

    stopper, clerks = threading.Thread(target=stop), threading.Thread(target=put_back)
    stopper.start()
    has_stopped.wait(10)
    clerks.start()
    time.sleep(0.3)
    may_commit.set()
    stopper.join()
    clerks.join()
    assert len(claim(database, "two")) == 10


def test_what_an_open_plan_has_wait_is_not_freed(database: Database) -> None:
    queue_edition(database, 10)
    warm_up(database)
    copies = claim(database)
    settle(database, copies, Unsent(TOMORROW))
    with database.transaction() as session:
        free_where_ended(session, {NEWSLETTER: {copies[0].chunk.id}}, owners=["one"], now=NOW)
    assert claim(database, "two") == []
    assert len(claim(database, "two", now=TOMORROW)) == 10


def test_on_a_spent_day_chunks_that_waited_before_rest_whole_and_retries_go(
    database: Database, engine_over: EngineOver
) -> None:
    queue_edition(database, 300, chunk_copies=100)
    warm_up(database)
    engine_over(MemoryTransport(), limit=1).run_once(NOW)
    with database.transaction() as session:
        tried = session.get_one(Delivery, 300)
        tried.state, tried.attempt = DeliveryState.DEFERRED, 1
        session.add(WarmUpDay(newsletter_id=NEWSLETTER, day=TOMORROW.date(), doublings=1, drawn=400))
    engine_over(transport := MemoryTransport(), limit=1).run_once(NOW + DAY)
    assert [outgoing.key for outgoing in transport.sent] == [300]
    with database.reading() as session:
        chunks = session.scalars(select(Chunk).where(Chunk.edition_id.is_not(None)).order_by(Chunk.number)).all()
        dates = {key: session.get_one(Delivery, key).next_attempt_at for key in (150, 250)}
    assert [chunk.next_attempt_at for chunk in chunks] == [TOMORROW + DAY + timedelta(seconds=i) for i in range(3)]
    assert dates == {150: TOMORROW + timedelta(seconds=1), 250: TOMORROW + DAY + timedelta(seconds=2)}


def test_two_languages_take_turns_on_the_days_that_they_share(database: Database, engine_over: EngineOver) -> None:
    domains = tuple(f"r{number}.example" for number in range(10))
    queue_edition(database, 700, chunk_copies=50, domains=domains)
    with database.transaction() as session:
        shared = {"since": NOW, "until": NOW, "created_at": NOW, "subject": "s", "preheader": "p"}
        other = Edition(newsletter_id=NEWSLETTER, language="en", **shared)
        session.add_all([other, *(make_reader(number, domains[number % 10]) for number in range(700, 800))])
        session.flush()
        enqueue_edition(
            session,
            audience=select(Subscriber.id).where(Subscriber.id > 700),
            kind="note",
            edition_id=other.id,
            newsletter_id=NEWSLETTER,
            language="en",
            now=NOW,
            chunk_copies=50,
        )
    warm_up(database)
    sender = engine_over(transport := MemoryTransport(), limit=1)
    sender.run_once(NOW)
    assert {outgoing.key <= 700 for outgoing in transport.sent} == {True}
    sender.run_once(NOW + DAY)
    assert sum(outgoing.key > 700 for outgoing in transport.sent) == 100
    assert len(transport.sent) == 600


def test_one_at_a_time_and_not_in_the_past(database: Database) -> None:
    for wrong in (NOW - DAY, NOW + 400 * DAY):
        with database.transaction() as session, pytest.raises(InputRefused):
            start_warm_up(
                session, newsletter_id=NEWSLETTER, starts_on=wrong.date(), audience=1, largest_provider=1, now=NOW
            )
    warm_up(database)
    with pytest.raises(TransitionRefused):
        warm_up(database)
    with database.transaction() as session:
        stop_warm_up(session, newsletter_id=NEWSLETTER, now=NOW)
    warm_up(database, now=NOW + DAY)
    with database.reading() as session:
        plan = session.scalars(select(WarmUpPlan)).one()
    assert (plan.starts_on, plan.ended_at) == ((NOW + DAY).date(), None)


def test_what_expires_for_want_of_a_turn_says_so(database: Database, engine_over: EngineOver) -> None:
    queue_edition(database, 300, domains=DOMAINS, chunk_copies=100)
    warm_up(database)
    engine_over(MemoryTransport(lambda outgoing: LATER if outgoing.key <= 5 else ACCEPTED), limit=1).run_once(NOW)
    with database.transaction() as session:
        session.execute(sa.update(Chunk).values(expires_at=NOW + timedelta(hours=1)))
    with database.transaction() as session:
        expire_copies(session, now=NOW + timedelta(hours=1))
    with database.reading() as session:
        expired = select(Delivery.meaning, sa.func.count()).where(Delivery.state == DeliveryState.EXPIRED)
        found = dict(session.execute(expired.group_by(Delivery.meaning)).all())
    assert found == {Meaning.WARMING_UP: 100, Meaning.TROUBLE: 5}


def test_what_expires_without_a_warm_up_has_no_such_reason(database: Database) -> None:
    queue_edition(database, 3)
    with database.transaction() as session:
        expire_copies(session, now=NOW + GIVE_UP_AFTER)
    with database.reading() as session:
        assert set(session.scalars(select(Delivery.meaning))) == {None}


def test_after_a_warm_up_nothing_expires_for_want_of_a_turn(database: Database) -> None:
    warm_up(database)
    late = TOMORROW - timedelta(minutes=27)
    with database.transaction() as session:
        stop_warm_up(session, newsletter_id=NEWSLETTER, now=late)
    queue_edition(database, 3, now=late)
    with database.transaction() as session:
        session.execute(sa.update(Delivery).values(next_attempt_at=late + timedelta(minutes=30)))
        session.execute(sa.update(Chunk).values(next_attempt_at=late + timedelta(minutes=30), expires_at=late))
        expire_copies(session, now=late)
    with database.reading() as session:
        assert set(session.execute(select(Delivery.state, Delivery.meaning))) == {(DeliveryState.EXPIRED, None)}


def test_a_day_begins_at_midnight_utc_and_opens_later() -> None:
    midnight = datetime(2026, 3, 18, tzinfo=UTC)
    assert next_opening(midnight - timedelta(seconds=1)) == next_opening(midnight) == opening(midnight.date())
    assert next_opening(opening(midnight.date())) == opening(midnight.date() + DAY)
