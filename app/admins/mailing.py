"""A way in that nobody can bar from outside: a one-time link, mailed to an admin who asks for it.

A stranger who keeps guessing at a password makes its owner wait as well, in a browser that is not known yet. Whoever
asks for a link in an admin's name only sends it to that admin: no link ends another, and of five minutes the first
asking counts, so that a link which is still good lies in the mailbox however often a stranger asks. It is a first step,
like a password; a second factor is asked for then.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.admins import throttle
from app.admins.attempts import Attempt, count_attempt
from app.admins.audit import STRANGER, record_audit
from app.admins.models import Admin, AuditAct, AuditResult
from app.admins.signin import LINK_LIFE, add_signin_link, admin_by_email, email_key_of
from app.db import Database, new_public_id
from app.delivery.queue import enqueue
from app.errors import SigninThrottled
from app.links import Links
from app.mail.address import parse_address

#: The kind of its delivery, and its turn: somebody waits for it.
MAILED_LINK = "sign-in-link"
PRIORITY = 1


def mail_signin_link(database: Database, *, email: str, network: str, key: str, links: Links, now: datetime) -> None:
    """Mail an admin a link that lets them in once, good for ten minutes, unless one left within the last five.

    For an address that is no admin's the same is done and thrown away, so that neither the answer nor its time tells
    who is one. `key` hashes the counters. Raises SigninThrottled for a `network` that asks too often.
    """
    with database.reading() as session:
        admin = session.scalar(admin_by_email(email))
    asking = Attempt(AuditAct.LINK_MAILED, STRANGER, admin, [throttle.by_asking_network(network)])
    count_attempt(database, asking, key=key, now=now)
    mailing = Attempt(AuditAct.LINK_MAILED, STRANGER, admin, [throttle.by_mailbox(email_key_of(email))])
    try:
        count_attempt(database, mailing, key=key, now=now)
    except SigninThrottled:
        return  # one is in the mailbox, and good
    with database.transaction() as session:
        _mail(session, admin, links, now)
        result = AuditResult.OK if admin else AuditResult.FAILED
        record_audit(session, actor=STRANGER, act=mailing.act, target=mailing.target, result=result, now=now)


def _mail(session: Session, admin: Admin | None, links: Links, now: datetime) -> None:
    known = admin or session.scalars(select(Admin).order_by(Admin.id).limit(1)).one_or_none()
    if known is None:
        return
    with session.begin_nested() as work:
        reference = new_public_id()
        secret = links.mailed_secret(reference, asked_at=now)
        add_signin_link(session, admin=known, secret=secret, now=now, life=LINK_LIFE)
        enqueue(
            session, kind=MAILED_LINK, language=known.language, now=now, address=parse_address(known.email).ascii,
            reference=reference, priority=PRIORITY,
        )  # fmt: skip
        if admin is None:
            work.rollback()
