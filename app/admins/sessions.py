"""Sessions of the desk: opened, entered, seen and ended. Knows no page and no cookie.

A session is a row, and its secret, 256 random bits, is stored as SHA-256 only. It ends on the server: by sign-out,
after half an hour without a request, or after twelve hours.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ScalarSelect, Select, Update, or_, select, update
from sqlalchemy.orm import Session

from app.admins.audit import record_audit
from app.admins.models import Admin, AdminSession, AuditAct
from app.errors import SigninRefused

IDLE_LIFE = timedelta(minutes=30)
SESSION_LIFE = timedelta(hours=12)
#: How long the second factor may take.
STEP_LIFE = timedelta(minutes=10)
#: How long showing who one is counts for what is not to be done at a desk left open.
FRESH_FOR = timedelta(minutes=15)
#: `seen_at` is written at most this often: a busy desk is no reason to hold the database's only write lock.
SEEN_EVERY = timedelta(minutes=1)
AGENT_MAX = 60


@dataclass(frozen=True)
class SignedIn:
    """What a browser is given: the session's secret, and an id that shows next time that it has signed in before.

    There is no such id while the second factor is awaited.
    """

    secret: str
    browser: str | None


def open_session(session: Session, admin: Admin, *, act: AuditAct, agent: str, now: datetime) -> SignedIn:
    """Open a session after a first step, `act`; who has a second factor enters with it only."""
    secret = secrets.token_urlsafe(32)
    opened = AdminSession(admin_id=admin.id, secret_sha256=sha256(secret), created_at=now, agent=agent[:AGENT_MAX])
    opened.seen_at, opened.proved_at = now, None if admin.has_factor else now
    session.add(opened)
    if admin.has_factor:
        record_audit(session, actor=admin.email, act=AuditAct.FIRST_STEP, detail=act.value, now=now)
        return SignedIn(secret, None)
    admin.seen_at = now
    record_audit(session, actor=admin.email, act=act, now=now)
    return SignedIn(secret, new_browser_id(admin.id))


def enter_session(session: Session, opened: AdminSession, *, detail: str, now: datetime) -> SignedIn:
    """Let in whoever showed their second factor, under a new secret (OWASP ASVS 7.2.4)."""
    secret = secrets.token_urlsafe(32)
    opened.secret_sha256, opened.proved_at, opened.seen_at, opened.admin.seen_at = sha256(secret), now, now, now
    record_audit(session, actor=opened.admin.email, act=AuditAct.SIGN_IN, detail=detail, now=now)
    return SignedIn(secret, new_browser_id(opened.admin_id))


def session_admin(session: Session, *, secret: str, now: datetime) -> AdminSession | None:
    """Return the live session of `secret`, with its admin, or None."""
    return session.scalar(live_sessions(now).where(AdminSession.secret_sha256 == sha256(secret)))


def awaiting_session(session: Session, *, secret: str, now: datetime) -> AdminSession | None:
    """Return the session of `secret` that awaits its second factor, with its admin, or None."""
    query = select(AdminSession).where(
        AdminSession.secret_sha256 == sha256(secret),
        AdminSession.ended_at.is_(None),
        AdminSession.proved_at.is_(None),
        AdminSession.created_at > now - STEP_LIFE,
    )
    return session.scalar(query)


def hold_session(session: Session, session_id: int) -> AdminSession:
    """Return a session that no other transaction can use meanwhile. Raises SigninRefused where it has gone or ended."""
    admin_id = select(AdminSession.admin_id).where(AdminSession.id == session_id).scalar_subquery()
    hold_admin(session, admin_id)
    held = session.scalar(
        select(AdminSession)
        .where(AdminSession.id == session_id)
        .with_for_update(of=AdminSession)
        .execution_options(populate_existing=True)
    )
    if held is None or held.ended_at is not None:
        raise SigninRefused("the session has ended")
    return held


def hold_admin(session: Session, admin_id: int | ScalarSelect[int]) -> None:
    """Let nobody else open, use or end an admin's sessions, or change how they sign in, until the transaction ends.

    Whoever holds a session holds its admin first: so nobody waits in a circle.
    """
    session.execute(select(Admin.id).where(Admin.id == admin_id).with_for_update())


def live_sessions(now: datetime) -> Select[AdminSession]:
    """Select the sessions that are open to whoever has their secret."""
    return select(AdminSession).where(
        AdminSession.ended_at.is_(None),
        AdminSession.proved_at.is_not(None),
        AdminSession.seen_at > now - IDLE_LIFE,
        AdminSession.created_at > now - SESSION_LIFE,
    )


def sessions_of(admin_id: int, now: datetime) -> Select[AdminSession]:
    """Select the open sessions of one admin, the last used first."""
    return live_sessions(now).where(AdminSession.admin_id == admin_id).order_by(AdminSession.seen_at.desc())


def is_fresh(found: AdminSession, *, now: datetime) -> bool:
    """Say whether whoever sits there showed a short time ago who they are."""
    return found.proved_at is not None and found.proved_at > now - FRESH_FOR


def is_stale(seen: AdminSession, *, now: datetime) -> bool:
    """Say whether it is time to write down that the session is in use."""
    return seen.seen_at <= now - SEEN_EVERY


def see_session(session: Session, *, session_id: int, now: datetime) -> None:
    """Write down that a session is in use: its idle time starts again. The admin's row is held first, as always."""
    admin_id = select(AdminSession.admin_id).where(AdminSession.id == session_id).scalar_subquery()
    session.execute(update(Admin).where(Admin.id == admin_id).values(seen_at=now))
    session.execute(update(AdminSession).where(AdminSession.id == session_id).values(seen_at=now))


def sign_out(session: Session, *, secret: str, now: datetime) -> None:
    """End a session on the server; without effect on one that has ended."""
    ended = _still_open(AdminSession.secret_sha256 == sha256(secret)).values(ended_at=now)
    admin_id = session.scalar(ended.returning(AdminSession.admin_id))
    if admin_id is not None:
        record_audit(session, actor=session.get_one(Admin, admin_id).email, act=AuditAct.SIGN_OUT, now=now)


def end_session(session: Session, *, admin_id: int, session_id: int, now: datetime) -> int:
    """End one session of an admin; return how many that were."""
    return _end(session, AdminSession.admin_id == admin_id, AdminSession.id == session_id, now=now)


def end_sessions(session: Session, *, admin_id: int, kept_secret: str | None, now: datetime) -> int:
    """End all sessions of an admin but the one of `kept_secret`; return how many that were."""
    others = AdminSession.secret_sha256 != sha256(kept_secret or "")
    return _end(session, AdminSession.admin_id == admin_id, others, now=now)


def session_is_over(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a session will never open anything any more."""
    return or_(AdminSession.ended_at.is_not(None), AdminSession.created_at <= now - SESSION_LIFE)


def new_browser_id(admin_id: int) -> str:
    """Return an id for a browser in which an admin has signed in."""
    return f"{admin_id}-{secrets.token_urlsafe(16)}"


def sha256(secret: str) -> str:
    """Return a secret as it is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _end(session: Session, *conditions: ColumnElement[bool], now: datetime) -> int:
    ended = _still_open(*conditions).values(ended_at=now)
    return len(session.scalars(ended.returning(AdminSession.id)).all())


def _still_open(*conditions: ColumnElement[bool]) -> Update:
    return update(AdminSession).where(AdminSession.ended_at.is_(None), *conditions)
