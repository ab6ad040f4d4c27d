"""Coming in, by password or by a one-time link, and going out."""

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.admins import signin
from app.admins.mailing import mail_signin_link
from app.admins.models import Role
from app.admins.sessions import SignedIn
from app.clock import now
from app.errors import SigninRefused, SigninThrottled
from app.web import product
from app.web.admin import bp
from app.web.admin.access import current_admin, for_strangers, needs, own_path, without_factor
from app.web.admin.cookies import enter, known_browser, leave
from app.web.admin.people.agents import agent
from app.web.network import network

Page = str | tuple[str, int] | tuple[str, int, dict[str, str]] | Response


@bp.get("/sign-in")
@for_strangers
def sign_in() -> Page:
    """Ask for address and password."""
    target = own_path(request.args.get("next", ""))
    return redirect(target) if current_admin() else render_template("admin/people/sign_in.html", target=target)


@bp.post("/sign-in")
@for_strangers
def sign_in_submit() -> Page:
    """Open a session, or say why not, in the same words whichever of the two was wrong."""
    email, target = request.form.get("email", ""), own_path(request.form.get("next", ""))
    try:
        return go_on(_check(email, request.form.get("password", "")), target)
    except SigninThrottled as refused:
        return _form(email, target, wait_s=refused.seconds), 429, {"Retry-After": str(refused.seconds)}
    except SigninRefused:
        return _form(email, target, wait_s=0), 403


@bp.post("/sign-in/mail")
@for_strangers
def sign_in_mail_submit() -> Page:
    """Mail a link to whom the address is of, and say the same to everybody."""
    email, target, wired = request.form.get("email", ""), own_path(request.form.get("next", "")), product()
    try:
        mail_signin_link(
            wired.database, email=email, network=network(), key=wired.config.secret_keys[-1], links=wired.links,
            now=now(),
        )  # fmt: skip
    except SigninThrottled as refused:
        return _form(email, target, wait_s=refused.seconds), 429, {"Retry-After": str(refused.seconds)}
    return render_template("admin/people/sign_in.html", email=email[:254], target=target, is_mailed=True)


@bp.get("/sign-in/<secret>")
@for_strangers
def sign_in_link(secret: str) -> Page:
    """Show one button: mail scanners follow links, and a link that is looked at must not be used up."""
    with product().database.reading() as session:
        is_open = signin.admin_of_link(session, secret=secret, now=now()) is not None
    return render_template("admin/people/sign_in_link.html", is_open=is_open), 200 if is_open else 410


@bp.post("/sign-in/<secret>")
@for_strangers
def sign_in_link_submit(secret: str) -> Page:
    """Use the link up."""
    try:
        with product().database.transaction() as session:
            entered = signin.use_signin_link(session, secret=secret, agent=agent(), now=now())
    except SigninRefused:
        with product().database.transaction() as session:
            signin.record_dead_link(session, now=now())
        return render_template("admin/people/sign_in_link.html", is_open=False), 410
    return go_on(entered, url_for("admin.dashboard"))


@bp.post("/sign-out")
@needs(Role.VIEWER)
@without_factor
def sign_out_submit() -> Page:
    """End the session."""
    return leave()


def go_on(entered: SignedIn, target: str) -> Response:
    """Go to `target`, or first to where the second factor is asked for."""
    awaits_factor = entered.browser is None
    return enter(entered, url_for("admin.second_step", next=target) if awaits_factor else target)


def _check(email: str, password: str) -> SignedIn:
    return signin.sign_in(
        product().database,
        email=email,
        password=password,
        network=network(),
        browser=known_browser(),
        agent=agent(),
        key=product().config.secret_keys[-1],
        now=now(),
    )


def _form(email: str, target: str, *, wait_s: int) -> str:
    return render_template(
        "admin/people/sign_in.html", email=email[:254], target=target, is_refused=True, wait_s=wait_s
    )
