"""One's own second factors: an authenticator app, passkeys, and the codes that stand in for them."""

import io

import segno
from flask import Response, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as BaseResponse

from app.admins.factors import (
    Factors,
    Offer,
    add_authenticator,
    are_unused_codes,
    is_sent_again,
    make_codes,
    offer_authenticator,
    read_factors,
    remove_authenticator,
    remove_passkey,
    same_offer,
)
from app.admins.models import Admin, AuditAct, Role
from app.admins.passkeys import NAME_MAX, add_passkey, creation_options, take_challenge
from app.admins.sessions import hold_session
from app.clock import now
from app.errors import FactorRefused, InputRefused, TransitionRefused
from app.web import product
from app.web.admin import bp
from app.web.admin.access import current_session, freshly, needs, require, without_factor
from app.web.admin.acts import note_act
from app.web.admin.cookies import session_secret
from app.web.admin.people.site import has_name, site, vault

FACTORS = "/account/factors"
PASSKEY = f"{FACTORS}/passkeys/<int(max={2**31 - 1}):passkey_id>"


@bp.get(FACTORS)
@needs(Role.VIEWER)
@without_factor
def factors() -> str:
    """Show the factors, and offer others."""
    return _page()


@bp.post(f"{FACTORS}/authenticator")
@needs(Role.VIEWER)
@without_factor
@freshly
def authenticator_submit() -> str | tuple[str, int]:
    """Take on the app that shows this code."""
    form = request.form
    token, code = form.get("token", ""), form.get("code", "")
    try:
        with product().database.transaction() as session:
            admin, had = session.get_one(Admin, require().id), read_factors(session, require().id)
            is_again = is_sent_again(had, token=token, vault=vault())  # nobody may have seen the first answer
            add_authenticator(
                session, admin=admin, token=token, code=code, kept_secret=session_secret(), vault=vault(), now=now()
            )
            codes = make_codes(session, admin=admin, now=now()) if is_again else _first_codes(session, admin, had)
    except FactorRefused:
        return _page(problem="code", token=token), 422
    return _done(codes, "authenticator")


@bp.post(f"{FACTORS}/passkeys/challenge")
@needs(Role.VIEWER)
@without_factor
@freshly
def passkey_challenge_submit() -> Response:
    """Give a browser what it needs to make a passkey."""
    with product().database.transaction() as session:
        options = creation_options(session, session_id=current_session().id, site=site(), now=now())
    return Response(options, mimetype="application/json")


@bp.post(f"{FACTORS}/passkeys")
@needs(Role.VIEWER)
@without_factor
@freshly
def passkey_submit() -> str | tuple[str, int]:
    """Keep the passkey that the browser made."""
    with product().database.transaction() as session:
        challenge = take_challenge(hold_session(session, current_session().id), now())
    try:
        with product().database.transaction() as session:
            admin, had = session.get_one(Admin, require().id), read_factors(session, require().id)
            add_passkey(
                session, admin=admin, challenge=challenge, answer=request.form.get("answer", ""),
                name=request.form.get("name", ""), site=site(), kept_secret=session_secret(), now=now(),
            )  # fmt: skip
            codes = _first_codes(session, admin, had)
    except FactorRefused:
        return _page(problem="passkey"), 422
    return _done(codes, "passkey")


@bp.post(f"{FACTORS}/authenticator/removal")
@needs(Role.VIEWER)
@freshly
def authenticator_removal_submit() -> BaseResponse | tuple[str, int]:
    """Forget the app."""
    try:
        with product().database.transaction() as session:
            remove_authenticator(
                session, admin=session.get_one(Admin, require().id), may_be_last=_may_be_last(),
                kept_secret=session_secret(), now=now(),
            )  # fmt: skip
    except TransitionRefused:
        return _page(problem="last"), 409
    return redirect(url_for("admin.factors", note="factor-removed"), code=303)


@bp.post(f"{PASSKEY}/removal")
@needs(Role.VIEWER)
@freshly
def passkey_removal_submit(passkey_id: int) -> BaseResponse | tuple[str, int]:
    """Forget a passkey."""
    try:
        with product().database.transaction() as session:
            remove_passkey(
                session, admin=session.get_one(Admin, require().id), passkey_id=passkey_id,
                may_be_last=_may_be_last(), kept_secret=session_secret(), now=now(),
            )  # fmt: skip
    except TransitionRefused:
        return _page(problem="last"), 409
    return redirect(url_for("admin.factors", note="factor-removed"), code=303)


@bp.post(f"{FACTORS}/codes")
@needs(Role.VIEWER)
@freshly
def codes_submit() -> str | BaseResponse:
    """Make ten new recovery codes and show them, once."""
    if not require().has_factor:
        return redirect(url_for("admin.factors"), code=303)
    with product().database.transaction() as session:
        codes = make_codes(session, admin=session.get_one(Admin, require().id), now=now())
    return render_template("admin/people/codes.html", codes=codes, added=None)


@bp.post(f"{FACTORS}/codes/file")
@needs(Role.VIEWER)
def codes_file_submit() -> Response:
    """Give the codes that have just been shown as a file; whatever else is sent comes back to nobody."""
    codes = request.form.getlist("code")
    with product().database.transaction() as session:
        if not are_unused_codes(session, admin_id=require().id, codes=codes):
            raise InputRefused("these are not the codes that were shown")
        note_act(session, AuditAct.CODES_TAKEN, f"admin:{require().id}")
    headers = {"Content-Disposition": 'attachment; filename="recovery-codes.txt"'}
    return Response("\n".join(codes) + "\n", mimetype="text/plain", headers=headers)


def _first_codes(session: Session, admin: Admin, had: Factors) -> list[str]:
    """Return recovery codes for an admin who has just got their first factor, else none."""
    return [] if had.number and had.codes_left else make_codes(session, admin=admin, now=now())


def _done(codes: list[str], added: str) -> str:
    return render_template("admin/people/codes.html", codes=codes, added=added)


def _may_be_last() -> bool:
    return not product().config.requires_second_factor


def _page(*, problem: str | None = None, token: str = "") -> str:
    admin, issuer = require(), product().config.identity.publication
    with product().database.reading() as session:
        found = read_factors(session, admin.id)
    offer = same_offer(vault(), token=token, email=admin.email, issuer=issuer) if token else None
    offer = offer or offer_authenticator(vault(), email=admin.email, issuer=issuer)
    return render_template(
        "admin/people/factors.html", factors=found, offer=offer, square=_square(offer), problem=problem,
        has_name=has_name(), site=site(), is_required=not _may_be_last(), name_max=NAME_MAX,
    )  # fmt: skip


def _square(offer: Offer) -> Markup:
    """Return the offer's address as a QR code (ISO/IEC 18004): an SVG of plain attributes, which the policy allows."""
    drawn = io.BytesIO()
    segno.make(offer.address, micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=False, scale=4, border=4, dark="#000", light="#fff", omitsize=True
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 - drawn here, of squares
