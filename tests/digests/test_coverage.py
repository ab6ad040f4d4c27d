"""What came is still to come, whatever editors send by hand or give up, and whoever was away meanwhile."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.choices.choices import Interests, Timing
from app.choices.choosing import rhythm_id
from app.choices.models import Cadence
from app.delivery.expiry import expire_copies
from app.digests.coverage import call_off, give_back, without_gap
from app.digests.schedule import begin_rhythm, install_schedules, last_run, run_due_schedules
from app.editions.audience import change_status
from app.editions.compile import compile_edition
from app.editions.lines import Compilation, CompileOutcome, Schedule
from app.editions.models import Edition, EditionStatus
from app.product import Product
from app.subscriptions.models import Subscription
from app.subscriptions.preferences import change_language, pause
from tests.digests.readers import DAY, HOUR, file, letters, make_reader, run, wish
from tests.editions.press import start
from tests.make import make_subscription, newsletter

#: The digest leaves on Tuesdays at half past seven, UTC.
TUESDAY = datetime(2026, 3, 17, 7, 30, tzinfo=UTC)
WEEK = timedelta(days=7)
MONDAY = TUESDAY - WEEK - DAY
BOTH = Interests(also_reads=("en",))
DAILY = Timing(Cadence.DAILY, 8, 0, "UTC")


@pytest.fixture(autouse=True)
def _newsroom(product: Product) -> None:
    """A digest left a week ago; a reader who chose nothing and one who reads both languages had it."""
    with product.database.transaction() as session:
        newsletter(session).timezone = "UTC"
        session.flush()
        install_schedules(session, product.config, MONDAY)
        make_reader(session, "ann", now=MONDAY)
        make_reader(session, "both", now=MONDAY, interests=BOTH)
        file(session, "before", at=MONDAY)
    run(product, TUESDAY - WEEK)


def arrive(product: Product, title: str, at: datetime, language: str = "fr") -> None:
    with product.database.transaction() as session:
        file(session, title, at=at, language=language)


def compile_by_hand(product: Product, now: datetime, since: datetime | None = None) -> int | None:
    with product.database.transaction() as session:
        made = compile_edition(session, newsletter=newsletter(session), language="fr", since=since, until=now, now=now)
        return made.edition_id


def send_by_hand(product: Product, now: datetime, since: datetime | None = None, *, arrives: bool = True) -> None:
    edition_id = compile_by_hand(product, now, since)
    with product.database.transaction() as session:
        start(session, product, session.get_one(Edition, edition_id), now=now)
    if arrives:
        run(product, now)


def had(product: Product, name: str) -> list[set[str]]:
    """The titles in each letter of a reader after the first."""
    with product.database.reading() as session:
        return [set(titles) for titles in letters(session, name)][1:]


@pytest.mark.parametrize("brings", [True, False])
def test_a_window_that_was_named_hides_nothing_from_the_schedule(product: Product, brings: bool) -> None:
    arrive(product, "early", TUESDAY - 6 * DAY)
    arrive(product, "seen", TUESDAY - 3 * DAY)
    since = TUESDAY - 4 * DAY if brings else TUESDAY - 2 * DAY
    if brings:
        send_by_hand(product, TUESDAY - DAY, since)
    else:
        assert compile_by_hand(product, TUESDAY - DAY, since) is None
    run(product, TUESDAY)
    by_hand = [{"seen"}] if brings else []
    assert had(product, "ann") == [*by_hand, {"early", "seen"} - set().union(*by_hand)]


def test_where_no_schedule_follows_editors_say_what_was_looked_through(product: Product) -> None:
    with product.database.transaction() as session:
        session.execute(update(Schedule).values(is_active=False))
    arrive(product, "early", TUESDAY - 6 * DAY)
    arrive(product, "seen", TUESDAY - 3 * DAY)
    send_by_hand(product, TUESDAY - DAY, TUESDAY - 4 * DAY)
    arrive(product, "new", TUESDAY - HOUR)
    send_by_hand(product, TUESDAY)
    assert had(product, "ann") == [{"seen"}, {"new"}]


def test_an_edition_by_hand_leaves_those_who_chose_or_pause_what_it_did_not_bring_them(product: Product) -> None:
    with product.database.transaction() as session:
        away = make_reader(session, "away", now=MONDAY)
        pause(session, public_id=away.public_id, until=date(2026, 3, 16), now=TUESDAY - WEEK + HOUR)
    arrive(product, "mardi", TUESDAY - 5 * DAY)
    arrive(product, "tuesday", TUESDAY - 5 * DAY, "en")
    send_by_hand(product, TUESDAY - 4 * DAY)
    arrive(product, "samedi", TUESDAY - 3 * DAY)
    run(product, TUESDAY)
    assert had(product, "ann") == [{"mardi"}, {"samedi"}]
    assert had(product, "both") == [{"mardi"}, {"tuesday", "samedi"}]
    with product.database.reading() as session:
        assert [set(titles) for titles in letters(session, "away")] == [{"mardi", "samedi"}]


@pytest.mark.parametrize("is_named", [True, False])
def test_copies_of_an_edition_by_hand_that_came_too_late_are_caught_up(product: Product, is_named: bool) -> None:
    arrive(product, "mardi", TUESDAY - 2 * DAY)
    send_by_hand(product, TUESDAY - DAY, TUESDAY - 3 * DAY if is_named else None, arrives=False)
    arrive(product, "mercredi", TUESDAY - HOUR)
    run_due_schedules(product.database, now=TUESDAY, config=product.config, links=product.links)
    with product.database.transaction() as session:
        expire_copies(session, now=TUESDAY + HOUR, on_expired=give_back)
    run(product, TUESDAY + HOUR)
    arrive(product, "jeudi", TUESDAY + 2 * DAY)
    run(product, TUESDAY + WEEK)
    told = had(product, "ann")
    assert (told[-2:], len(told)) == ([{"mercredi"}, {"mardi", "jeudi"}], 3)


def test_what_was_to_be_in_an_edition_given_up_late_comes_with_the_next(product: Product) -> None:
    with product.database.transaction() as session:
        away = make_reader(session, "away", now=MONDAY)
        pause(session, public_id=away.public_id, until=date(2026, 3, 18), now=TUESDAY - WEEK + HOUR)
    arrive(product, "semaine 1", TUESDAY - 5 * DAY)
    arrive(product, "week 1", TUESDAY - 5 * DAY, "en")
    edition_id = compile_by_hand(product, TUESDAY - 4 * DAY)
    assert edition_id is not None
    arrive(product, "semaine 2", TUESDAY - 2 * DAY)
    run(product, TUESDAY)
    with product.database.transaction() as session:
        call_off(session, edition_id=edition_id, actor="ada", now=TUESDAY + DAY)
    arrive(product, "semaine 3", TUESDAY + 5 * DAY)
    run(product, TUESDAY + WEEK)
    assert had(product, "ann") == [{"semaine 2"}, {"semaine 1", "semaine 3"}]
    assert set().union(*had(product, "both")) == {"semaine 1", "week 1", "semaine 2", "semaine 3"}
    with product.database.reading() as session:
        assert [set(titles) for titles in letters(session, "away")] == [{"semaine 1", "semaine 2", "semaine 3"}]


def test_an_approved_edition_that_is_called_off_hides_nothing_from_who_chose_a_rhythm_meanwhile(
    product: Product,
) -> None:
    arrive(product, "mardi", TUESDAY - 5 * DAY)
    edition_id = compile_by_hand(product, TUESDAY - 4 * DAY)
    assert edition_id is not None
    with product.database.transaction() as session:
        change_status(session, edition_id, from_statuses=(EditionStatus.DRAFT,), to=EditionStatus.SCHEDULED)
        ann = session.scalars(select(Subscription).where(Subscription.profile_id.is_(None))).one()
        wish(session, ann, timing=DAILY, now=TUESDAY - 4 * DAY)
        call_off(session, edition_id=edition_id, actor="ada", now=TUESDAY - 4 * DAY)
    run(product, TUESDAY - 3 * DAY + HOUR)
    assert had(product, "ann") == [{"mardi"}]


def test_a_window_without_news_for_all_is_not_over_for_who_pauses_and_reads_more(product: Product) -> None:
    with product.database.transaction() as session:
        both = session.scalars(select(Subscription).where(Subscription.profile_id.is_not(None))).one()
        pause(session, public_id=both.public_id, until=date(2026, 3, 18), now=TUESDAY - WEEK + HOUR)
    arrive(product, "english", TUESDAY - DAY, "en")
    run(product, TUESDAY)
    with product.database.reading() as session:
        outcomes = session.scalars(select(Compilation.outcome).where(Compilation.language == "fr")).all()
    assert outcomes == [CompileOutcome.COMPILED, CompileOutcome.NOTHING_NEW]
    arrive(product, "français", TUESDAY + DAY)
    run(product, TUESDAY + WEEK)
    assert had(product, "both") == [{"english", "français"}]


def test_a_newcomer_to_a_rhythm_without_readers_begins_with_its_last_period(product: Product) -> None:
    with product.database.transaction() as session:
        first = make_reader(session, "first", now=MONDAY, timing=DAILY)
    arrive(product, "old", TUESDAY - 6 * DAY - HOUR)
    run(product, TUESDAY - 6 * DAY + HOUR)
    with product.database.transaction() as session:
        rhythm_id, first = first.rhythm_id, session.get_one(Subscription, first.id)
        first.unsubscribe(TUESDAY - 5 * DAY)
    arrive(product, "long gone", TUESDAY - 4 * DAY)
    now = TUESDAY + 5 * HOUR
    arrive(product, "today", now - HOUR)
    with product.database.transaction() as session:
        newcomer = make_subscription(session, email="new@reader.example")
        newcomer.rhythm_id = rhythm_id
        session.flush()
        begin_rhythm(session, newcomer, now)
    run(product, now + DAY)
    with product.database.reading() as session:
        assert [set(titles) for titles in letters(session, "new")] == [{"today"}]


MONTHLY = Timing(Cadence.MONTHLY, 8, 15, "UTC")
APRIL = datetime(2026, 4, 15, 8, tzinfo=UTC)


def test_the_first_letter_of_a_monthly_reader_leaves_out_nothing_since_they_confirmed(product: Product) -> None:
    with product.database.transaction() as session:
        newcomer = make_subscription(session, email="new@reader.example")
        newcomer.rhythm_id = rhythm_id(session, MONTHLY)
        session.flush()
        begin_rhythm(session, newcomer, TUESDAY)
    arrive(product, "mars", TUESDAY + DAY)
    arrive(product, "avril", APRIL - DAY)
    run(product, APRIL)
    with product.database.reading() as session:
        assert letters(session, "new") == [["avril", "mars"]]


def test_a_monthly_reader_who_has_letters_come_in_another_language_misses_nothing(product: Product) -> None:
    with product.database.transaction() as session:
        reader = make_reader(session, "new", now=MONDAY, timing=MONTHLY, interests=BOTH)
    run(product, APRIL - 31 * DAY)
    with product.database.transaction() as session, without_gap(session, reader.subscriber_id, TUESDAY):
        change_language(session, public_id=reader.public_id, language="en", now=TUESDAY)
    arrive(product, "March", TUESDAY + DAY, "en")
    arrive(product, "April", APRIL - DAY, "en")
    run(product, APRIL)
    with product.database.reading() as session:
        assert letters(session, "new") == [["April", "March"]]


@pytest.mark.parametrize(("before", "last"), [("08:01", "08:00"), ("07:59", "08:00 yesterday")])
def test_the_last_run_of_a_line_is_found(before: str, last: str) -> None:
    day = datetime(2026, 3, 17, tzinfo=UTC)
    at = day + timedelta(hours=int(before[:2]), minutes=int(before[3:]))
    wanted = day + 8 * HOUR - (DAY if "yesterday" in last else timedelta())
    assert last_run("0 9 * * *", "Europe/Paris", at) == wanted
