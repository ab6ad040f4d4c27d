"""Addresses never to be mailed, kept as keyed hashes only: the key lives outside the database, and so a copy of the
database names nobody (GDPR art. 4(5))."""

import hmac
import json
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from app.db import is_among
from app.subscriptions.departure_models import Departure
from app.subscriptions.models import Subscriber, Subscription, Suppression, SuppressionReason

_SUPPRESSED_AMONG = select(Suppression.address_hmac).where(is_among(Suppression.__table__.c.address_hmac, "digests"))
_SUPPRESSED = select(Suppression.reason).where(Suppression.address_hmac == bindparam("digest"))


def address_hmac(key: str, email_key: str) -> str:
    """Return the HMAC-SHA-256, in hex, of a normalised address (`Address.key`)."""
    return hmac.digest(key.encode(), email_key.encode(), "sha256").hex()


def is_suppressed(session: Session, *, email_key: str, suppression_key: str) -> bool:
    """Whether the address may not be mailed."""
    return suppression_reason(session, email_key=email_key, suppression_key=suppression_key) is not None


def suppression_reason(session: Session, *, email_key: str, suppression_key: str) -> SuppressionReason | None:
    """Return why the address may not be mailed, or None where it may."""
    return session.scalar(_SUPPRESSED, {"digest": address_hmac(suppression_key, email_key)})


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
    session: Session, *, email_key: str, suppression_key: str, reason: SuppressionReason, source: str, now: datetime
) -> Suppression:
    """Never mail the address again; the first reason stands where there is one already. `source` says who found it.

    The caller holds the reader's row where the address has one.
    """
    withhold(session, email_key=email_key)
    digest = address_hmac(suppression_key, email_key)
    found = _suppression(session, digest)
    if found is None or reason is SuppressionReason.ERASED:
        chain_id = session.scalar(select(Subscriber.chain_id).where(Subscriber.email_key == email_key))
        session.add(Departure(chain_id=chain_id, address_hmac=digest, reason=reason, at=now))
    return found or suppress_digest(session, digest=digest, reason=reason, source=source, now=now)


def suppress_digest(
    session: Session, *, digest: str, reason: SuppressionReason, source: str, now: datetime
) -> Suppression:
    """Never mail the address whose keyed hash is `digest`; the first reason stands where there is one already."""
    found = _suppression(session, digest)
    if found is not None:
        return found
    suppression = Suppression(address_hmac=digest, reason=reason, source=source, created_at=now)
    session.add(suppression)
    session.flush()
    return suppression


def withhold(session: Session, *, email_key: str) -> None:
    """Leave the address's subscriptions out of every audience."""
    reader = select(Subscriber.id).where(Subscriber.email_key == email_key).scalar_subquery()
    session.execute(update(Subscription).where(Subscription.subscriber_id == reader).values(is_withheld=True))


def _suppression(session: Session, digest: str) -> Suppression | None:
    return session.scalars(select(Suppression).where(Suppression.address_hmac == digest)).one_or_none()
