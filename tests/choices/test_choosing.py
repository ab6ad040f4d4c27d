"""Choosing: rows that readers share, what is recorded, what ends with a subscription, and rows that are nobody's."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.choices.choices import Interests, Timing
from app.choices.choosing import Chosen, choose, chosen_by, profile_id, rhythm_id
from app.choices.dossier import tellers
from app.choices.models import Cadence, Profile, Rhythm
from app.digests.schedule import ensure_schedules
from app.editions.lines import Compilation, CompileOutcome, Schedule
from app.errors import NotFound, TransitionRefused
from app.keeping import unchosen
from app.keeping.unchosen import drop_unchosen
from app.product import Product
from app.subscriptions.kinds import ConsentKind, SubscriptionStatus
from app.subscriptions.models import Subscription
from app.subscriptions.records import ConsentEvent
from tests import make
from tests.conftest import NOW, ON_POSTGRESQL

LATER = NOW + timedelta(days=3)
CAUCASUS = Interests(("fr", "en"), frozenset({"region:caucasus", "theme:espionage"}), frozenset({"theme:industry"}))
MONDAYS = Timing(Cadence.WEEKLY, 7, 0, "Asia/Tbilisi")
AT_ONCE = Timing(Cadence.REAL_TIME, 18, 0, "Europe/Paris")


def decide(
    session: Session, subscription: Subscription, interests: Interests = CAUCASUS, timing: Timing | None = MONDAYS
) -> None:
    choose(
        session, public_id=subscription.public_id, interests=interests, timing=timing, since=NOW, now=LATER
    )  # fmt: skip


def test_readers_who_choose_the_same_share_a_row(product: Product) -> None:
    with product.database.transaction() as session:
        readers = [make.make_subscription(session, email=f"{name}@reader.example") for name in ("a", "b", "c")]
        for reader in readers[:2]:
            decide(session, reader)
        decide(session, readers[2], Interests(muted=CAUCASUS.muted))
        assert readers[0].profile_id == readers[1].profile_id != readers[2].profile_id
        assert len({reader.rhythm_id for reader in readers}) == 1
    with product.database.reading() as session:
        assert chosen_by(session, session.get_one(Subscription, readers[0].id)) == Chosen(CAUCASUS, MONDAYS)


TOPICS = st.frozensets(st.sampled_from(["theme:a", "theme:b", "place:FR"]))
INTERESTS = st.builds(Interests, st.sampled_from([(), ("fr", "en")]), TOPICS, TOPICS)
TIMINGS = st.builds(
    Timing, st.just(Cadence.DAILY), st.integers(6, 8), st.just(0), st.sampled_from(["UTC", "Asia/Baku"])
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(interests=st.lists(INTERESTS, min_size=2, max_size=6), timings=st.lists(TIMINGS, min_size=2, max_size=6))
def test_a_row_is_shared_if_and_only_if_the_choices_are_equal(
    product: Product, interests: list[Interests], timings: list[Timing]
) -> None:
    with product.database.transaction() as session:
        by_profile = [(profile_id(session, each), each) for each in interests]
        by_rhythm = [(rhythm_id(session, each), each) for each in timings]
    for found in (by_profile, by_rhythm):
        assert len({row for row, _ in found}) == len({each for _, each in found}) == len(set(found))


def test_a_choice_is_recorded_once_and_without_what_was_chosen(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        for _ in range(2):
            decide(session, subscription)
        event = session.scalars(select(ConsentEvent)).one()
        assert (event.kind, event.detail, subscription.acted_at) == (ConsentKind.CHOICES_CHANGED, None, LATER)


def test_flashes_come_in_real_time_alone_and_everything_can_be_had_again(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        decide(session, subscription, timing=AT_ONCE)
        assert subscription.gets_flashes
        decide(session, subscription, timing=MONDAYS)
        assert not subscription.gets_flashes
        decide(session, subscription, Interests(), None)
        assert (subscription.profile_id, subscription.rhythm_id, subscription.gets_flashes) == (None, None, False)


def test_a_new_rhythm_starts_where_the_former_had_come_to(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        decide(session, subscription, timing=None)
        assert subscription.covered_until is None
        decide(session, subscription)
        assert subscription.covered_until == NOW
        subscription.covered_until = NOW - timedelta(days=9)
        decide(session, subscription, timing=AT_ONCE)
        assert subscription.covered_until == NOW - timedelta(days=9), "what two rhythms had left out is still to come"


def test_who_has_left_chooses_nothing_and_comes_back_to_everything(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        decide(session, subscription, timing=AT_ONCE)
        subscription.unsubscribe(LATER)
        with pytest.raises(TransitionRefused):
            decide(session, subscription)
        subscription.public_id, gone = "b" * 22, subscription.public_id
        session.flush()
        with pytest.raises(NotFound):
            choose(session, public_id=gone, interests=CAUCASUS, timing=None, since=NOW, now=LATER)
        subscription.undo_departure()
        assert chosen_by(session, subscription) == Chosen(CAUCASUS, AT_ONCE)
        subscription.unsubscribe(LATER)
        subscription.request(LATER, "fr")
        subscription.confirm(LATER)
        assert chosen_by(session, subscription) == Chosen(Interests(), None)
        assert (subscription.gets_flashes, subscription.covered_until) == (False, None)


def test_a_reader_is_told_all_that_they_chose(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        other = make.make_subscription(session, email="bob@reader.example", status=SubscriptionStatus.PENDING)
        decide(session, subscription)
        tell = tellers(product.config)["choices"]
        assert tell(session, other.subscriber_id) == []
        [row] = tell(session, subscription.subscriber_id)
    assert row["followed"] == [
        {"topic": "region:caucasus", "name": "Caucase"},
        {"topic": "theme:espionage", "name": "Espionnage et logiciels espions"},
    ]
    assert row["left_out"] == [{"topic": "theme:industry", "name": "Industrie et jeunes pousses"}]
    assert [row[name] for name in ("also_reads", "cadence", "hour", "day", "timezone", "gets_flashes")] == [
        ["fr", "en"], "weekly", 7, 0, "Asia/Tbilisi", False,
    ]  # fmt: skip


def test_choices_that_nobody_has_any_more_go(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchosen, "BATCH", 2)
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        decide(session, subscription)
        for number in range(5):
            profile_id(session, Interests(followed=frozenset({f"theme:{number}"})))
        rhythm_id(session, AT_ONCE)
    assert drop_unchosen(product.database) == 6
    with product.database.reading() as session:
        assert session.scalars(select(Profile.id)).all() == [subscription.profile_id]
        assert session.scalars(select(Rhythm.id)).all() == [subscription.rhythm_id]
    assert drop_unchosen(product.database) == 0


def test_a_rhythm_goes_with_its_schedules_unless_digests_were_compiled_by_it(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        for timing in (MONDAYS, AT_ONCE, Timing(Cadence.DAILY, 5, 0, "UTC")):
            decide(session, subscription, timing=timing)
            ensure_schedules(session, subscription, NOW)
        done, *_ = session.scalars(select(Schedule).where(Schedule.rhythm_id.is_not(None)).order_by(Schedule.id))
        nothing = {"since": NOW, "until": NOW, "at": NOW, "outcome": CompileOutcome.NOTHING_NEW}
        session.add(Compilation(schedule_id=done.id, newsletter_id=done.newsletter_id, language="fr", **nothing))
    assert drop_unchosen(product.database) == 1
    with product.database.reading() as session:
        rhythms = select(Schedule.rhythm_id).where(Schedule.rhythm_id.is_not(None))
        assert set(session.scalars(rhythms)) == {done.rhythm_id, subscription.rhythm_id}
        assert set(session.scalars(select(Rhythm.id))) == {done.rhythm_id, subscription.rhythm_id}


@ON_POSTGRESQL
def test_what_is_just_being_chosen_stays(product: Product) -> None:
    with product.database.transaction() as session:
        subscription = make.make_subscription(session)
        rows = profile_id(session, CAUCASUS), rhythm_id(session, MONDAYS)
    with product.database.transaction() as session:
        decide(session, subscription)
        assert drop_unchosen(product.database) == 0
    with product.database.reading() as session:
        chosen = session.get_one(Subscription, subscription.id)
        assert (chosen.profile_id, chosen.rhythm_id) == rows
