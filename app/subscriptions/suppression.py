"""Addresses never to be mailed, kept as keyed hashes only: the key lives outside the database, and so a copy of the
database names nobody (GDPR art. 4(5))."""

import hmac
import json
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from app.db import is_among
from app.delivery.queue import cancel_recipient
from app.errors import InputRefused, NotFound, TransitionRefused
from app.i18n import is_line
from app.subscriptions.departures.models import Departure
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SuppressionReason
from app.subscriptions.ledger import Act, record_reader_act
from app.subscriptions.locking import lock_reader
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import NOTE_MAX, Suppression

_SUPPRESSED_AMONG = select(Suppression.address_hmac).where(is_among(Suppression.__table__.c.address_hmac, "digests"))
_SUPPRESSION = select(Suppression).where(Suppression.address_hmac == bindparam("digest"))
#: Past the mappers: it runs with every sign-up, and mostly finds nothing.
_IS_THERE = select(Suppression.__table__.c.id).where(Suppression.__table__.c.address_hmac == bindparam("digest"))


def address_hmac(key: str, email_key: str) -> str:
    """Return the HMAC-SHA-256, in hex, of a normalised address (`Address.key`)."""
    return hmac.digest(key.encode(), email_key.encode(), "sha256").hex()


def find_suppression(session: Session, *, email_key: str, suppression_key: str) -> Suppression | None:
    """Return why the address may not be mailed, or None where it may."""
    return _suppression(session, address_hmac(suppression_key, email_key))


def is_suppressed(session: Session, *, email_key: str, suppression_key: str) -> bool:
    """Whether the address may not be mailed."""
    return find_suppression(session, email_key=email_key, suppression_key=suppression_key) is not None


def suppression_reason(session: Session, *, email_key: str, suppression_key: str) -> SuppressionReason | None:
    """Return why the address may not be mailed, or None where it may."""
    found = find_suppression(session, email_key=email_key, suppression_key=suppression_key)
    return found.reason if found is not None else None


def takes_answers(session: Session, *, email_key: str, suppression_key: str) -> bool:
    """Whether a letter that the address's owner asks for, to use a right of theirs, may go to it.

    A complaint or an objection ends what we send of ourselves, not the right of access (GDPR art. 15). A mailbox that
    does not exist helps nobody.
    """
    reason = suppression_reason(session, email_key=email_key, suppression_key=suppression_key)
    return reason is not SuppressionReason.HARD_BOUNCE


def suppressed_among(session: Session, email_keys: Collection[str], *, suppression_key: str) -> set[str]:
    """Return those of the normalised addresses that may not be mailed."""
    by_digest = {address_hmac(suppression_key, email_key): email_key for email_key in email_keys}
    found = session.scalars(_SUPPRESSED_AMONG, {"digests": json.dumps(list(by_digest))})
    return {by_digest[digest] for digest in found}


def suppress(
    session: Session,
    *,
    email_key: str,
    suppression_key: str,
    reason: SuppressionReason,
    source: str,
    now: datetime,
    note: str | None = None,
) -> bool:
    """Never mail the address again; return whether this reason stands from now on. `source` says who found it.

    A stronger reason replaces a weaker one; one that needs an admin to lift it holds anew where it was lifted before.
    The caller holds the reader's row where the address has one.
    """
    withhold(session, email_key=email_key)
    digest = address_hmac(suppression_key, email_key)
    is_new = suppress_digest(session, digest=digest, reason=reason, source=source, note=note, now=now)
    if is_new or reason is SuppressionReason.ERASED:
        chain_id = session.scalar(select(Subscriber.chain_id).where(Subscriber.email_key == email_key))
        session.add(Departure(chain_id=chain_id, address_hmac=digest, reason=reason, at=now))
        session.flush()
    return is_new


def suppress_digest(
    session: Session,
    *,
    digest: str,
    reason: SuppressionReason,
    source: str,
    now: datetime,
    note: str | None = None,
) -> bool:
    """As `suppress`, for an address of which only the keyed hash is known."""
    found = _suppression(session, digest)
    if found is None:
        found = Suppression(address_hmac=digest)
        session.add(found)
    elif not found.yields_to(reason):
        return False
    found.reason, found.source, found.note, found.created_at = reason, source, note, now
    found.lifted_at = found.lifted_by = None
    session.flush()
    return True


def suppress_reader(
    session: Session,
    subscriber: Subscriber,
    *,
    suppression_key: str,
    reason: SuppressionReason,
    method: ConsentMethod,
    source: str,
    now: datetime,
    actor: str | None = None,
    note: str | None = None,
) -> bool:
    """Never mail this reader again: call off what waits, and put it on record. Return whether that was new.

    The caller holds the reader's row.
    """
    cancel_recipient(session, subscriber_id=subscriber.id, now=now)
    is_new = suppress(
        session, email_key=subscriber.email_key, suppression_key=suppression_key, reason=reason, source=source,
        note=note, now=now,
    )  # fmt: skip
    if is_new:
        record_change(session, subscriber, ConsentKind.SUPPRESSED, method, reason, actor=actor, now=now)
    return is_new


