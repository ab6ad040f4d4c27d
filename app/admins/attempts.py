"""Trying to show who one is: every try is counted before it is looked at, and the failed ones are in the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.admins import throttle
from app.admins.audit import record_audit, record_refusal
from app.admins.models import Admin, AuditAct, AuditResult
from app.db import Database
from app.errors import SigninThrottled


@dataclass(frozen=True)
class Attempt:
    """A try: who tries, as far as that is known, and whose it is, if anyone's."""

    act: AuditAct
    actor: str
    admin: Admin | None
    counters: Sequence[throttle.Counter]

    @property
    def target(self) -> str | None:
        """What the log says of it; an address that is no admin's leaves no trace but the try."""
        return f"admin:{self.admin.id}" if self.admin else None


def count_attempt(database: Database, attempt: Attempt, *, key: str, now: datetime) -> None:
    """Count a try, or put into the log that it has to wait. Raises SigninThrottled."""
    try:
        with database.transaction() as session:
            throttle.count_attempt(session, counters=attempt.counters, key=key, now=now)
    except SigninThrottled:
        with database.transaction() as session:
            record_refusal(
                session, actor=attempt.actor, act=attempt.act, target=attempt.target,
                result=AuditResult.THROTTLED, now=now,
            )  # fmt: skip
        raise


def record_failure(database: Database, attempt: Attempt, *, now: datetime) -> None:
    """Put into the log that a try failed."""
    with database.transaction() as session:
        record_audit(
            session, actor=attempt.actor, act=attempt.act, target=attempt.target, result=AuditResult.FAILED, now=now
        )
