"""Addresses never to be mailed: found by what is typed, of which only a keyed hash is looked up, closed and lifted."""

from datetime import datetime
from typing import TypedDict

from flask import render_template, request, url_for
from sqlalchemy import select
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.clock import now
from app.errors import AddressInvalid, InputRefused
from app.feedback.reading import count_suppressions, count_unlinked
from app.feedback.spikes import approve_spike, discard_spike, held_spikes
from app.mail.address import Address, parse_address
from app.subscriptions.kinds import SuppressionReason
from app.subscriptions.records import Suppression
from app.subscriptions.suppression import address_hmac, close_address, find_suppression, lift_suppression
from app.web import product
from app.web.admin import bp
from app.web.admin.access import needs, require
from app.web.admin.acts import note_act
from app.web.admin.listing import asked_before, newest_first

#: Hexadecimal digits of a hash by which the list and the log call an address.
HASH_SHOWN = 16


@bp.get("/suppressions")
@needs(Role.ADMIN)
def suppressions() -> str:
    """List what is suppressed, newest first."""
    return _page()


@bp.post("/suppressions/find")
@needs(Role.ADMIN)
def suppression_find_submit() -> str | tuple[str, int]:
    """Say whether an address is suppressed; a POST, so that no address stands in a log of addresses."""
    try:
        address = _asked_address()
    except AddressInvalid:
        return _page(problem="address", typed=request.form.get("address", "")), 422
    return _page(asked=address)


@bp.post("/suppressions")
@needs(Role.ADMIN)
def suppression_submit() -> Response | tuple[str, int]:
    """Never mail an address again."""
    try:
        address = _asked_address()
        with product().database.transaction() as session:
            close_address(session, email_key=address.key, note=_asked_note(), **_by_admin())
            note_act(session, AuditAct.ADDRESS_SUPPRESSED, _hash_of(address))
    except AddressInvalid:
        return _page(problem="add-address", typed=request.form.get("address", "")), 422
    except InputRefused:
        return _page(problem="add-note", typed=request.form.get("address", "")), 422
    return redirect(url_for("admin.suppressions", note="suppressed"), code=303)


@bp.post("/suppressions/lift")
@needs(Role.ADMIN)
def suppression_lift_submit() -> Response | tuple[str, int]:
    """Let the owner of an address subscribe anew. Raises NotFound, TransitionRefused."""
    address = _asked_address()
    try:
        with product().database.transaction() as session:
            lift_suppression(session, email_key=address.key, note=_asked_note(), **_by_admin())
            note_act(session, AuditAct.SUPPRESSION_LIFTED, _hash_of(address))
    except InputRefused:
        return _page(asked=address, problem="note"), 422
    return redirect(url_for("admin.suppressions", note="lifted"), code=303)


@bp.post("/suppressions/spike/apply")
@needs(Role.ADMIN)
def spike_apply_submit() -> Response:
    """Let a provider's held bounces count after all."""
    provider = request.form.get("provider", "")
    with product().database.transaction() as session:
        approve_spike(session, provider=provider)
        note_act(session, AuditAct.SPIKE_APPLIED, f"provider:{provider}")
    return redirect(url_for("admin.suppressions", note="spike-applied"), code=303)


@bp.post("/suppressions/spike/discard")
@needs(Role.ADMIN)
def spike_discard_submit() -> Response:
    """Let them be without consequence."""
    provider = request.form.get("provider", "")
    with product().database.transaction() as session:
        discard_spike(session, provider=provider)
        note_act(session, AuditAct.SPIKE_DISCARDED, f"provider:{provider}")
    return redirect(url_for("admin.suppressions", note="spike-discarded"), code=303)


class _ByAdmin(TypedDict):
    suppression_key: str
    actor: str
    now: datetime


def _by_admin() -> _ByAdmin:
    return {"suppression_key": product().config.suppression_key, "actor": require().email, "now": now()}


def _hash_of(address: Address) -> str:
    """Return what the log calls an address: it outlives the reader's data."""
    return f"address:{address_hmac(product().config.suppression_key, address.key)[:HASH_SHOWN]}"


def _asked_note() -> str:
    return request.form.get("note", "").strip()


def _asked_address() -> Address:
    return parse_address(request.form.get("address", ""))


def _page(*, asked: Address | None = None, problem: str | None = None, typed: str = "") -> str:
    reason = request.args.get("reason", type=SuppressionReason)
    query = select(Suppression)
    key = product().config.suppression_key
    with product().database.reading() as session:
        page = newest_first(
            session,
            query.where(Suppression.reason == reason) if reason else query,
            Suppression.id,
            before=asked_before(),
        )
        found = find_suppression(session, email_key=asked.key, suppression_key=key) if asked else None
        counts, unlinked = count_suppressions(session), count_unlinked(session, now=now())
        spikes = held_spikes(session)
    return render_template(
        "admin/readers/suppressions.html",
        page=page,
        reason=reason,
        reasons=SuppressionReason,
        counts=counts,
        unlinked=unlinked,
        spikes=spikes,
        asked=asked,
        found=found,
        problem=problem,
        typed=typed,
    )
