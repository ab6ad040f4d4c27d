"""What is done again to one reader of a restored database, by the same code that did it first."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.queue import cancel_reader
from app.subscriptions.departures.journal import Entry
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus, SuppressionReason
from app.subscriptions.ledger import Act, record_act, record_reader_act
from app.subscriptions.locking import lock_reader
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.rights.acts import lift_restriction, restrict
from app.subscriptions.rights.erasure import erase_reader, forget
from app.subscriptions.suppression import suppress


@dataclass
class Replayed:
    """What a replay came to, or would: lines read, addresses suppressed, readers erased, withheld, unsubscribed, and
    those whose data may not be used, or may again."""

    lines: int = 0
    suppressed: int = 0
    erased: int = 0
    withheld: int = 0
    left: int = 0
    restricted: int = 0

    def add(self, more: "Replayed") -> None:
        """Add what was done to one reader."""
        self.erased += more.erased
        self.withheld += more.withheld
        self.left += more.left
        self.restricted += more.restricted


@dataclass
class Fate:
    """What the lines of a journal say of one reader: why the address is suppressed, whether their data may be used, and
    when they left what.

    `left_at` has the newsletters' ids; None stands for all of them.
    """

    reason: SuppressionReason | None = None
    suppressed_at: datetime | None = None
    is_restricted: bool | None = None
    restriction_at: datetime | None = None
    left_at: dict[int | None, datetime] = field(default_factory=dict)

    @classmethod
    def joined(cls, fates: Iterable["Fate"]) -> "Fate":
        """Return what several say together."""
        whole = cls()
        for fate in fates:
            if fate.reason is not None and fate.suppressed_at is not None:
                whole._suppress(fate.reason, fate.suppressed_at)
            if fate.is_restricted is not None and fate.restriction_at is not None:
                whole._restrict(fate.is_restricted, fate.restriction_at)
            for newsletter_id, at in fate.left_at.items():
                whole._leave(newsletter_id, at)
        return whole

    def add(self, entry: Entry) -> None:
        """Add what one line says."""
        if entry.reason is not None:
            self._suppress(entry.reason, entry.at)
        elif entry.is_restricted is not None:
            self._restrict(entry.is_restricted, entry.at)
        else:
            self._leave(entry.newsletter_id, entry.at)

    def ends(self, subscription: Subscription) -> bool:
        """Whether its reader left after they had last agreed to `subscription`, or asked for it."""
        since = {
            SubscriptionStatus.CONFIRMED: subscription.confirmed_at,
            SubscriptionStatus.PENDING: subscription.requested_at,
            SubscriptionStatus.HELD: subscription.requested_at,
        }.get(subscription.status)
        times = [self.left_at[key] for key in (None, subscription.newsletter_id) if key in self.left_at]
        return since is not None and bool(times) and since < max(times)

    def changes_use(self, subscriber: Subscriber) -> bool:
        """Whether the reader's data may not be used where the database lets it be, or the other way round."""
        return self.is_restricted is not None and self.is_restricted is (subscriber.restricted_at is None)

    def would_do(self, session: Session, subscriber: Subscriber) -> Replayed:
        """Return what `bring_about` would do."""
        if self.reason is SuppressionReason.ERASED:
            return Replayed(erased=1)
        subscriptions = _subscriptions(session, subscriber.id)
        is_withheld = all(subscription.is_withheld for subscription in subscriptions)
        return Replayed(
            withheld=int(self.reason is not None and not is_withheld),
            left=sum(self.ends(subscription) for subscription in subscriptions),
            restricted=int(self.changes_use(subscriber)),
        )

    def _suppress(self, reason: SuppressionReason, at: datetime) -> None:
        """Take a reason in; that of an erasure, which does more, stands against all others."""
        if self.reason is not SuppressionReason.ERASED:
            self.reason, self.suppressed_at = reason, at

    def _restrict(self, is_restricted: bool, at: datetime) -> None:
        if self.restriction_at is None or at >= self.restriction_at:
            self.is_restricted, self.restriction_at = is_restricted, at

    def _leave(self, newsletter_id: int | None, at: datetime) -> None:
        self.left_at[newsletter_id] = max(at, self.left_at.get(newsletter_id, at))


def bring_about(session: Session, subscriber_id: int, fate: Fate, *, suppression_key: str, now: datetime) -> Replayed:
    """Erase, suppress, unsubscribe and restrict one reader as their `fate` says; each is an event of its own in their
    chain."""
    subscriber = lock_reader(session, subscriber_id)
    if subscriber is None:
        return Replayed()
    done = fate.would_do(session, subscriber)
    if fate.reason is SuppressionReason.ERASED:
        erase_reader(
            session,
            subscriber_id=subscriber_id,
            method=ConsentMethod.RESTORE,
            suppression_key=suppression_key,
            now=now,
        )
        return done
    if done.withheld:
        _withhold(session, subscriber, fate, suppression_key, now)
    if done.restricted:
        _change_use(session, subscriber, suppression_key, now)
    for subscription in _subscriptions(session, subscriber_id):
        if fate.ends(subscription):
            _end(session, subscription, now)
    session.flush()
    return done


def _withhold(session: Session, subscriber: Subscriber, fate: Fate, suppression_key: str, now: datetime) -> None:
    assert fate.reason is not None
    suppress(
        session,
        email_key=subscriber.email_key,
        suppression_key=suppression_key,
        reason=fate.reason,
        source=ConsentMethod.RESTORE.value,
        now=now,
    )
    act = Act(ConsentKind.SUPPRESSED, ConsentMethod.RESTORE, now, "", detail=fate.reason.value)
    record_reader_act(session, subscriber, act)


def _change_use(session: Session, subscriber: Subscriber, suppression_key: str, now: datetime) -> None:
    method = ConsentMethod.RESTORE
    if subscriber.restricted_at is None:
        restrict(session, subscriber_id=subscriber.id, method=method, now=now)
    else:
        lift_restriction(session, subscriber_id=subscriber.id, method=method, suppression_key=suppression_key, now=now)


def _end(session: Session, subscription: Subscription, now: datetime) -> None:
    """End one subscription as the reader did before; what was never confirmed is forgotten."""
    cancel_reader(session, subscriber_id=subscription.subscriber_id, newsletter_id=subscription.newsletter_id, now=now)
    if subscription.confirmed_at is None:
        forget(session, subscription, now=now)
        return
    act = Act(ConsentKind.UNSUBSCRIBED, ConsentMethod.RESTORE, now, subscription.language)
    record_act(session, subscription, act)
    subscription.unsubscribe(now)


def _subscriptions(session: Session, subscriber_id: int) -> list[Subscription]:
    query = select(Subscription).where(Subscription.subscriber_id == subscriber_id).order_by(Subscription.id)
    return list(session.scalars(query.execution_options(populate_existing=True)))
