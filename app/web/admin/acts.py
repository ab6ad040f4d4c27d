"""Acts of the desk: noting them in the audit log, in the transaction that does them, and what a reason answers for."""

from flask import request
from sqlalchemy.orm import Session

from app.admins.audit import record_audit
from app.admins.models import AuditAct
from app.clock import now
from app.web.admin.access import require


def note_act(session: Session, act: AuditAct, target: str, detail: str | None = None) -> None:
    """Add to the log that the admin who is signed in did `act`; the last step of its transaction."""
    record_audit(session, actor=require().email, act=act, target=target, detail=detail, now=now())


def shown_failures() -> list[str]:
    """Return the failures of the gate beside which a reason was written, by name."""
    return request.form.get("failures", "").split()
