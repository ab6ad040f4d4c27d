"""Second factors: authenticator apps (RFC 6238) and the codes that stand in for a lost one. Passkeys are next door.

A code of six digits is good for the half minute it is shown in and the ones before and after, and once. A recovery code
has 140 random bits, so a fast hash is enough to keep it.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import ColumnElement, Select, delete, func, select, update
from sqlalchemy.orm import Session

from app.admins.audit import record_audit
from app.admins.models import Admin, AdminSession, AuditAct, Authenticator, Passkey, RecoveryCode
from app.admins.proving import Method, Proof
from app.admins.sessions import end_sessions, hold_admin, sha256
from app.admins.vault import Vault
from app.errors import FactorRefused, TransitionRefused

#: Half minutes by which the clocks of a phone and of the server may differ.
SKEW_STEPS = 1
CODES = 10
#: A code is groups of signs that are not mistaken for one another: 28 of 32 signs.
CODE_GROUPS, GROUP_SIGNS = 7, 4
_SIGNS = "abcdefghjkmnpqrstvwxyz0123456789"
#: What people read for a sign that is none of these.
_LOOKALIKES = str.maketrans("oil", "011")
#: How long the page with the square may stay open.
ENROL_S = 15 * 60


@dataclass(frozen=True)
class Factors:
    """What an admin has beside the password."""

    authenticator: Authenticator | None
    passkeys: list[Passkey]
    codes_left: int

    @property
    def number(self) -> int:
        """How many factors these are; recovery codes only stand in for one."""
        return len(self.passkeys) + (self.authenticator is not None)


@dataclass(frozen=True)
class Offer:
    """A secret that an authenticator may take on: as text, as an address for its camera, and locked for the form."""

    secret: str
    address: str
    token: str


def read_factors(session: Session, admin_id: int) -> Factors:
    """Read the factors of an admin."""
    unused = select(func.count()).select_from(RecoveryCode).where(*_unused(admin_id))
    return Factors(
        authenticator=session.scalar(_authenticator(admin_id)),
        passkeys=list(session.scalars(select(Passkey).where(Passkey.admin_id == admin_id).order_by(Passkey.id))),
        codes_left=session.scalar(unused) or 0,
    )


def offer_authenticator(vault: Vault, *, email: str, issuer: str) -> Offer:
    """Return a new secret of 160 bits for an app (RFC 4226 §4); nothing is stored until a code shows it is there."""
    secret = pyotp.random_base32()
    return _offered(secret, vault.lock(secret).decode(), email, issuer)


def same_offer(vault: Vault, *, token: str, email: str, issuer: str) -> Offer | None:
    """Return the offer of a form that was filled in wrongly, or None where it is too old."""
    secret = vault.unlock(token.encode(), max_age_s=ENROL_S)
    return None if secret is None else _offered(secret, token, email, issuer)


def is_sent_again(had: Factors, *, token: str, vault: Vault) -> bool:
    """Say whether an admin's only factor is the app that `token` offered: its form has come once before."""
    if had.authenticator is None or had.passkeys:
        return False
    offered = vault.unlock(token.encode(), max_age_s=ENROL_S)
    return offered is not None and offered == vault.unlock(had.authenticator.locked_secret)


def add_authenticator(
    session: Session, *, admin: Admin, token: str, code: str, kept_secret: str, vault: Vault, now: datetime
) -> None:
    """Take on the app that shows `code`, and end the admin's other sessions. Raises FactorRefused.

    `token` holds the secret that the page offered.
    """
    secret = vault.unlock(token.encode(), max_age_s=ENROL_S)
    step = _step_of(secret, code, now) if secret else None
    if secret is None or step is None:
        raise FactorRefused("this is not the code of that moment")
    hold_admin(session, admin.id)  # of two clicks at once one waits
    session.execute(delete(Authenticator).where(Authenticator.admin_id == admin.id))
    session.add(Authenticator(admin_id=admin.id, locked_secret=vault.lock(secret), last_step=step, created_at=now))
    note_change(session, admin=admin, act=AuditAct.FACTOR_ADDED, detail="authenticator", kept=kept_secret, now=now)


def remove_authenticator(session: Session, *, admin: Admin, may_be_last: bool, kept_secret: str, now: datetime) -> None:
    """Forget the app. Raises TransitionRefused where it is the only factor and must stay."""
    _refuse_last(session, admin, may_be_last)
    session.execute(delete(Authenticator).where(Authenticator.admin_id == admin.id))
    _drop_idle_codes(session, admin.id)
    note_change(session, admin=admin, act=AuditAct.FACTOR_REMOVED, detail="authenticator", kept=kept_secret, now=now)


def remove_passkey(
    session: Session, *, admin: Admin, passkey_id: int, may_be_last: bool, kept_secret: str, now: datetime
) -> None:
    """Forget a passkey. Raises TransitionRefused where it is the only factor and must stay."""
    _refuse_last(session, admin, may_be_last)
    session.execute(delete(Passkey).where(Passkey.admin_id == admin.id, Passkey.id == passkey_id))
    _drop_idle_codes(session, admin.id)
    note_change(session, admin=admin, act=AuditAct.FACTOR_REMOVED, detail="passkey", kept=kept_secret, now=now)


