"""Working on the imports that admins began: by the scheduler in the background, or by a command that waits for it."""

import secrets

from sqlalchemy.orm import Session

from app.admins.audit import record_audit
from app.admins.models import AuditAct
from app.clock import now
from app.product import Product
from app.subscriptions.newcomers.files import ImportFiles
from app.subscriptions.newcomers.models import Import
from app.subscriptions.newcomers.running import Workshop, due_imports, work_on

#: Seconds after which an import rests until the next tick, so that a process that is to end need not wait for it.
TICK_LIMIT_S = 15.0


def work_on_imports(product: Product) -> None:
    """Go on with all imports that want work, for a while."""
    with product.database.reading() as session:
        import_ids = session.scalars(due_imports()).all()
    for import_id in import_ids:
        work_on(workshop(product), import_id, owner=new_owner(), limit_s=TICK_LIMIT_S)


def workshop(product: Product) -> Workshop:
    """Return what working on imports takes."""
    return Workshop(
        database=product.database,
        files=ImportFiles(product.config.imports_dir),
        suppression_key=product.config.suppression_key,
        max_rows=product.config.imports.max_rows,
        now=now,
        on_done=_record,
    )


def new_owner() -> str:
    """Return the name of one run."""
    return secrets.token_hex(8)


def _record(session: Session, done: Import) -> None:
    told = ", ".join(f"{name} {number}" for name, number in sorted(done.counts.items()))
    target = f"newsletter:{done.newsletter_id}"
    detail = f"import {done.id}: {told or 'nothing'}"
    record_audit(
        session,
        actor=done.actor,
        act=AuditAct.READERS_IMPORTED,
        target=target,
        detail=detail,
        now=done.ended_at or now(),
    )
