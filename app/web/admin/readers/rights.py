"""Readers' rights, used in a reader's name: access, rectification, erasure, restriction, objection.

Each is recorded in the reader's chain with the admin who did it; an erasure wants the reader's address typed.
"""

from datetime import datetime
from functools import partial
from typing import Protocol

from flask import Response, request, url_for
from sqlalchemy.orm import Session
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as BaseResponse

from app.admins.models import AuditAct, Role
from app.clock import now
from app.digests.coverage import without_gap
from app.digests.schedule import keep_rhythms
from app.errors import AddressInvalid, TransitionRefused
from app.mail.address import parse_address
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.preferences import correct_language
from app.subscriptions.rights.acts import accept_objection, lift_restriction, record_export, restrict
from app.subscriptions.rights.address_change import request_address_change
from app.subscriptions.rights.dossier import gather
from app.subscriptions.rights.erasure import erase_reader
from app.web import attachment, product
from app.web.admin import READER, bp
from app.web.admin.access import freshly, needs, require
from app.web.admin.acts import note_act
from app.web.admin.readers.reader import find_reader, reader_page

RIGHTS = f"{READER}/rights"
REFUSED = 422
#: What `admin/readers/_reader_acts.html` has words for.
EMPTY, INVALID, OFTEN, NOT_TYPED = "empty", "invalid", "often", "typed"


@bp.post(f"{RIGHTS}/export")
@needs(Role.ADMIN)
@freshly
def export_submit(public_id: str) -> Response:
    """Give all that is held of the reader as a file, for an answer by letter."""
    wired = product()
    with wired.database.transaction() as session:
        reader = find_reader(session, public_id)
        record_export(session, subscriber_id=reader.id, actor=require().email, now=now())
        dossier = gather(session, subscriber_id=reader.id, tellers=wired.tellers, now=now())
        note_act(session, AuditAct.READER_EXPORTED, f"reader:{public_id}")
    return attachment(dossier.as_json(wired.config), "reader")


@bp.post(f"{RIGHTS}/address")
@needs(Role.ADMIN)
def reader_address_submit(public_id: str) -> BaseResponse | tuple[str, int]:
    """Correct the address, or have a new one confirmed by its owner."""
    typed = request.form.get("email", "").strip()
    try:
        address = parse_address(typed)
    except AddressInvalid:
        return reader_page(public_id, problem=INVALID if typed else EMPTY), REFUSED
    try:
        with product().database.transaction() as session:
            correction = request_address_change(
                session,
                subscriber_id=find_reader(session, public_id).id,
                address=address,
                method=ConsentMethod.ADMIN,
                actor=require().email,
                now=now(),
            )
            note_act(session, AuditAct.READER_CORRECTED, f"reader:{public_id}", "address")
    except TransitionRefused:
        return reader_page(public_id, problem=OFTEN), REFUSED
    return _back(public_id, f"address-{correction}")


@bp.post(f"{RIGHTS}/language")
@needs(Role.ADMIN)
def reader_language_submit(public_id: str) -> BaseResponse:
    """Send the reader's letters in another language."""
    language = request.form.get("letters_language", "")
    with product().database.transaction() as session:
        reader_id = find_reader(session, public_id).id
        with without_gap(session, reader_id, now()):
            correct_language(session, subscriber_id=reader_id, language=language, actor=require().email, now=now())
        keep_rhythms(session, reader_id, now())
        note_act(session, AuditAct.READER_CORRECTED, f"reader:{public_id}", "language")
    return _back(public_id, "language-corrected")


@bp.post(f"{RIGHTS}/restriction")
@needs(Role.ADMIN)
def reader_restriction_submit(public_id: str) -> BaseResponse:
    """Keep the reader's data and use it no more."""
    return _perform(public_id, restrict, AuditAct.READER_RESTRICTED, "restricted")


@bp.post(f"{RIGHTS}/lifting")
@needs(Role.ADMIN)
def reader_lifting_submit(public_id: str) -> BaseResponse:
    """Use the reader's data again: who asked for the restriction is told before (GDPR art. 18(3))."""
    act = partial(lift_restriction, suppression_key=product().config.suppression_key)
    return _perform(public_id, act, AuditAct.RESTRICTION_LIFTED, "restriction-lifted")


@bp.post(f"{RIGHTS}/objection")
@needs(Role.ADMIN)
def reader_objection_submit(public_id: str) -> BaseResponse:
    """End all of the reader's subscriptions and mail the address no more."""
    act = partial(accept_objection, suppression_key=product().config.suppression_key)
    return _perform(public_id, act, AuditAct.READER_OBJECTED, "objected")


@bp.post(f"{RIGHTS}/erasure")
@needs(Role.ADMIN)
@freshly
def reader_erasure_submit(public_id: str) -> BaseResponse | tuple[str, int]:
    """Erase the reader, if their address was typed as it is."""
    with product().database.transaction() as session:
        reader = find_reader(session, public_id)
        is_meant = request.form.get("email", "").strip().lower() in {reader.email.lower(), reader.email_key}
        if is_meant:
            erase_reader(
                session,
                subscriber_id=reader.id,
                method=ConsentMethod.ADMIN,
                actor=require().email,
                suppression_key=product().config.suppression_key,
                now=now(),
            )
            note_act(session, AuditAct.READER_ERASED, f"reader:{public_id}")
    if not is_meant:
        return reader_page(public_id, problem=NOT_TYPED), REFUSED
    return redirect(url_for("admin.readers", note="erased"), code=303)


class _Act(Protocol):
    """What is done in a reader's name by an admin."""

    def __call__(
        self, session: Session, *, subscriber_id: int, method: ConsentMethod, actor: str | None, now: datetime
    ) -> None: ...


def _perform(public_id: str, act: _Act, done: AuditAct, note: str) -> BaseResponse:
    with product().database.transaction() as session:
        reader_id, actor = find_reader(session, public_id).id, require().email
        act(session, subscriber_id=reader_id, method=ConsentMethod.ADMIN, actor=actor, now=now())
        note_act(session, done, f"reader:{public_id}")
    return _back(public_id, note)


def _back(public_id: str, note: str) -> BaseResponse:
    return redirect(url_for("admin.reader", public_id=public_id, note=note), code=303)
