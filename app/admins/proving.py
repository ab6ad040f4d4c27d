"""Showing who one is: the second step of a sign-in, and once more before what is not to be done at a desk left open.

What is shown is a `Proof`: it is looked at, and used up where it is good once, in the transaction that it leads to.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from app.admins import passwords, throttle
from app.admins.attempts import Attempt, count_attempt, record_failure
from app.admins.audit import STRANGER, record_audit
from app.admins.models import AdminSession, AuditAct
from app.admins.sessions import SignedIn, awaiting_session, enter_session, hold_session, session_admin
from app.db import Database
from app.errors import SigninRefused


class Method(StrEnum):
    """What somebody showed."""

    PASSWORD = "password"  # noqa: S105 - the name of a method
    AUTHENTICATOR = "authenticator"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery-code"


#: Looks at what was shown for the admin of a session, at a moment; None where it does not hold.
Proof = Callable[[Session, AdminSession, datetime], Method | None]


def by_password(password: str, password_hash: str | None) -> Proof:
    """Return the proof that a password is. Hashing takes tens of milliseconds: it is done here, in no transaction."""
    method = Method.PASSWORD if passwords.is_password(password, password_hash) else None
    return lambda _session, _held, _now: method


def enter(database: Database, *, secret: str, proof: Proof, key: str, now: datetime) -> SignedIn:
    """Let in whoever awaits their second step, in the session of `secret`, by what they show.

    `key` hashes the failure counters, which go by account: who has got this far has the password. Raises
    SigninRefused, SigninThrottled.
    """
    with database.reading() as session:
        found = awaiting_session(session, secret=secret, now=now)
    if found is None:
        raise SigninRefused("no session awaits a second factor")
    attempt = Attempt(AuditAct.SECOND_STEP, STRANGER, found.admin, [throttle.by_second_step(found.admin_id)])
    count_attempt(database, attempt, key=key, now=now)
    with database.transaction() as session:
        held = hold_session(session, found.id)
        method = None if held.proved_at else proof(session, held, now)
        if method is not None:
            throttle.forgive(session, counters=attempt.counters, key=key)
            return enter_session(session, held, detail=method.value, now=now)
    record_failure(database, attempt, now=now)
    raise SigninRefused("this is not the second factor")


def prove_again(database: Database, *, secret: str, proof: Proof, key: str, now: datetime) -> None:
    """Note that whoever sits at the open session of `secret` has shown once more who they are.

    Raises SigninRefused, SigninThrottled.
    """
    with database.reading() as session:
        found = session_admin(session, secret=secret, now=now)
    if found is None:
        raise SigninRefused("the session has ended")
    attempt = Attempt(AuditAct.PROVED_AGAIN, found.admin.email, found.admin, [throttle.by_open_desk(found.admin_id)])
    count_attempt(database, attempt, key=key, now=now)
    with database.transaction() as session:
        held = hold_session(session, found.id)
        method = proof(session, held, now)
        if method is not None:
            throttle.forgive(session, counters=attempt.counters, key=key)
            held.proved_at = now
            record_audit(session, actor=held.admin.email, act=attempt.act, detail=method.value, now=now)
            return
    record_failure(database, attempt, now=now)
    raise SigninRefused("this does not show who you are")
