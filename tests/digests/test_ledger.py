"""Random months: whatever a reader chooses and whenever, each story comes once and none is left out."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.choices.choices import Interests, Timing
from app.choices.choosing import chosen_by
from app.choices.models import Cadence
from app.digests.coverage import call_off
from app.editions.models import Edition, EditionStatus
from app.product import Product
from app.stories.merging import move_articles
from app.stories.models import Story
from app.subscriptions.models import Subscription
from app.subscriptions.preferences import change_language, pause, resume
from tests.conftest import ON_POSTGRESQL, ON_SQLITE
from tests.digests.readers import ALL, DAY, begin_anew, file, letters, make_reader, run, wish
from tests.editions.press import compile_now, start

Day = dict[str, Any]
#: Digests are looked for this often.
TICK = timedelta(hours=6)
#: So soon before a digest's window closes that the next one looks back on it.
MOMENT = timedelta(minutes=5)
START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TIMINGS = [
    None,
    Timing(Cadence.DAILY, 7, 0, "UTC"),
    Timing(Cadence.DAILY, 22, 0, "America/New_York"),
    Timing(Cadence.WEEKLY, 8, 2, "Europe/Paris"),
    Timing(Cadence.MONTHLY, 6, 5, "UTC"),
    Timing(Cadence.REAL_TIME, 7, 0, "UTC"),
]
TOPICS = ["place:AZ", "place:FR", "theme:espionage"]
wishes = st.builds(
    Interests, st.sampled_from([(), ("en",)]), st.frozensets(st.sampled_from([*TOPICS, "region:caucasus"]), max_size=2),
    st.frozensets(st.sampled_from(TOPICS), max_size=1),
)  # fmt: skip
articles = st.lists(st.tuples(st.sampled_from(TOPICS), st.sampled_from(["fr", "en"])), max_size=3)
rhythm = {"timing": st.sampled_from(TIMINGS), "pause": st.integers(1, 6), "resume": st.just(True)}
wish_or_move = {"interests": wishes, "language": st.sampled_from(["fr", "en"]), "merge": st.just(True)}
days = st.lists(st.fixed_dictionaries({"articles": articles}, optional=rhythm | wish_or_move), min_size=5, max_size=35)
#: Days on which the reader changes nothing about what they read: all of it is to come, and fits into one letter.
french = st.lists(st.tuples(st.sampled_from(TOPICS), st.just("fr")), max_size=1)
quiet_days = st.lists(st.fixed_dictionaries({"articles": french}, optional=rhythm), min_size=5, max_size=28)
#: What editors do by hand, in French: send what is new, or what came within a day, make drafts and give them up.
by_hand = {"send": st.sampled_from([None, DAY]), "draft": st.sampled_from([None, DAY]), "give_up": st.just(True)}
busy_days = st.lists(
    st.fixed_dictionaries({"articles": french}, optional=rhythm | by_hand),
    min_size=5,
    max_size=20,
)
#: After this day all that was to come has come.
LAST: Day = {"articles": [], "resume": True, "interests": ALL, "timing": TIMINGS[1], "give_up": True}
random_months = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def live(session: Session, day: Day, at: datetime) -> None:
    """One day of the reader and of the wire."""
    alice = session.scalars(select(Subscription).order_by(Subscription.id)).first()
    assert alice is not None
    for number, (topic, language) in enumerate(day["articles"]):
        arrives_at = at + (number + 1) * TICK - MOMENT
        file(session, f"{at:%d.%m}/{number}", topics=topic, language=language, at=arrives_at)
    if "merge" in day:
        older, newer = (*session.scalars(select(Story.id).order_by(Story.id.desc()).limit(2)), None, None)[1::-1]
        if older and newer:
            move_articles(session, story_id=newer, into_id=older, actor="ada", now=at)
    if "timing" in day or "interests" in day:
        chosen = chosen_by(session, alice)
        interests, timing = day.get("interests", chosen.interests), day.get("timing", chosen.timing)
        wish(session, alice, interests=interests, timing=timing, now=at)
    if "language" in day:
        change_language(session, public_id=alice.public_id, language=day["language"], now=at)
    if "pause" in day:
        until = date.fromordinal(at.date().toordinal() + day["pause"])
        pause(session, public_id=alice.public_id, until=until, now=at)
    if "resume" in day:
        resume(session, public_id=alice.public_id, now=at)


def edit(product: Product, day: Day, at: datetime) -> None:
    """One day of the editors."""
    for act in {"draft", "send"} & day.keys():
        with product.database.transaction() as session:
            since = at - day[act] if day[act] else None
            made = compile_now(session, now=at, since=since)
            if made.edition_id and act == "send":
                start(session, product, session.get_one(Edition, made.edition_id), now=at)
    if "give_up" in day:
        with product.database.transaction() as session:
            is_draft = sa.and_(Edition.status == EditionStatus.DRAFT, Edition.schedule_id.is_(None))
            for edition_id in session.scalars(select(Edition.id).where(is_draft)):
                call_off(session, edition_id=edition_id, actor="ada", now=at)


def read_on(product: Product, days: list[Day]) -> Counter[str]:
    """Live through the days, then read daily until all has come; return how often each title came."""
    with product.database.transaction() as session:
        begin_anew(session, product, now=START)
        make_reader(session, "alice", now=START)
        for number, timing in enumerate(TIMINGS):  # others read on while she pauses or changes her mind
            make_reader(session, f"steady{number}", now=START, timing=timing)
    at = START
    for day in [*days, LAST]:
        with product.database.transaction() as session:
            live(session, day, at)
        edit(product, day, at)
        for _ in range(DAY // TICK):
            at += TICK
            run(product, at)
    with product.database.reading() as session:
        return Counter(title for letter in letters(session, "alice") for title in letter)


@pytest.mark.slow
@pytest.mark.timeout(400)
@ON_POSTGRESQL
@random_months
@given(days)
def test_nothing_comes_twice_whatever_is_chosen_and_merged(product: Product, days: list[Day]) -> None:
    came = read_on(product, days)
    assert [title for title, times in came.items() if times > 1] == []


@pytest.mark.slow
@pytest.mark.timeout(400)
@ON_SQLITE
@random_months
@given(quiet_days)
def test_nothing_is_left_out_through_changes_of_rhythm_and_pauses(product: Product, days: list[Day]) -> None:
    came = read_on(product, days)
    assert set(came.values()) <= {1}
    with product.database.reading() as session:
        assert set(came) == set(session.scalars(select(Article.title)))


@pytest.mark.slow
@pytest.mark.timeout(400)
@ON_SQLITE
@random_months
@given(busy_days)
def test_nothing_is_left_out_whatever_editors_send_or_give_up(product: Product, days: list[Day]) -> None:
    came = read_on(product, days)
    with product.database.reading() as session:
        assert set(came) == set(session.scalars(select(Article.title)))
