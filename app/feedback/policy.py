"""What follows from a notice: pure functions of what is known of the reader, the notice and the settings.

That our relay took a copy says nothing of the reader's server, and the copy that bounced was taken as well. So a copy
counts as a success only when a provider says that it was delivered, or when it was accepted, nothing came back, and
the time has passed within which servers report that they give up (RFC 5321 §4.5.4.1).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from app.feedback.notices import NoticeKind
from app.settings.feedback import FeedbackSettings


class Consequence(StrEnum):
    """What is to be done about a reader."""

    NOTHING = "nothing"
    SUPPRESS_DEAD = "suppress-dead"
    SUPPRESS_FAILING = "suppress-failing"
    COMPLAINED = "complained"
    LEAVE = "leave"


#: What changes nothing, whatever is known of the reader.
WITHOUT_CONSEQUENCE = frozenset(
    {NoticeKind.DELIVERED, NoticeKind.NOT_SPAM, NoticeKind.SENDER_FAULT, NoticeKind.UNKNOWN}
)


@dataclass(frozen=True)
class SoftBounce:
    """A soft bounce of one copy: when, and of which edition, if of any."""

    at: datetime
    edition_id: int | None


@dataclass(frozen=True)
class TakenCopy:
    """A copy that the next server took, and whether anything came back of it."""

    at: datetime
    has_bounced: bool


@dataclass(frozen=True)
class History:
    """What is known of a reader, the notice at hand included. `confirmed_at` is the last confirmation of any list."""

    confirmed_at: datetime | None = None
    softs: Sequence[SoftBounce] = ()
    delivered: Sequence[datetime] = ()
    taken: Sequence[TakenCopy] = ()


def decide(kind: NoticeKind, at: datetime, history: History, rules: FeedbackSettings, now: datetime) -> Consequence:
    """Return what follows from a notice of `kind` that happened `at`.

    What is older than the reader's last confirmation is over: that was pressed in a mail which arrived. A complaint
    never is.
    """
    if kind is NoticeKind.COMPLAINT:
        return Consequence.COMPLAINED
    if history.confirmed_at is not None and at < history.confirmed_at:
        return Consequence.NOTHING
    if kind is NoticeKind.HARD:
        return Consequence.SUPPRESS_DEAD
    if kind is NoticeKind.LEAVE:
        return Consequence.LEAVE
    if kind is NoticeKind.SOFT and is_failing(history, rules, now):
        return Consequence.SUPPRESS_FAILING
    return Consequence.NOTHING


def is_failing(history: History, rules: FeedbackSettings, now: datetime) -> bool:
    """Return whether soft bounces, one a day at most, have gone on for too many days and editions without a success."""
    since = max((*_successes(history, rules, now), *filter(None, (history.confirmed_at,))), default=None)
    points = [soft for soft in history.softs if since is None or soft.at > since]
    days = {soft.at.astimezone(UTC).date() for soft in points}
    editions = {soft.edition_id for soft in points} - {None}
    if len(days) < rules.soft_points or len(editions) < rules.soft_editions:
        return False
    times = [soft.at for soft in points]
    return max(times) - min(times) >= timedelta(days=rules.soft_days)


def is_spike(*, returned: int, sent: int, rules: FeedbackSettings) -> bool:
    """Return whether so many of one provider's copies came back as dead that the provider is to be doubted first."""
    return returned >= rules.spike_min and returned * 100 > sent * rules.spike_percent


def is_complained_of(*, complaints: int, sent: int, rules: FeedbackSettings) -> bool:
    """Return whether an edition draws too many complaints; a few alone show nothing."""
    return complaints >= rules.complaints_min and complaints * 10_000 > sent * rules.complaints_per_10000


def _successes(history: History, rules: FeedbackSettings, now: datetime) -> Iterable[datetime]:
    quiet_since = now - timedelta(days=rules.quiet_days)
    yield from history.delivered
    yield from (copy.at for copy in history.taken if not copy.has_bounced and copy.at <= quiet_since)
