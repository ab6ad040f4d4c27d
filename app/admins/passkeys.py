"""Passkeys (W3C Web Authentication, level 2) as second factors: what a browser is asked, and what its answer is worth.

A challenge is 32 random bytes, kept on the session that asked and gone with the first answer, right or wrong.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import webauthn
from cryptography.exceptions import UnsupportedAlgorithm
from sqlalchemy import select
from sqlalchemy.orm import Session
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.admins.factors import note_change
from app.admins.models import Admin, AdminSession, AuditAct, Passkey
from app.admins.proving import Method, Proof
from app.admins.sessions import hold_session
from app.errors import FactorRefused
from app.i18n import is_line
from app.settings.environment import is_loopback

CHALLENGE_BYTES = 32
CHALLENGE_LIFE = timedelta(minutes=5)
NAME_MAX = 60
#: What the library raises over an answer that it cannot read: its own errors, and those that base64, JSON, CBOR, COSE
#: and X.509 raise within it.
UNREADABLE = (
    WebAuthnException,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
    UnsupportedAlgorithm,
)
PASSKEYS_MAX = 10


@dataclass(frozen=True)
class Site:
    """Who we are to passkeys: a host name, which they are bound to, and the origin of our pages."""

    host: str
    origin: str
    name: str


def site_of(public_url: str, name: str) -> Site:
    """Return the site of a public URL; passkeys know names only, so this machine is "localhost" to them."""
    parts = urlsplit(public_url)
    host = "localhost" if is_loopback(parts.hostname or "") else parts.hostname or ""
    return Site(host, f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}", name)


def creation_options(session: Session, *, session_id: int, site: Site, now: datetime) -> str:
    """Return, as JSON, what a browser needs to make a passkey for the admin of a session; a new challenge is kept."""
    held = hold_session(session, session_id)
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=site.name,
        user_id=f"admin-{held.admin_id}".encode(),
        user_name=held.admin.email,
        challenge=_new_challenge(held, now),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=_known(session, held.admin_id),
    )
    return webauthn.options_to_json(options)


def request_options(session: Session, *, session_id: int, site: Site, now: datetime) -> str:
    """Return, as JSON, what a browser needs to ask for a passkey of a session's admin; a new challenge is kept."""
    held = hold_session(session, session_id)
    options = webauthn.generate_authentication_options(
        rp_id=site.host, challenge=_new_challenge(held, now), allow_credentials=_known(session, held.admin_id)
    )
    return webauthn.options_to_json(options)


def add_passkey(
    session: Session, *, admin: Admin, challenge: bytes | None, answer: str, name: str, site: Site, kept_secret: str,
    now: datetime,
) -> None:  # fmt: skip
    """Keep the passkey that a browser made for `challenge`; other sessions end. Raises FactorRefused."""
    if challenge is None or len(_known(session, admin.id)) >= PASSKEYS_MAX:
        raise FactorRefused("nothing was asked for, or too long ago, or there are enough passkeys")
    try:
        made = webauthn.verify_registration_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=site.host, expected_origin=site.origin
        )
    except UNREADABLE as error:
        raise FactorRefused("the passkey does not hold") from error
    if session.scalar(select(Passkey.id).where(Passkey.credential_id == made.credential_id)) is not None:
        raise FactorRefused("this passkey is known already")
    session.add(
        Passkey(
            admin_id=admin.id, credential_id=made.credential_id, public_key=made.credential_public_key,
            sign_count=made.sign_count, name=_plain(name), created_at=now, used_at=None,
        )
    )  # fmt: skip
    note_change(session, admin=admin, act=AuditAct.FACTOR_ADDED, detail="passkey", kept=kept_secret, now=now)


def by_passkey(answer: str, site: Site) -> Proof:
    """Return the proof that a passkey's answer to the session's challenge is."""

    def prove(session: Session, held: AdminSession, now: datetime) -> Method | None:
        challenge = take_challenge(held, now)
        passkey = _passkey_of(session, held.admin_id, answer)
        if challenge is None or passkey is None:
            return None
        try:
            shown = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=site.host,
                expected_origin=site.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
            )
        except UNREADABLE:
            return None
        passkey.sign_count, passkey.used_at = shown.new_sign_count, now
        return Method.PASSKEY

    return prove


def take_challenge(held: AdminSession, now: datetime) -> bytes | None:
    """Return the challenge of a session that is held, if it is still good; it is gone then."""
    challenge, until = held.challenge, held.challenge_until
    held.challenge = held.challenge_until = None
    return challenge if until is not None and until > now else None


def _new_challenge(held: AdminSession, now: datetime) -> bytes:
    held.challenge, held.challenge_until = secrets.token_bytes(CHALLENGE_BYTES), now + CHALLENGE_LIFE
    return held.challenge


def _known(session: Session, admin_id: int) -> list[PublicKeyCredentialDescriptor]:
    ids = session.scalars(select(Passkey.credential_id).where(Passkey.admin_id == admin_id).order_by(Passkey.id))
    return [PublicKeyCredentialDescriptor(id=each) for each in ids]


def _passkey_of(session: Session, admin_id: int, answer: str) -> Passkey | None:
    try:
        credential_id = webauthn.helpers.parse_authentication_credential_json(answer).raw_id
    except UNREADABLE:
        return None
    mine = select(Passkey).where(Passkey.admin_id == admin_id, Passkey.credential_id == credential_id)
    return session.scalar(mine.with_for_update())


def _plain(name: str) -> str:
    return "".join(filter(is_line, name.strip()))[:NAME_MAX] or "passkey"