def close_address(
    session: Session, *, email_key: str, suppression_key: str, actor: str, note: str, now: datetime
) -> bool:
    """Never mail an address again because an admin says so; `note` says why. Return whether that was new.

    Raises InputRefused for a note that is none.
    """
    check_note(note)
    subscriber = hold_address(session, email_key)
    reason = SuppressionReason.ADMIN
    if subscriber is None:
        return suppress(
            session, email_key=email_key, suppression_key=suppression_key, reason=reason, source=actor, note=note,
            now=now,
        )  # fmt: skip
    return suppress_reader(
        session, subscriber, suppression_key=suppression_key, reason=reason, method=ConsentMethod.ADMIN, source=actor,
        actor=actor, note=note, now=now,
    )  # fmt: skip


def lift_suppression(
    session: Session, *, email_key: str, suppression_key: str, actor: str, note: str, now: datetime
) -> Suppression:
    """Let the owner of an address subscribe anew after a complaint, or after an admin had closed it; `note` says why.

    The address is not mailed for that: only a fresh confirmation ends the suppression.
    Raises NotFound where the address is not suppressed, TransitionRefused where there is nothing to lift, InputRefused
    for a note that is none.
    """
    check_note(note)
    subscriber = hold_address(session, email_key)
    suppression = find_suppression(session, email_key=email_key, suppression_key=suppression_key)
    if suppression is None:
        raise NotFound("this address is not suppressed")
    if suppression.may_ask:
        raise TransitionRefused("there is nothing to lift: the reader may subscribe anew")
    suppression.lifted_at, suppression.lifted_by, suppression.note = now, actor, note
    session.flush()
    if subscriber is not None:
        reason = suppression.reason
        record_change(session, subscriber, ConsentKind.LIFTED, ConsentMethod.ADMIN, reason, actor=actor, now=now)
    return suppression


def check_note(note: str) -> None:
    """Raise InputRefused unless `note` is a line of text."""
    if not note.strip() or len(note) > NOTE_MAX or not is_line(note):
        raise InputRefused(f"a reason is wanted: one line of at most {NOTE_MAX} characters")


def revive(session: Session, subscriber: Subscriber, *, suppression_key: str, now: datetime) -> None:
    """Mail the address of a reader again who is confirming at this moment; the caller holds the reader's row.

    Raises NotFound after a complaint that no admin has lifted.
    """
    suppression = find_suppression(session, email_key=subscriber.email_key, suppression_key=suppression_key)
    if suppression is None:
        return
    if not suppression.may_ask:
        raise NotFound("this address may not be mailed")
    record_change(session, subscriber, ConsentKind.REVIVED, ConsentMethod.CONFIRM_PAGE, suppression.reason, now=now)
    end_suppression(session, subscriber, suppression)


def end_suppression(session: Session, subscriber: Subscriber, suppression: Suppression) -> None:
    """Mail the address again, for a caller that holds the reader's row and has put on record why.

    A reader whose data may not be used stays withheld (GDPR art. 18).
    """
    session.delete(suppression)
    session.flush()
    if subscriber.restricted_at is None:
        session.execute(
            update(Subscription).where(Subscription.subscriber_id == subscriber.id).values(is_withheld=False)
        )


def withhold(session: Session, *, email_key: str) -> None:
    """Leave the address's subscriptions out of every audience."""
    reader = select(Subscriber.id).where(Subscriber.email_key == email_key).scalar_subquery()
    session.execute(update(Subscription).where(Subscription.subscriber_id == reader).values(is_withheld=True))


def hold_address(session: Session, email_key: str) -> Subscriber | None:
    """Hold the row of an address's reader until the transaction ends, and return it, or None where there is none."""
    subscriber_id = session.scalar(select(Subscriber.id).where(Subscriber.email_key == email_key))
    return None if subscriber_id is None else lock_reader(session, subscriber_id)


def record_change(
    session: Session,
    subscriber: Subscriber,
    kind: ConsentKind,
    method: ConsentMethod,
    reason: SuppressionReason,
    *,
    now: datetime,
    actor: str | None = None,
) -> None:
    """Add to the reader's chain that the suppression for `reason` began, was lifted, or ended."""
    language = select(Subscription.language).where(Subscription.subscriber_id == subscriber.id)
    language = language.order_by(Subscription.id).limit(1)
    act = Act(kind, method, now, session.scalar(language) or "", actor=actor, detail=reason.value)
    record_reader_act(session, subscriber, act)
    session.flush()


def _suppression(session: Session, digest: str) -> Suppression | None:
    session.flush()
    if session.connection().scalar(_IS_THERE, {"digest": digest}) is None:
        return None
    options = {"populate_existing": True}
    return session.scalars(_SUPPRESSION, {"digest": digest}, execution_options=options).one_or_none()
