"""Readers counted by day: each event once, in whatever pieces, and as the subscriptions themselves say."""

from collections import Counter
from contextlib import suppress
from datetime import date, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.errors import TransitionRefused
from app.mail.address import parse_address
from app.product import Product
from app.readership import tallies
from app.readership.models import ReadershipCursor, ReadershipDay
from app.readership.tallies import LAG, Readership, advance_tallies, read_readership, recount
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.leaving import undo_departure, unsubscribe
from app.subscriptions.ledger import Act
from app.subscriptions.locking import lock_reader
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.newcomers.imports import Newcomer, Provenance, import_readers
from app.subscriptions.preferences import correct_language
from app.subscriptions.rights.acts import accept_objection
from app.subscriptions.rights.erasure import erase_reader
from app.subscriptions.suppression import suppress_reader
from tests import make
from tests.conftest import NOW, ON_POSTGRESQL, SUPPRESSION_KEY

ZONE = "Europe/Paris"
LATER = NOW + timedelta(days=1)


def counted(product: Product, *, at: datetime = LATER) -> dict[date, tuple[int, int, int]]:
    """Count all there is, and return the days."""
    while count_some(product, at=at):
        pass
    with product.database.reading() as session:
        rows = session.scalars(select(ReadershipDay)).all()
    sums: dict[date, tuple[int, int, int]] = {}
    for row in rows:
        joined, left, moved = sums.get(row.day, (0, 0, 0))
        sums[row.day] = (joined + row.joined, left + row.left, moved + row.moved)
    return sums


def count_some(product: Product, *, at: datetime = LATER) -> int:
    with product.database.transaction() as session:
        return advance_tallies(session, zone=ZONE, now=at)


def look(product: Product, *, at: datetime = NOW) -> Readership:
    with product.database.snapshot() as session:
        return read_readership(session, newsletter_id=1, zone=ZONE, days=30, now=at)


def confirm(session: Session, number: int, *, at: datetime = NOW, language: str = "fr") -> Subscription:
    subscription = make.make_subscription(session, email=f"r{number}@reader.example", at=at, language=language)
    for kind in (ConsentKind.REQUESTED, ConsentKind.CONFIRMED):
        make.make_event(session, subscription, Act(kind, ConsentMethod.FORM, at, language))
    return subscription


def test_who_came_and_left_is_counted_on_the_days_of_the_newsroom(product: Product) -> None:
    late = datetime(2026, 3, 16, 23, 30, tzinfo=NOW.tzinfo)  # in Paris it is the 17th
    with product.database.transaction() as session:
        first, second = confirm(session, 1, at=late), confirm(session, 2, at=late - timedelta(days=1))
        unsubscribe_at(session, second, NOW)
        assert first.id != second.id
    assert counted(product) == {date(2026, 3, 16): (1, 0, 0), date(2026, 3, 17): (1, 1, 0)}


def test_what_is_young_is_looked_at_and_counted_later_and_once(product: Product) -> None:
    with product.database.transaction() as session:
        confirm(session, 1)
    before = look(product)
    assert (before.total, before.joined) == (1, 1)
    assert counted(product, at=NOW + LAG - timedelta(seconds=1)) == {}
    assert counted(product, at=NOW + LAG) == {NOW.date(): (1, 0, 0)}
    assert counted(product, at=NOW + LAG) == {NOW.date(): (1, 0, 0)}
    assert look(product) == before


def test_an_old_event_behind_a_young_one_waits_for_it(product: Product) -> None:
    """Its id came later: whoever drew the lower one may have committed after it."""
    with product.database.transaction() as session:
        confirm(session, 1, at=NOW)
        confirm(session, 2, at=NOW - timedelta(days=1))
    assert count_some(product, at=NOW + timedelta(minutes=1)) == 0
    assert look(product).total == 2


def test_more_young_events_than_are_looked_at_are_said_to_wait(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "TAIL", 4)
    with product.database.transaction() as session:
        for number in range(3):
            confirm(session, number)
    found = look(product)
    assert found.waiting
    counted(product)
    assert not look(product).waiting
    assert look(product).total == 3


def test_a_language_changed_is_neither_won_nor_lost(product: Product) -> None:
    with product.database.transaction() as session:
        reader = confirm(session, 1).subscriber_id
    with product.database.transaction() as session:
        correct_language(session, subscriber_id=reader, language="en", actor="ada@desk.example", now=NOW)
    assert counted(product) == {NOW.date(): (1, 0, 0)}
    assert look(product).by_language == {"fr": 0, "en": 1}


def test_imports_count_with_proof_alone(product: Product) -> None:
    proof = Provenance("the fair", NOW - timedelta(days=400))
    people = [
        Newcomer(parse_address(f"i{number}@reader.example"), "en", proof if number else None) for number in range(3)
    ]
    with product.database.transaction() as session:
        import_readers(session, people, newsletter_id=1, actor="ada", suppression_key=SUPPRESSION_KEY, now=NOW)
    assert counted(product) == {NOW.date(): (2, 0, 0)}


