"""Until when articles were looked through for each reader, so that no change of theirs makes a gap.

Mostly that is the end of their schedule's last window, and their row says nothing. It does where they came from another
rhythm, or were left out when their digest went: then they catch up with the next.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from app.db import items_of
from app.delivery.endings import Settlement
from app.delivery.models import Chunk, Delivery, DeliveryState
from app.digests.circles import Key, has_key, letter_id
from app.editions.audience import are_due, are_of, cancel_edition, leave_behind
from app.editions.lines import FIRST_WINDOW, Compilation, Line, Schedule, are_given_up, end_of_last_window, has_closed
from app.editions.models import UNSENT, Edition, EditionKind, EditionStatus
from app.gate.approvals import end_approval
from app.gate.models import ApprovalState
from app.mail.transport import Outcome, OutcomeKind
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.locking import lock_reader
from app.subscriptions.models import Subscription, subscription_by_public_id

#: Such an edition goes to all readers of its newsletter in its language, and is of the line of those who chose nothing.
_IS_BY_HAND = Edition.schedule_id.is_(None) & (Edition.kind == EditionKind.NUMBER)
#: Keys of one statement.
_KEYS = 200
_UNSYNCHRONIZED = {"synchronize_session": False}


def covered_since(session: Session, subscription: Subscription, now: datetime) -> datetime:
    """Return until when a reader has been looked after: what arrived since is still to come to them.

    A digest that is a draft, or waits to leave, has reached nobody yet, and what one was to carry that was given up
    comes with the next: who chooses another rhythm meanwhile would miss it.
    """
    if subscription.covered_until is not None:
        return subscription.covered_until
    line = _line(subscription)
    last_end = end_of_last_window(session, line, but=(EditionStatus.CANCELLED, *UNSENT))
    if last_end is None:
        return now - FIRST_WINDOW
    given_up = select(sa.func.min(Edition.since)).where(are_given_up(line, since=last_end, until=now))
    return min(last_end, session.scalar(given_up) or last_end)


@contextmanager
def without_gap(session: Session, subscriber_id: int, now: datetime) -> Iterator[None]:
    """Hold a reader; whatever line they are of after the block, what came since they were last looked after comes.

    Where nobody has looked through that line yet, its first window may begin later than that.
    """
    lock_reader(session, subscriber_id)
    theirs = select(Subscription).where(
        Subscription.subscriber_id == subscriber_id, Subscription.status == SubscriptionStatus.CONFIRMED
    )
    subscriptions = session.scalars(theirs.execution_options(populate_existing=True)).all()
    before = [covered_since(session, subscription, now) for subscription in subscriptions]
    yield
    for subscription, since in zip(subscriptions, before, strict=True):
        if (
            covered_since(session, subscription, now) > since
            or end_of_last_window(session, _line(subscription)) is None
        ):
            subscription.covered_until = since
    session.flush()


@contextmanager
def making_up(session: Session, public_id: str, now: datetime) -> Iterator[None]:
    """Let whoever takes a departure back within the block get with their next digest what it kept from them."""
    mine = subscription_by_public_id(public_id)
    left_at = session.scalar(mine.with_only_columns(Subscription.unsubscribed_at))
    yield
    if left_at is None:
        return
    subscription = session.scalars(mine).one()
    is_mine = Delivery.subscriber_id == subscription.subscriber_id
    is_mine &= Chunk.newsletter_id == subscription.newsletter_id
    _catch_up(session, is_mine & (Delivery.state == DeliveryState.CANCELLED) & (Delivery.settled_at >= left_at))
    session.refresh(subscription)
    line = _line(subscription)
    closed = select(Compilation.edition_id).where(line.holds(Compilation), Compilation.closes)
    gone = select(sa.func.min(Edition.since)).where(line.holds(Edition), Edition.id.in_(closed))
    since = session.scalar(gone.where(Edition.started_at >= left_at, Edition.started_at <= now))
    if since is not None:
        subscription.covered_until = min(since, subscription.covered_until or since)
    session.flush()


def settle_coverage(
    session: Session, line: Line, keys: Iterable[Key], *, since: datetime, until: datetime, now: datetime
) -> None:
    """Note who has been looked after with a digest from `since` to `until`, given the `keys` that it was planned for.

    Whoever had their own time no longer has, save where a later window of the line did not reach them: a digest that
    was held back may leave behind the one that follows it. Whoever is left out, because they pause or chose anew this
    moment, gets the window's beginning.
    """
    keys = list(keys)
    planned = {key.profile_id for key in keys if key.covered_until is None}
    profile = Subscription.__table__.c.profile_id
    named = select(items_of("planned", profile.type)).params(planned=json.dumps(sorted(filter(None, planned))))
    is_planned = profile.in_(named) | (profile.is_(None) if None in planned else sa.false())
    leave_behind(session, line, are_due(line, now) & is_planned, since=since)
    own_time = until if until < (end_of_last_window(session, line) or until) else None
    theirs = [key for key in keys if key.covered_until and (own_time is None or key.covered_until < own_time)]
    for some in _batches(theirs):
        served = sa.and_(are_due(line, now), sa.or_(*map(has_key, some)))
        session.execute(
            update(Subscription).where(served).values(covered_until=own_time), execution_options=_UNSYNCHRONIZED
        )


def give_back(session: Session, chunk_ids: Sequence[int], now: datetime) -> None:
    """Let readers whose copies of editions or flashes expired just now catch up with the next digest."""
    lost = Delivery.chunk_id.in_(chunk_ids) & (Delivery.state == DeliveryState.EXPIRED)
    _catch_up(session, lost & (Delivery.settled_at == now))


def give_back_put_off(session: Session, settlements: Sequence[Settlement], now: datetime) -> None:
    """As `give_back`, in the transaction that settles copies: those whose next try would come too late expired too."""
    put_off = [
        copy.id
        for copy, ending in settlements
        if isinstance(ending, Outcome) and ending.kind is OutcomeKind.DEFERRED and copy.chunk.edition_id is not None
    ]
    if put_off:
        lost = Delivery.id.in_(put_off) & (Delivery.state == DeliveryState.EXPIRED)
        _catch_up(session, lost & (Delivery.settled_at == now))


def call_off(session: Session, *, edition_id: int, actor: str, now: datetime) -> int:
    """Cancel an edition as `cancel_edition` does, and withdraw its approval.

    Whoever caught up with it does so with the next digest.
    """
    cancelled = cancel_edition(session, edition_id=edition_id, actor=actor, now=now)
    end_approval(session, edition_id, ApprovalState.STOPPED)
    edition = session.get_one(Edition, edition_id)
    lost = (Delivery.state == DeliveryState.CANCELLED) & (Delivery.settled_at == now) & (Chunk.edition_id == edition_id)
    if edition.status is EditionStatus.CANCELLED:
        lost &= Edition.since != edition.since  # for all others, its window is one that nobody looked through
        _reopen(session, edition)
    _catch_up(session, lost)
    return cancelled


def _line(subscription: Subscription) -> Line:
    return Line(subscription.newsletter_id, subscription.language, subscription.rhythm_id)


def _reopen(session: Session, edition: Edition) -> None:
    """Let the readers who chose or paused catch up with a window that later ones of its line have left behind.

    For all others the articles that it was to carry are new once more (`app.editions.compile`).
    """
    line = Line.of(session, edition)
    if not has_closed(session, edition) or edition.since >= (end_of_last_window(session, line) or edition.since):
        return
    later = select(Compilation.since).where(line.holds(Compilation), Compilation.closes)
    followed = sa.and_(Subscription.covered_until.is_(None), Subscription.profile_id.is_not(None))
    left_out = Subscription.covered_until.in_(later.where(Compilation.since > edition.since))
    behind = update(Subscription).where(
        are_of(line), Subscription.status == SubscriptionStatus.CONFIRMED, followed | left_out
    )
    session.execute(behind.values(covered_until=edition.since), execution_options=_UNSYNCHRONIZED)


def _catch_up(session: Session, lost: ColumnElement[bool]) -> None:
    """Let the readers of the copies that were `lost` be looked after from the beginning of those letters' windows.

    An erratum is for those who had its article: whoever did not get it lacks no story.
    """
    letters = (
        select(Delivery.subscriber_id)
        .join_from(Delivery, Chunk, Chunk.id == Delivery.chunk_id)
        .join(Edition, Edition.id == letter_id())
        .where(lost, Edition.kind != EditionKind.ERRATUM)
    )
    of_letter = (Edition.newsletter_id, Edition.language, Edition.since, _IS_BY_HAND)
    for newsletter_id, language, since, is_by_hand in session.execute(letters.with_only_columns(*of_letter).distinct()):
        is_one = (Edition.newsletter_id == newsletter_id) & (Edition.language == language) & (Edition.since == since)
        line = Line(newsletter_id, language)
        # What its line carries comes to those alone who have a time of their own, be it that of all others.
        begin = min(since, end_of_last_window(session, line) or since) if is_by_hand else since
        are_past = sa.or_(
            Subscription.covered_until > begin,
            Subscription.covered_until.is_(None) & _have_looked_on(session, newsletter_id, begin),
        )
        behind = update(Subscription).where(
            Subscription.newsletter_id == newsletter_id,
            Subscription.subscriber_id.in_(letters.where(is_one)),
            are_past,
        )
        session.execute(behind.values(covered_until=begin), execution_options=_UNSYNCHRONIZED)


def _have_looked_on(session: Session, newsletter_id: int, since: datetime) -> ColumnElement[bool]:
    """Return the condition that a newsletter's subscription is of a line that has been looked through up to `since`."""
    query = (
        select(Compilation.language, Schedule.rhythm_id)
        .join(Edition, Edition.id == Compilation.edition_id)
        .outerjoin(Schedule, Schedule.id == Compilation.schedule_id)
        .where(Compilation.newsletter_id == newsletter_id, Compilation.closes, Compilation.until >= since)
        .where(Edition.status != EditionStatus.CANCELLED)
        .distinct()
    )
    rhythms = defaultdict[str, set[int | None]](set)
    for language, rhythm_id in session.execute(query):
        rhythms[language].add(rhythm_id)
    rhythm = Subscription.rhythm_id
    return sa.or_(
        sa.false(),
        *(
            (Subscription.language == language)
            & (rhythm.in_(ids - {None}) | (rhythm.is_(None) & sa.literal(None in ids)))
            for language, ids in rhythms.items()
        ),
    )


def _batches(keys: Sequence[Key]) -> Iterable[Sequence[Key]]:
    return (keys[start : start + _KEYS] for start in range(0, len(keys), _KEYS))
