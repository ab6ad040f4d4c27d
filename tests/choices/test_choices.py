"""Choices as values: what can be, what equal ones have in common, and what is read."""

from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from app.choices.choices import TOPICS_MAX, Interests, Timing
from app.choices.models import Cadence
from app.errors import InputRefused
from tests.conftest import NOW

KNOWN = [f"theme:{name}" for name in "abcdef"]
TOPICS = st.frozensets(st.sampled_from(KNOWN))


@given(followed=st.lists(st.sampled_from(KNOWN)), muted=st.lists(st.sampled_from(KNOWN)), turn=st.randoms())
def test_equal_choices_are_written_alike_however_they_were_told(followed, muted, turn) -> None:  # type: ignore[no-untyped-def]
    told = Interests.checked(also_reads=["en"], followed=followed, muted=muted, known=KNOWN)
    turn.shuffle(followed)
    again = Interests.checked(also_reads=["en", "en"], followed=[*followed, *followed], muted=muted[::-1], known=KNOWN)
    assert (told, told.digest) == (again, again.digest)


@given(one=st.tuples(TOPICS, TOPICS), other=st.tuples(TOPICS, TOPICS))
def test_different_choices_are_never_written_alike(
    one: tuple[frozenset[str], frozenset[str]], other: tuple[frozenset[str], frozenset[str]]
) -> None:
    first, second = Interests((), *one), Interests((), *other)
    assert (first.digest == second.digest) is (first == second)


@given(followed=TOPICS, muted=TOPICS, mainly=TOPICS, beside=TOPICS)
def test_what_is_left_out_is_not_read_whatever_is_followed(
    followed: frozenset[str], muted: frozenset[str], mainly: frozenset[str], beside: frozenset[str]
) -> None:
    interests = Interests.checked(also_reads=(), followed=followed, muted=muted, known=KNOWN)
    topics = mainly | beside
    if mainly & muted:
        assert not interests.wants(topics, mainly=mainly)
    else:
        assert interests.wants(topics, mainly=mainly) is (not followed - muted or bool(topics & (followed - muted)))


def test_who_leaves_out_all_that_they_followed_reads_the_rest() -> None:
    interests = Interests.checked(also_reads=(), followed={"theme:a"}, muted={"theme:a"}, known=KNOWN)
    assert interests.wants(frozenset({"theme:b"}), mainly=frozenset({"theme:b"}))
    assert interests.wants(frozenset(), mainly=frozenset())


def test_topics_that_are_gone_leave_nobody_without_articles() -> None:
    interests = Interests(followed=frozenset({"theme:gone"}), muted=frozenset({"theme:b", "place:gone"}))
    assert interests.among(KNOWN) == Interests(muted=frozenset({"theme:b"}))


@pytest.mark.parametrize(
    ("also_reads", "followed", "muted"),
    [(("tlh",), (), ()), ((), ("theme:none",), ()), ((), (), ("theme:none",)),
     ((), [f"theme:{number}" for number in range(TOPICS_MAX)], ["theme:60"])],
)  # fmt: skip
def test_interests_that_cannot_be_are_refused(
    also_reads: tuple[str, ...], followed: tuple[str, ...], muted: tuple[str, ...]
) -> None:
    known = {*KNOWN, *(f"theme:{number}" for number in range(TOPICS_MAX + 1))}
    with pytest.raises(InputRefused):
        Interests.checked(also_reads=also_reads, followed=followed, muted=muted, known=known)


@pytest.mark.parametrize(
    ("cadence", "hour", "day", "timezone"),
    [(Cadence.DAILY, 24, 0, "UTC"), (Cadence.DAILY, -1, 0, "UTC"), (Cadence.DAILY, 7, 1, "UTC"),
     (Cadence.WEEKLY, 7, 7, "UTC"), (Cadence.MONTHLY, 7, 0, "UTC"), (Cadence.MONTHLY, 7, 29, "UTC"),
     (Cadence.REAL_TIME, 7, 0, "Mars/Olympus"), (Cadence.DAILY, 7, 0, "../etc/passwd"), (Cadence.DAILY, 7, 0, "")],
)  # fmt: skip
def test_times_that_cannot_be_are_refused(cadence: Cadence, hour: int, day: int, timezone: str) -> None:
    with pytest.raises(InputRefused):
        Timing.checked(cadence=cadence, hour=hour, day=day, timezone=timezone)


@given(day=st.integers(0, 6), hour=st.integers(0, 23))
def test_the_line_of_cron_means_the_day_of_the_week_that_was_chosen(day: int, hour: int) -> None:
    timing = Timing.checked(cadence=Cadence.WEEKLY, hour=hour, day=day, timezone="Asia/Baku")
    comes = next(CronSim(timing.cron, NOW.astimezone(ZoneInfo(timing.timezone))))
    assert (comes.weekday(), comes.hour, comes.minute) == (day, hour, 0)


@pytest.mark.parametrize(
    ("cadence", "day", "expected"),
    [(Cadence.MONTHLY, 28, ["28/03", "28/04"]), (Cadence.DAILY, 0, ["18/03", "19/03"]),
     (Cadence.REAL_TIME, 0, ["18/03", "19/03"])],
)  # fmt: skip
def test_the_line_of_cron_means_the_days_that_were_chosen(cadence: Cadence, day: int, expected: list[str]) -> None:
    timing = Timing.checked(cadence=cadence, hour=7, day=day, timezone="UTC")
    days = CronSim(timing.cron, NOW)
    assert [f"{next(days):%d/%m}" for _ in expected] == expected
