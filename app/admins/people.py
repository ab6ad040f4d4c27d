"""Who is at the desk: inviting, changing roles, removing. There is always an admin of the highest role left."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.admins.models import Admin, Role
from app.admins.sessions import end_sessions
from app.admins.signin import add_admin, store_signin_link
from app.db import new_public_id
from app.delivery.queue import enqueue
from app.errors import LastAdmin, NotFound, TransitionRefused
from app.links import Links
from app.mail.address import parse_address

#: The kind of its delivery.
INVITATION = "invitation"
INVITATION_LIFE = timedelta(hours=72)


@dataclass(frozen=True)
class Invited:
    """Somebody new at the desk, whom a letter is on its way to."""

    admin_id: int
    email: str


def invite(session: Session, *, email: str, role: Role, language: str, links: Links, now: datetime) -> Invited:
    """Add an admin and send them a link that lets them in once. Raises AddressInvalid, AdminKnown."""
    admin = add_admin(session, email=email, language=language, role=role, now=now)
    return send_invitation(session, admin_id=admin.id, links=links, now=now)


def send_invitation(session: Session, *, admin_id: int, links: Links, now: datetime) -> Invited:
    """Send a link to an admin who has not come in yet; earlier links stop working. Raises TransitionRefused.

    The sender's process makes the link anew from the delivery's reference, so that no table holds what opens the desk.
    """
    admin = find_admin(session, admin_id)
    if admin.password_hash is not None or admin.has_factor:
        raise TransitionRefused("they have a way of their own to come in")
    reference = new_public_id()
    secret = links.invitation_secret(reference, invited_at=now)
    store_signin_link(session, admin=admin, secret=secret, now=now, life=INVITATION_LIFE)
    address = parse_address(admin.email).ascii
    enqueue(
        session, kind=INVITATION, language=admin.language, now=now, address=address, reference=reference, priority=1
    )
    return Invited(admin.id, admin.email)


def change_role(session: Session, *, admin_id: int, role: Role) -> Admin:
    """Give an admin another role, which counts from their next request on. Raises NotFound, LastAdmin."""
    admins = _hold_admins(session)
    admin = find_admin(session, admin_id)
    if role is not Role.ADMIN:
        _refuse_last(admins, admin)
    admin.role = role
    session.flush()
    return admin


def remove_admin(session: Session, *, admin_id: int) -> str:
    """Take an admin from the desk, with sessions and factors, and return the address; what they did stays in the log.

    Raises NotFound, LastAdmin.
    """
    admins = _hold_admins(session)
    admin = find_admin(session, admin_id)
    _refuse_last(admins, admin)
    session.delete(admin)
    session.flush()
    return admin.email


def end_all_sessions(session: Session, *, admin_id: int, now: datetime) -> int:
    """End every session of an admin; return how many that were. Raises NotFound."""
    return end_sessions(session, admin_id=find_admin(session, admin_id).id, kept_secret=None, now=now)


def find_admin(session: Session, admin_id: int) -> Admin:
    """Return an admin. Raises NotFound."""
    admin = session.get(Admin, admin_id)
    if admin is None:
        raise NotFound(f"no admin {admin_id}")
    return admin


def _hold_admins(session: Session) -> set[int]:
    """Return who has the highest role, held until the transaction ends: two must not remove each other at once."""
    held = select(Admin.id).where(Admin.role == Role.ADMIN).order_by(Admin.id).with_for_update()
    return set(session.scalars(held))


def _refuse_last(admins: set[int], admin: Admin) -> None:
    if admins == {admin.id}:
        raise LastAdmin("nobody could let anyone in any more")