def make_codes(session: Session, *, admin: Admin, now: datetime) -> list[str]:
    """Return ten new recovery codes, to be shown once; the former ones are no longer good."""
    hold_admin(session, admin.id)  # those of two presses at once would all be good
    codes = ["-".join(_group() for _ in range(CODE_GROUPS)) for _ in range(CODES)]
    session.execute(delete(RecoveryCode).where(RecoveryCode.admin_id == admin.id))
    session.add_all(RecoveryCode(admin_id=admin.id, code_sha256=_code_sha256(code), used_at=None) for code in codes)
    session.flush()
    record_audit(session, actor=admin.email, act=AuditAct.CODES_MADE, target=f"admin:{admin.id}", now=now)
    return codes


def are_unused_codes(session: Session, *, admin_id: int, codes: list[str]) -> bool:
    """Say whether `codes` are those that an admin has just been shown."""
    hashes = [_code_sha256(code) for code in codes]
    known = select(func.count()).where(RecoveryCode.code_sha256.in_(hashes), *_unused(admin_id))
    return len(set(hashes)) == CODES and session.scalar(known) == CODES


def by_code(code: str, vault: Vault) -> Proof:
    """Return the proof that a code is: an authenticator's of this moment, or a recovery code; either is good once."""

    def prove(session: Session, held: AdminSession, now: datetime) -> Method | None:
        if _use_step(session, held.admin_id, code, vault, now):
            return Method.AUTHENTICATOR
        return Method.RECOVERY_CODE if _use_recovery_code(session, held.admin_id, code, now) else None

    return prove


def reset_factors(session: Session, *, admin: Admin, now: datetime) -> int:
    """Take all factors of an admin who lost them away, end their sessions, and return how many factors that were."""
    removed = read_factors(session, admin.id).number
    for table in (Authenticator, Passkey, RecoveryCode):
        session.execute(delete(table).where(table.admin_id == admin.id))
    end_sessions(session, admin_id=admin.id, kept_secret=None, now=now)
    session.flush()
    return removed


def note_change(session: Session, *, admin: Admin, act: AuditAct, detail: str, kept: str, now: datetime) -> None:
    """End the admin's other sessions, since their factors changed, and put the change into the log (ASVS 7.4.3)."""
    hold_admin(session, admin.id)
    end_sessions(session, admin_id=admin.id, kept_secret=kept, now=now)
    session.flush()
    session.expire(admin, ["has_factor"])
    record_audit(session, actor=admin.email, act=act, target=f"admin:{admin.id}", detail=detail, now=now)


def _offered(secret: str, token: str, email: str, issuer: str) -> Offer:
    return Offer(secret, pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer), token)


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the half minute that `code` belongs to, if it is one near `now`."""
    digits = "".join(code.split())
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(digits, for_time=now, valid_window=SKEW_STEPS)
    except OTPVerificationError:
        return None


def _use_step(session: Session, admin_id: int, code: str, vault: Vault, now: datetime) -> bool:
    held = session.scalar(_authenticator(admin_id).with_for_update())
    secret = vault.unlock(held.locked_secret) if held else None
    if held is None or secret is None:
        return False
    step = _step_of(secret, code, now)
    if step is None or step <= held.last_step:
        return False
    held.last_step = step
    return True


def _use_recovery_code(session: Session, admin_id: int, code: str, now: datetime) -> bool:
    used = update(RecoveryCode).where(RecoveryCode.code_sha256 == _code_sha256(code), *_unused(admin_id))
    return session.scalar(used.values(used_at=now).returning(RecoveryCode.id)) is not None


def _refuse_last(session: Session, admin: Admin, may_be_last: bool) -> None:
    hold_admin(session, admin.id)
    if not may_be_last and read_factors(session, admin.id).number <= 1:
        raise TransitionRefused("the settings ask for a second factor, and this is the only one")


def _drop_idle_codes(session: Session, admin_id: int) -> None:
    """Recovery codes without a factor stand in for nothing."""
    if read_factors(session, admin_id).number == 0:
        session.execute(delete(RecoveryCode).where(RecoveryCode.admin_id == admin_id))


def _authenticator(admin_id: int) -> Select[Authenticator]:
    return select(Authenticator).where(Authenticator.admin_id == admin_id)


def _unused(admin_id: int) -> tuple[ColumnElement[bool], ...]:
    return RecoveryCode.admin_id == admin_id, RecoveryCode.used_at.is_(None)


def _group() -> str:
    return "".join(secrets.choice(_SIGNS) for _ in range(GROUP_SIGNS))


def _code_sha256(code: str) -> str:
    return sha256("".join(sign for sign in code.lower().translate(_LOOKALIKES) if sign in _SIGNS))
