"""Addresses never to be mailed, kept as keyed hashes only: the key lives outside the database, and so a copy of the
database names nobody (GDPR art. 4(5))."""

import hashlib
import hmac
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.subscriptions.models import Suppression, SuppressionReason

_SUPPRESSED = select(Suppression.id).where(Suppression.address_hmac == bindparam("digest"))


def address_hmac(key: str, email_key: str) -> str:
    """Return the HMAC-SHA-256, in hex, of a normalised address (`Address.key`)."""
    return hmac.new(key.encode(), email_key.encode(), hashlib.sha256).hexdigest()


def is_suppressed(session: Session, *, email_key: str, suppression_key: str) -> bool:
    """Whether the address may not be mailed."""
    return session.scalar(_SUPPRESSED, {"digest": address_hmac(suppression_key, email_key)}) is not None


def suppress(
    session: Session, *, email_key: str, suppression_key: str, reason: SuppressionReason, source: str, now: datetime
) -> Suppression:
    """Never mail the address again; the first reason stands where there is one already. `source` says who found it."""
    digest = address_hmac(suppression_key, email_key)
    found = _suppression(session, digest)
    if found is not None:
        return found
    suppression = Suppression(address_hmac=digest, reason=reason, source=source, created_at=now)
    session.add(suppression)
    session.flush()
    return suppression


def _suppression(session: Session, digest: str) -> Suppression | None:
    return session.scalars(select(Suppression).where(Suppression.address_hmac == digest)).one_or_none()
