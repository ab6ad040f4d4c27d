"""What readers asked for by letter or mail, and the day by which each must be answered."""

from datetime import date
from zoneinfo import ZoneInfo

from flask import render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.clock import now
from app.errors import InputRefused
from app.mail.address import parse_address
from app.subscriptions.models import Subscriber
from app.subscriptions.rights.log import (
    NOTE_MAX,
    REFERENCE_MAX,
    Right,
    RightsRequest,
    answer_request,
    answered_requests,
    extend_request,
    log_request,
    open_requests,
)
from app.web import product
from app.web.admin import bp
from app.web.admin.access import needs, require
from app.web.admin.acts import note_act
from app.web.admin.listing import asked_before, newest_first

REQUEST = f"/readers/requests/<int(max={2**31 - 1}):request_id>"
#: Requests that await an answer, on one page: whoever has more has another problem.
SHOWN_OPEN = 200


@bp.get("/readers/requests")
@needs(Role.ADMIN)
def rights() -> str:
    """List what awaits an answer, the most pressing first, and below it what was answered."""
    return _page()


@bp.post("/readers/requests")
@needs(Role.ADMIN)
def rights_submit() -> Response | tuple[str, int]:
    """Log a request."""
    form = request.form
    kind, received_on = form.get("kind", type=Right), form.get("received_on", type=date.fromisoformat)
    if kind is None or received_on is None:
        return _page(is_refused=True), 422
    try:
        with product().database.transaction() as session:
            log_request(
                session,
                kind=kind,
                reference=_printable(form.get("reference", "")),
                subscriber_id=_reader_id(session, form.get("email", "").strip()),
                received_on=received_on,
                note=_printable(form.get("note", "")),
                actor=require().email,
                today=_today(),
            )
            note_act(session, AuditAct.REQUEST_RECORDED, f"right:{kind.value}")
    except InputRefused:
        return _page(is_refused=True), 422
    return redirect(url_for("admin.rights", note="request"), code=303)


@bp.post(f"{REQUEST}/answer")
@needs(Role.ADMIN)
def answer_submit(request_id: int) -> Response:
    """Note that a request was answered."""
    with product().database.transaction() as session:
        answer_request(session, request_id=request_id, actor=require().email, now=now())
        note_act(session, AuditAct.REQUEST_ANSWERED, f"request:{request_id}")
    return redirect(url_for("admin.rights", note="answered"), code=303)


@bp.post(f"{REQUEST}/extension")
@needs(Role.ADMIN)
def extension_submit(request_id: int) -> Response:
    """Note that the reader was told that it takes two months more."""
    with product().database.transaction() as session:
        extend_request(session, request_id=request_id, actor=require().email, today=_today(), now=now())
        note_act(session, AuditAct.REQUEST_EXTENDED, f"request:{request_id}")
    return redirect(url_for("admin.rights", note="extended"), code=303)


def _reader_id(session: Session, typed: str) -> int | None:
    """Return the reader of an address that was typed, if any; raises InputRefused for one that is no reader's."""
    if not typed:
        return None
    found = session.scalar(select(Subscriber.id).where(Subscriber.email_key == parse_address(typed).key))
    if found is None:
        raise InputRefused("no reader has this address")
    return found


def _printable(text: str) -> str:
    """Return `text` on one line, without what shows nothing; PostgreSQL takes no NUL."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def _today() -> date:
    return now().astimezone(ZoneInfo(product().config.timezone)).date()


def _page(*, is_refused: bool = False) -> str:
    with_reader = joinedload(RightsRequest.subscriber)
    with product().database.reading() as session:
        awaiting = session.scalars(open_requests().options(with_reader).limit(SHOWN_OPEN)).all()
        page = newest_first(session, answered_requests().options(with_reader), RightsRequest.id, before=asked_before())
    return render_template(
        "admin/readers/rights.html",
        awaiting=awaiting,
        page=page,
        kinds=Right,
        is_refused=is_refused,
        form=request.form,
        reference_max=REFERENCE_MAX,
        note_max=NOTE_MAX,
    )
