"""Showing who one is: the second step of a sign-in, and once more at a desk that was left open."""

from collections.abc import Callable

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.admins.factors import by_code, read_factors
from app.admins.models import AdminSession, Role
from app.admins.passkeys import by_passkey, request_options
from app.admins.proving import Proof, by_password, enter, prove_again
from app.admins.sessions import awaiting_session, session_admin
from app.clock import now
from app.errors import SigninRefused, SigninThrottled
from app.web import product
from app.web.admin import bp, cookies
from app.web.admin.access import for_strangers, needs, own_path, require, without_factor
from app.web.admin.cookies import session_secret
from app.web.admin.people.site import has_name, site, vault

Page = str | tuple[str, int] | tuple[str, int, dict[str, str]] | BaseResponse
#: Finds the session of a secret, of those that await a second factor or of the open ones.
Find = Callable[..., AdminSession | None]


@bp.get("/second-step")
@for_strangers
def second_step() -> Page:
    """Ask whoever gave their password, or used a link, for their second factor."""
    found, target = _find(awaiting_session), own_path(request.args.get("next", ""))
    if found is None:
        return redirect(url_for("admin.sign_in", next=target))
    return _second_step(found, target)


@bp.post("/second-step")
@for_strangers
def second_step_submit() -> Page:
    """Let them in, or say that it was not that."""
    found, target = _find(awaiting_session), own_path(request.form.get("next", ""))
    if found is None:
        return redirect(url_for("admin.sign_in", next=target), code=303)
    try:
        key = product().config.secret_keys[-1]
        entered = enter(product().database, secret=session_secret(), proof=_factor_shown(), key=key, now=now())
    except SigninThrottled as refused:
        return _second_step(found, target, wait_s=refused.seconds), 429, {"Retry-After": str(refused.seconds)}
    except SigninRefused:
        return _second_step(found, target, is_refused=True), 403
    return cookies.enter(entered, target)


@bp.post("/second-step/challenge")
@for_strangers
def challenge_submit() -> Response | tuple[str, int]:
    """Give a browser what it needs to ask for a passkey."""
    found = _find(awaiting_session) or _find(session_admin)
    if found is None:
        return "", 403
    with product().database.transaction() as session:
        options = request_options(session, session_id=found.id, site=site(), now=now())
    return Response(options, mimetype="application/json")


@bp.get("/again")
@needs(Role.VIEWER)
@without_factor
def again() -> str:
    """Ask who is there once more."""
    return _again(own_path(request.args.get("next", "")))


@bp.post("/again")
@needs(Role.VIEWER)
@without_factor
def again_submit() -> Page:
    """Take a password, a code or a passkey, and go back to what was meant to be done."""
    target, password = own_path(request.form.get("next", "")), request.form.get("password")
    proof = _factor_shown() if password is None else by_password(password, require().password_hash)
    try:
        key = product().config.secret_keys[-1]
        prove_again(product().database, secret=session_secret(), proof=proof, key=key, now=now())
    except SigninThrottled as refused:
        return _again(target, wait_s=refused.seconds), 429, {"Retry-After": str(refused.seconds)}
    except SigninRefused:
        return _again(target, is_refused=True), 403
    return redirect(target, code=303)


def _factor_shown() -> Proof:
    """Return what the form holds: the answer of a passkey, put there by the page's script, or a code."""
    answer = request.form.get("answer")
    return by_passkey(answer, site()) if answer else by_code(request.form.get("code", ""), vault())


def _find(find: Find) -> AdminSession | None:
    with product().database.reading() as session:
        return find(session, secret=session_secret(), now=now())


def _tried() -> str:
    """Return what was shown, as the words of a refusal name it."""
    return next(
        (way for way, field in (("password", "password"), ("passkey", "answer")) if request.form.get(field)), "code"
    )


def _second_step(found: AdminSession, target: str, *, is_refused: bool = False, wait_s: int = 0) -> str:
    return render_template(
        "admin/people/second_step.html",
        target=target,
        is_refused=is_refused,
        wait_s=wait_s,
        tried=_tried(),
        **_ways(found.admin_id),
    )


def _again(target: str, *, is_refused: bool = False, wait_s: int = 0) -> str:
    return render_template(
        "admin/people/again.html",
        target=target,
        is_refused=is_refused,
        wait_s=wait_s,
        tried=_tried(),
        **_ways(require().id),
    )


def _ways(admin_id: int) -> dict[str, object]:
    """Return which factors an admin could show, and whether a passkey could be shown here."""
    with product().database.reading() as session:
        factors = read_factors(session, admin_id)
    return {"factors": factors, "has_name": has_name(), "site": site()}
