"""Putting what is done on the command line into the audit log, in the transaction that does it."""

import os
import pwd

from sqlalchemy.orm import Session

from app.admins.audit import record_audit
from app.admins.models import AuditAct
from app.clock import now


def note_act(session: Session, act: AuditAct, target: str, detail: str | None = None) -> None:
    """Add to the log that the user of this machine who runs the command did `act`; the last step of its transaction."""
    record_audit(session, actor=system_actor(), act=act, target=target, detail=detail, now=now())


def system_actor() -> str:
    """Return "cli:" and the user whose process this is, or their number: variables like LOGNAME anyone may set."""
    number = os.getuid()
    try:
        return f"cli:{pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"cli:{number}"