def test_a_false_alarm_is_taken_back_on_its_day(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = confirm(session, 1, at=NOW - timedelta(days=3))
        for kind, days in ((ConsentKind.SUPPRESSED, 2), (ConsentKind.LIFTED, 0)):
            at = NOW - timedelta(days=days)
            act = Act(kind, ConsentMethod.BOUNCE, at, "fr", detail=SuppressionReason.HARD_BOUNCE.value)
            make.make_event(session, subscription, act)
    assert [each for each in counted(product).values() if each != (0, 0, 0)] == [(1, 0, 0)]


def test_a_departure_taken_back_is_none(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = confirm(session, 1, at=NOW - timedelta(days=1))
        unsubscribe_at(session, subscription, NOW)
        public_id = subscription.public_id
    assert counted(product)[NOW.date()] == (0, 1, 0)
    with product.database.transaction() as session:
        undo_departure(session, public_id=public_id, suppression_key="k", now=NOW + timedelta(minutes=1))
    assert counted(product)[NOW.date()] == (0, 0, 0)
    assert look(product).total == 1


@pytest.mark.postgresql
@ON_POSTGRESQL
def test_who_commits_late_is_counted_all_the_same(product: Product) -> None:
    with product.database.transaction() as late:
        confirm(late, 1)
        with product.database.transaction() as session:
            confirm(session, 2)
        assert count_some(product, at=NOW + timedelta(minutes=1)) == 0
    assert counted(product, at=NOW + LAG) == {NOW.date(): (2, 0, 0)}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_the_days_say_what_the_subscriptions_say(
    product: Product, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Small batches: a chain is counted in several pieces."""
    monkeypatch.setattr(tallies, "BATCH", 7)
    random, at = Random(seed), NOW - timedelta(days=20)
    with product.database.transaction() as session:
        for number in range(12):
            confirm(session, number, at=at, language=random.choice(["fr", "en"]))
    for _ in range(40):
        at += timedelta(hours=random.randrange(12))
        with product.database.transaction() as session:
            happen(session, random, at)
        if random.random() < 0.3:
            count_some(product, at=at)
    counted(product)
    found = look(product)
    with product.database.reading() as session:
        is_reader = (Subscription.status == SubscriptionStatus.CONFIRMED) & ~Subscription.is_withheld
        rows = session.execute(select(Subscription.language, func.count()).where(is_reader).group_by("language"))
        assert +Counter(found.by_language) == dict(rows.all())
    assert recount(product.database, zone=ZONE) == {}


def test_a_recount_puts_right_what_differs_while_counting_goes_on(product: Product) -> None:
    with product.database.transaction() as session:
        for number in range(3):
            confirm(session, number)
    right = counted(product)
    with product.database.transaction() as session:
        session.execute(update(ReadershipDay).values(joined=9))
        assert session.scalars(select(ReadershipCursor.event_id)).one() == 6
    assert list(recount(product.database, zone=ZONE).values()) == [(-6, 0, 0)]
    assert counted(product) == right


def unsubscribe_at(session: Session, subscription: Subscription, at: datetime) -> None:
    unsubscribe(session, public_id=subscription.public_id, method=ConsentMethod.ONE_CLICK, now=at)


def happen(session: Session, random: Random, at: datetime) -> None:
    """One thing that happens to some reader."""
    readers = session.scalars(select(Subscriber).order_by(Subscriber.id)).all()
    subscriber = random.choice(readers)
    key = {"suppression_key": SUPPRESSION_KEY, "now": at}
    what = random.randrange(6)
    if what == 0:
        unsubscribe_at(session, subscriber.subscriptions[0], at)
    elif what == 1:
        accept_objection(session, subscriber_id=subscriber.id, method=ConsentMethod.DATA_PAGE, **key)
    elif what == 2 and len(readers) > 6:
        erase_reader(session, subscriber_id=subscriber.id, method=ConsentMethod.DATA_PAGE, **key)
    elif what == 3:
        held = lock_reader(session, subscriber.id)
        assert held is not None
        reason = random.choice([SuppressionReason.HARD_BOUNCE, SuppressionReason.COMPLAINT])
        suppress_reader(session, held, reason=reason, method=ConsentMethod.BOUNCE, source="smtp", **key)
    elif what == 4:
        language = random.choice(["fr", "en"])
        with suppress(TransitionRefused):  # one who left has letters in no language
            correct_language(session, subscriber_id=subscriber.id, language=language, actor="ada", now=at)
    else:
        confirm(session, random.randrange(1_000, 9_999), at=at, language="en")
