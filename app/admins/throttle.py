"""Slow guessing down: every attempt counts before it is checked, and each further one has to wait longer.

Counting first means that a hundred guesses at once are a hundred failures, not a hundred first tries. Waits end by
themselves and refused attempts do not prolong them; a browser that has signed in before is counted apart, so that a
stranger's guesses do not even delay its owner. Whoever goes on guessing takes each free moment before the owner does,
though, who comes from a new browser: for them there is the link by mail, which no guess delays.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.admins.models import SigninFailures
from app.errors import SigninThrottled

#: A counter that saw nothing for this long starts again.
FORGET_AFTER = timedelta(hours=24)


@dataclass(frozen=True)
class Counter:
    """What failures are counted by: `free` of them cost nothing, waits grow from `first_s` to `longest_s` seconds."""

    name: str
    free: int
    longest_s: int
    first_s: int = 1

    def wait_s(self, failures: int) -> int:
        """Return the seconds to wait after so many failures: nothing, then the first wait, twice that, …"""
        if failures <= self.free:
            return 0
        return min(self.first_s << min(failures - self.free - 1, 30), self.longest_s)


def by_account(email_key: str) -> Counter:
    """Count by account, whoever tries."""
    return Counter(f"account:{email_key}", free=5, longest_s=60)


def by_network(network: str) -> Counter:
    """Count by network, whatever account is tried; many people may share one, so it is more patient."""
    return Counter(f"network:{network}", free=20, longest_s=900)


def by_browser(browser: str) -> Counter:
    """Count by a browser that has signed in before."""
    return Counter(f"browser:{browser}", free=5, longest_s=300)


def by_mailbox(email_key: str) -> Counter:
    """Count links by mail by account, whoever asks: one in five minutes, and the one before is good for longer."""
    return Counter(f"mailbox:{email_key}", free=0, longest_s=300, first_s=300)


def by_asking_network(network: str) -> Counter:
    """Count who asks for links by mail by network, whatever address they name."""
    return Counter(f"asking:{network}", free=5, longest_s=900)


def by_open_desk(admin_id: int) -> Counter:
    """Count guesses by someone who sits at an open desk, at its admin's password or factors."""
    return Counter(f"change:{admin_id}", free=5, longest_s=300)


def by_second_step(admin_id: int) -> Counter:
    """Count guesses at a second factor by whoever has the password: six digits have to last."""
    return Counter(f"second-step:{admin_id}", free=5, longest_s=900)


def count_attempt(session: Session, *, counters: Sequence[Counter], key: str, now: datetime) -> None:
    """Count an attempt against every counter, as failed until `forgive`. Raises SigninThrottled while one must wait."""
    rows = [(counter, _row(session, _hmac(counter, key), now)) for counter in counters]
    wait_s = max((_remaining_s(row, now) for _, row in rows), default=0)
    if wait_s > 0:
        raise SigninThrottled(wait_s)
    for counter, row in rows:
        row.failures += 1
        row.last_at = now
        row.blocked_until = now + timedelta(seconds=counter.wait_s(row.failures))
    session.flush()


def forgive(session: Session, *, counters: Sequence[Counter], key: str) -> None:
    """Forget the failures of `counters`: the attempt held."""
    names = [_hmac(counter, key) for counter in counters]
    session.execute(delete(SigninFailures).where(SigninFailures.key_hmac.in_(names)))


def forget_failures(session: Session, *, now: datetime) -> int:
    """Delete counters that saw nothing for a day; return how many."""
    stale = delete(SigninFailures).where(is_stale(now))
    return len(session.scalars(stale.returning(SigninFailures.key_hmac)).all())


def is_stale(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a counter saw nothing for a day."""
    return SigninFailures.last_at < now - FORGET_AFTER


def _row(session: Session, key_hmac: str, now: datetime) -> SigninFailures:
    query = select(SigninFailures).where(SigninFailures.key_hmac == key_hmac).with_for_update()
    row = session.scalar(query) or _new_row(session, key_hmac, now) or session.scalars(query).one()
    if row.last_at < now - FORGET_AFTER:
        row.failures = 0
    return row


def _new_row(session: Session, key_hmac: str, now: datetime) -> SigninFailures | None:
    """Add a counter, or return None where another process has just added the same one."""
    try:
        with session.begin_nested():
            row = SigninFailures(key_hmac=key_hmac, failures=0, last_at=now, blocked_until=None)
            session.add(row)
    except IntegrityError:
        return None
    return row


def _remaining_s(row: SigninFailures, now: datetime) -> int:
    if row.blocked_until is None or row.blocked_until <= now:
        return 0
    return -(-int((row.blocked_until - now).total_seconds() * 1000) // 1000)


def _hmac(counter: Counter, key: str) -> str:
    """Return the stored name of `counter`: addresses and networks are personal data and not kept readable."""
    return hmac.new(key.encode(), f"sign-in throttle\0{counter.name}".encode(), hashlib.sha256).hexdigest()
