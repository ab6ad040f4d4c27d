"""Who may sit at the desk: admins, one-time links, passwords. Knows no page and no cookie.

A link or a password is a first step: whoever has a second factor is asked for it then (`proving`).
"""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, CompoundSelect, Select, delete, or_, select, union_all, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.admins import passwords, throttle
from app.admins.attempts import Attempt, count_attempt, record_failure
from app.admins.audit import STRANGER, record_audit, record_refusal
from app.admins.models import Admin, AdminSession, AuditAct, AuditResult, Role, SigninFailures, SigninLink
from app.admins.sessions import SignedIn, end_sessions, open_session, session_is_over, sha256
from app.db import Database
from app.errors import AddressInvalid, AdminKnown, NotFound, SigninRefused
from app.mail.address import parse_address

#: A link that replaces a password is short-lived.
LINK_LIFE = timedelta(minutes=10)


def admin_by_email(email: str) -> Select[Admin]:
    """Select the admin of an address as typed."""
    return select(Admin).where(Admin.email_key == email_key_of(email))


def admins_of(role: Role) -> Select[Admin]:
    """Select the admins of a role, who came first before others."""
    return select(Admin).where(Admin.role == role).order_by(Admin.id)


def awaits_first_admin(session: Session) -> bool:
    """Return whether nobody has chosen a password yet: whoever signs in first is the first admin."""
    return session.scalar(select(Admin.id).where(Admin.password_hash.is_not(None)).limit(1)) is None


def create_admin(session: Session, *, email: str, language: str, role: Role, now: datetime) -> Admin:
    """Return the admin of an address, added with `role` and without a password where there is none.

    Whoever is known keeps their role. Raises AddressInvalid.
    """
    try:
        return add_admin(session, email=email, language=language, role=role, now=now)
    except AdminKnown:
        return session.scalars(admin_by_email(email)).one()


def add_admin(session: Session, *, email: str, language: str, role: Role, now: datetime) -> Admin:
    """Return a new admin without a password; of several added at once with one address one counts.

    Raises AddressInvalid, AdminKnown.
    """
    address = parse_address(email)
    admin = Admin(email=address.display, email_key=address.key, language=language, role=role, created_at=now)
    try:
        with session.begin_nested():
            session.add(admin)
    except IntegrityError as error:
        raise AdminKnown(email) from error
    return admin


def make_signin_link(session: Session, *, admin: Admin, now: datetime, life: timedelta = LINK_LIFE) -> str:
    """Return the secret of a new one-time link for `admin`; unused older ones stop working."""
    secret = secrets.token_urlsafe(32)
    store_signin_link(session, admin=admin, secret=secret, now=now, life=life)
    return secret


def store_signin_link(session: Session, *, admin: Admin, secret: str, now: datetime, life: timedelta) -> None:
    """Let `secret`, of 128 random bits or more, in once as `admin`; unused older links stop working."""
    session.execute(delete(SigninLink).where(SigninLink.admin_id == admin.id))
    add_signin_link(session, admin=admin, secret=secret, now=now, life=life)


def add_signin_link(session: Session, *, admin: Admin, secret: str, now: datetime, life: timedelta) -> None:
    """Let `secret`, of 128 random bits or more, in once as `admin`, beside the links that they have."""
    session.add(SigninLink(admin_id=admin.id, secret_sha256=sha256(secret), expires_at=now + life))
    session.flush()


def admin_of_link(session: Session, *, secret: str, now: datetime) -> Admin | None:
    """Return whom a one-time link would let in, or None."""
    link = select(SigninLink).where(SigninLink.secret_sha256 == sha256(secret), *_link_is_open(now))
    found = session.scalar(link)
    return found.admin if found else None


def use_signin_link(session: Session, *, secret: str, agent: str, now: datetime) -> SignedIn:
    """Use a one-time link up and open a session. Raises SigninRefused when it is unknown, used or too old.

    A link that lets nobody in is for the caller to put into the log: this transaction comes to nothing.
    """
    used = (
        update(SigninLink)
        .where(SigninLink.secret_sha256 == sha256(secret), *_link_is_open(now))
        .values(used_at=now)
        .returning(SigninLink.admin_id)
    )
    admin_id = session.scalar(used)
    if admin_id is None:
        raise SigninRefused("the link is unknown, used or too old")
    return open_session(session, _admin(session, admin_id), act=AuditAct.SIGN_IN_LINK, agent=agent, now=now)


def record_dead_link(session: Session, *, now: datetime) -> None:
    """Put into the log that somebody came with a link that lets nobody in."""
    record_refusal(session, actor=STRANGER, act=AuditAct.SIGN_IN_LINK, result=AuditResult.FAILED, target=None, now=now)


