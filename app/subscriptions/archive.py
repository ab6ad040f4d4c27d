"""What becomes of a reader who left: the address goes, the proof stays in an archive for its time, then hashes of it.

Every function takes a batch: its caller calls again until nothing is left (GDPR art. 5(1)(e)).
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from app.db import items_of
from app.subscriptions.departures.models import ConsentArchive
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.ledger import prune_chain
from app.subscriptions.locking import lock_reader
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import ConsentEvent, ConsentStub, Suppression
from app.subscriptions.rights.erasure import delete_reader
from app.subscriptions.rights.log import is_left_alone
from app.subscriptions.suppression import address_hmac, find_suppression

#: Readers, or chains, of one call.
BATCH = 200
#: Stubs of one call.
STUBS = 5_000
#: Withheld subscriptions whose addresses are hashed together.
WITHHELD = 2_000

_OTHER = aliased(Subscription)
#: Literally, as the partial indexes say it: bound parameters would keep SQLite from using them.
_HAS_LEFT = sa.text("subscriptions.status = 'unsubscribed'")
_WAS_ERASED = sa.text("consent_events.kind = 'erased'")
_IS_WITHHELD = sa.text("subscriptions.is_withheld")
_DIGEST = items_of("digests", ConsentArchive.__table__.c.address_hmac.type)
_READ_NEWSLETTER = select(ConsentEvent.id).where(
    ConsentEvent.chain_id == ConsentArchive.chain_id, ConsentEvent.newsletter_id == sa.bindparam("newsletter")
)
#: Digest by digest, as an import looks for readers.
_LEFT_AT = (
    select(sa.func.max(ConsentArchive.left_at))
    .where(ConsentArchive.address_hmac == _DIGEST, _READ_NEWSLETTER.exists())
    .correlate_except(ConsentArchive)
    .scalar_subquery()
)
_LEFT_AMONG = select(_DIGEST, _LEFT_AT).where(_LEFT_AT.is_not(None))


def left_before(before: datetime) -> sa.Select[int, datetime | None]:
    """Select the readers whose every subscription ended before `before`, and when each did.

    Whom the clocks leave alone stays.
    """
    has_other = select(_OTHER.id).where(
        _OTHER.subscriber_id == Subscription.subscriber_id,
        sa.or_(_OTHER.status != SubscriptionStatus.UNSUBSCRIBED, _OTHER.unsubscribed_at >= before),
    )
    return (
        select(Subscription.subscriber_id, Subscription.unsubscribed_at)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(_HAS_LEFT, Subscription.unsubscribed_at < before, ~is_left_alone())
        .where(~has_other.exists())
    )


def archive_left(session: Session, *, before: datetime, suppression_key: str, now: datetime) -> int:
    """Delete a batch of the readers who left before `before`, archive their proofs, and return how many they were."""
    due = left_before(before).order_by(Subscription.unsubscribed_at, Subscription.id).limit(BATCH)
    archived = 0
    for subscriber_id in sorted(set(session.execute(due).scalars())):  # the order of an import
        subscriber = lock_reader(session, subscriber_id)
        left = session.execute(left_before(before).where(Subscription.subscriber_id == subscriber_id))
        left_at = max((at for _, at in left if at is not None), default=None)
        if subscriber is None or left_at is None:
            continue  # came back, or went, while we waited for the row
        archive_reader(session, subscriber, left_at=left_at, suppression_key=suppression_key, now=now)
        archived += 1
    return archived


def archive_suppressed(session: Session, *, before: datetime, suppression_key: str, now: datetime) -> int:
    """As `archive_left`, for a batch of the readers whose address was suppressed before `before`."""
    archived = 0
    for subscriber_id, _ in suppressed_before(session, before, suppression_key)[:BATCH]:
        subscriber = lock_reader(session, subscriber_id)
        left_at = _suppressed_at(session, subscriber, suppression_key) if subscriber is not None else None
        if subscriber is None or left_at is None or left_at >= before:
            continue  # confirmed anew, asked to, or went, while we waited for the row
        archive_reader(session, subscriber, left_at=left_at, suppression_key=suppression_key, now=now)
        archived += 1
    return archived


def suppressed_before(session: Session, before: datetime, suppression_key: str) -> list[tuple[int, datetime]]:
    """Return the readers who are still here though their address was suppressed before `before`, and since when it is.

    Whom the clocks leave alone stays, and so does for a while who has asked to subscribe anew. Addresses have to be
    hashed to be found among the suppressed, those of withheld subscriptions alone; they are few.
    """
    found: dict[int, datetime] = {}
    after = 0
    while rows := _withheld_after(session, after):
        after = rows[-1][0]
        by_digest = {address_hmac(suppression_key, email_key): reader for _, reader, email_key in rows}
        suppressed = select(Suppression.address_hmac, Suppression.created_at).where(
            Suppression.address_hmac.in_(by_digest), Suppression.created_at < before
        )
        found |= {by_digest[digest]: at for digest, at in session.execute(suppressed)}
    return sorted(found.items())


def archive_reader(
    session: Session, subscriber: Subscriber, *, left_at: datetime, suppression_key: str, now: datetime
) -> None:
    """Delete a reader whose row is held; from now on only the keyed hash of the address leads to their chain."""
    session.flush()
    session.add(
        ConsentArchive(
            chain_id=subscriber.chain_id,
            address_hmac=address_hmac(suppression_key, subscriber.email_key),
            left_at=left_at,
            archived_at=now,
        )
    )
    delete_reader(session, subscriber)
    session.flush()


def left_among(
    session: Session, email_keys: Collection[str], *, newsletter_id: int, suppression_key: str
) -> dict[str, datetime]:
    """Return those of the normalised addresses whose readers left, were archived and once knew the newsletter.

    And when the last of them did.
    """
    by_digest = {address_hmac(suppression_key, email_key): email_key for email_key in email_keys}
    asked = {"digests": json.dumps(list(by_digest)), "newsletter": newsletter_id}
    return {by_digest[digest]: left_at for digest, left_at in session.connection().execute(_LEFT_AMONG, asked)}


def archived_before(before: datetime) -> sa.Select[str, datetime]:
    """Select the archived chains of readers who left before `before`, and when they did."""
    return select(ConsentArchive.chain_id, ConsentArchive.left_at).where(ConsentArchive.left_at < before)


def erased_before(before: datetime) -> sa.Select[str, datetime]:
    """Select the chains of readers who were erased before `before`, and when that was."""
    return select(ConsentEvent.chain_id, ConsentEvent.at).where(_WAS_ERASED, ConsentEvent.at < before)


def prune_archived(session: Session, *, before: datetime, now: datetime) -> int:
    """Keep only hashes of a batch of the proofs of readers who left before `before`; return how many there were."""
    due = archived_before(before).order_by(ConsentArchive.left_at, ConsentArchive.chain_id).limit(BATCH)
    chains = session.execute(due).scalars().all()
    _prune(session, chains, now)
    session.execute(sa.delete(ConsentArchive).where(ConsentArchive.chain_id.in_(chains)))
    return len(chains)


def prune_erased(session: Session, *, before: datetime, now: datetime) -> int:
    """Keep only hashes of a batch of the chains of readers erased before `before`; return how many there were."""
    due = erased_before(before).order_by(ConsentEvent.at, ConsentEvent.id).limit(BATCH)
    chains = session.execute(due).scalars().all()
    _prune(session, chains, now)
    return len(chains)


def stubs_before(before: datetime) -> sa.Select[str, int, datetime]:
    """Select the stubs of chains pruned before `before`, and when they were."""
    return select(ConsentStub.chain_id, ConsentStub.seq, ConsentStub.pruned_at).where(ConsentStub.pruned_at < before)


def drop_stubs(session: Session, *, before: datetime) -> int:
    """Delete a batch of the stubs that were pruned before `before`; return how many there were."""
    due = stubs_before(before).order_by(ConsentStub.pruned_at).limit(STUBS)
    keys = [(chain_id, seq) for chain_id, seq, _ in session.execute(due)]
    if keys:
        stub = sa.tuple_(ConsentStub.chain_id, ConsentStub.seq)
        session.execute(sa.delete(ConsentStub).where(stub.in_(keys)), execution_options={"synchronize_session": False})
    return len(keys)


def _prune(session: Session, chains: Sequence[str], now: datetime) -> None:
    for chain_id in chains:
        prune_chain(session, chain_id, now=now)


def _suppressed_at(session: Session, subscriber: Subscriber, suppression_key: str) -> datetime | None:
    """Return since when a held reader's address is suppressed; None where they may come back, or must stay."""
    suppression = find_suppression(session, email_key=subscriber.email_key, suppression_key=suppression_key)
    stays = session.scalar(select(sa.or_(_has_asked(), is_left_alone())).where(Subscriber.id == subscriber.id))
    return None if suppression is None or stays else suppression.created_at


def _has_asked() -> sa.ColumnElement[bool]:
    """Return the condition that a reader has a request of theirs to confirm."""
    is_theirs = _OTHER.subscriber_id == Subscriber.id
    return select(_OTHER.id).where(is_theirs, _OTHER.status == SubscriptionStatus.PENDING).exists()


def _withheld_after(session: Session, after: int) -> list[tuple[int, int, str]]:
    rows = session.execute(
        select(Subscription.id, Subscription.subscriber_id, Subscriber.email_key)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(_IS_WITHHELD, Subscription.id > after, ~is_left_alone(), ~_has_asked())
        .order_by(Subscription.id)
        .limit(WITHHELD)
    )
    return [(key, reader, email_key) for key, reader, email_key in rows]
