"""Texts that come with the product: which are in force, and that the audit log says when another one comes."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.admins.audit import record_audit
from app.admins.models import AuditAct
from app.i18n import LANGUAGES
from app.newsletters.models import Newsletter, WordingPurpose, current_policy, current_wording
from app.newsletters.wordings import audit_name


@contextmanager
def noting_new_texts(session: Session, *, actor: str, now: datetime) -> Iterator[None]:
    """Put each wording and policy that comes into force within the block into the audit log, as done by `actor`."""
    before = _texts_in_force(session)
    yield
    for act, version in sorted(_texts_in_force(session) - before):
        record_audit(session, actor=actor, act=act, target=version, now=now)


def _texts_in_force(session: Session) -> set[tuple[AuditAct, str]]:
    """Return which wordings and which policy hold in each language, each with the act that brings in another one."""
    texts: set[tuple[AuditAct, str]] = set()
    newsletters = session.scalars(select(Newsletter)).all()
    for language in LANGUAGES:
        for newsletter, purpose in itertools.product(newsletters, WordingPurpose):
            for wording in session.scalars(current_wording(newsletter.id, language, purpose)):
                texts.add((AuditAct.WORDING_CHANGED, audit_name(newsletter.slug, wording)))
        for policy in session.scalars(current_policy(language)):
            texts.add((AuditAct.POLICY_CHANGED, f"policy:{language} {policy.version}"))
    return texts