def sign_in(
    database: Database, *, email: str, password: str, network: str, browser: str | None, agent: str, key: str,
    now: datetime,
) -> SignedIn:  # fmt: skip
    """Check a password and open a session.

    `network` is the caller's address block, `browser` the id of an earlier SignedIn, `agent` the browser's name; `key`
    hashes the failure counters.
    Hashing takes tens of milliseconds and so runs outside the two transactions: one that counts the attempt, one that
    opens the session where the password is still that one. Raises SigninRefused, alike for a wrong password and an
    unknown address, and SigninThrottled.
    """
    with database.reading() as session:
        admin = session.scalar(admin_by_email(email))
    counters = _counters(admin, email_key_of(email), network, browser)
    attempt = Attempt(AuditAct.SIGN_IN, STRANGER, admin, counters)
    count_attempt(database, attempt, key=key, now=now)
    if not passwords.is_password(password, admin.password_hash if admin else None):
        record_failure(database, attempt, now=now)
        raise SigninRefused("wrong address or password")
    assert admin is not None
    assert admin.password_hash is not None
    renewed = passwords.hash_password(password) if passwords.is_outdated(admin.password_hash) else admin.password_hash
    with database.transaction() as session:
        throttle.forgive(session, counters=counters, key=key)
        held = _hold_unchanged(session, admin)
        held.password_hash = renewed
        return open_session(session, held, act=AuditAct.SIGN_IN, agent=agent, now=now)


def change_password(
    database: Database, *, admin_id: int, current: str, new: str, secret: str, key: str, now: datetime
) -> None:
    """Set an admin's password and end their other sessions; `secret` is the session that stays.

    Whoever has a password must give it. Raises SigninRefused when it is wrong, SigninThrottled, and PasswordRefused
    before anything is counted: who types a weak new one guesses at nothing.
    """
    counters = [throttle.by_open_desk(admin_id)]
    with database.reading() as session:
        admin = _admin(session, admin_id)
    chosen = passwords.choose_password(admin, new)
    attempt = Attempt(AuditAct.PASSWORD_CHANGED, admin.email, admin, counters)
    count_attempt(database, attempt, key=key, now=now)
    if admin.password_hash is not None and not passwords.is_password(current, admin.password_hash):
        record_failure(database, attempt, now=now)
        raise SigninRefused("the current password is another one")
    with database.transaction() as session:
        throttle.forgive(session, counters=counters, key=key)
        _replace_password(session, _hold_unchanged(session, admin), chosen, kept_secret=secret, now=now)
        record_audit(session, actor=admin.email, act=AuditAct.PASSWORD_CHANGED, target=attempt.target, now=now)


def set_password(session: Session, *, admin: Admin, password: str, kept_secret: str | None, now: datetime) -> None:
    """Set `admin`'s password and end all their sessions but the one of `kept_secret`. Raises PasswordRefused."""
    _replace_password(session, admin, passwords.choose_password(admin, password), kept_secret=kept_secret, now=now)


def forget_password(session: Session, *, admin: Admin, now: datetime) -> None:
    """Take `admin`'s password away and end their sessions: the way back in is a one-time link."""
    _replace_password(session, admin, None, kept_secret=None, now=now)


def purge_signins(session: Session, *, now: datetime) -> int:
    """Delete sessions, links and failure counters that no longer do anything; return how many."""
    ended, spent = delete(AdminSession).where(session_is_over(now)), delete(SigninLink).where(_link_is_spent(now))
    rows = [*session.scalars(ended.returning(AdminSession.id)), *session.scalars(spent.returning(SigninLink.id))]
    return len(rows) + throttle.forget_failures(session, now=now)


def spent_signins(now: datetime) -> CompoundSelect[datetime]:
    """Select since when each row is kept that `purge_signins` deletes."""
    return union_all(
        select(AdminSession.created_at).where(session_is_over(now)),
        select(SigninLink.expires_at).where(_link_is_spent(now)),
        select(SigninFailures.last_at).where(throttle.is_stale(now)),
    )


def _counters(admin: Admin | None, email_key: str, network: str, browser: str | None) -> list[throttle.Counter]:
    """Choose what to count by: a browser that this admin has used before is not made to wait for what strangers do."""
    if admin is not None and browser is not None and browser.partition("-")[0] == str(admin.id):
        return [throttle.by_browser(browser)]
    return [throttle.by_account(email_key), throttle.by_network(network)]


def _admin(session: Session, admin_id: int) -> Admin:
    admin = session.get(Admin, admin_id)
    if admin is None:
        raise NotFound(f"admin {admin_id}")
    return admin


def _hold_unchanged(session: Session, checked: Admin) -> Admin:
    """Return an admin whose password was checked, held until the transaction ends.

    Raises SigninRefused where it was changed meanwhile, or they are gone: its change has ended the sessions there were.
    """
    same = (Admin.id == checked.id, Admin.password_hash.is_not_distinct_from(checked.password_hash))
    held = session.scalar(select(Admin).where(*same).with_for_update(of=Admin))
    if held is None:
        raise SigninRefused("the password was changed meanwhile")
    return held


def _replace_password(
    session: Session, admin: Admin, password_hash: str | None, *, kept_secret: str | None, now: datetime
) -> None:
    """Store a password, or that there is none, and end what the former one opened."""
    admin.password_hash = password_hash
    session.flush()  # holds the row: who signs in with the former password waits, and is refused
    end_sessions(session, admin_id=admin.id, kept_secret=kept_secret, now=now)
    session.execute(delete(SigninLink).where(SigninLink.admin_id == admin.id))


def _link_is_spent(now: datetime) -> ColumnElement[bool]:
    return or_(SigninLink.used_at.is_not(None), SigninLink.expires_at <= now)


def _link_is_open(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return SigninLink.used_at.is_(None), SigninLink.expires_at > now


def email_key_of(email: str) -> str:
    """Return the key that an address would be stored under; what is no address shares one that nobody has."""
    try:
        return parse_address(email).key
    except AddressInvalid:
        return ""
