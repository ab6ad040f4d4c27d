"""Who is asking, and whether they may. Nothing of the desk is cached.

Each page declares which role it needs, or that it is for strangers; one that declares nothing stops the start.
"""

from collections.abc import Callable
from itertools import accumulate
from typing import TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from app import i18n
from app.admins import sessions, signin
from app.admins.audit import record_refusal
from app.admins.models import Admin, AdminSession, AuditAct, AuditResult, Role
from app.clock import now
from app.web import product
from app.web.admin import bp, unsent
from app.web.admin.cookies import session_secret

#: Pages that a browser asks for by itself: they do not keep a session from falling idle.
ASKED_BY_SCRIPT = frozenset({"admin.progress", "admin.import_progress"})
#: How many of those who can change a role are named to whoever lacks one.
NAMED = 3

View = TypeVar("View", bound=Callable[..., object])
_needed: dict[Callable[..., object], Role] = {}
_for_strangers: set[Callable[..., object]] = set()
_fresh: set[Callable[..., object]] = set()
_without_factor: set[Callable[..., object]] = set()


def needs(role: Role) -> Callable[[View], View]:
    """Declare that a page of the desk is for `role` and those above it."""

    def declare(view: View) -> View:
        _needed[view] = role
        return view

    return declare


def for_strangers(view: View) -> View:
    """Declare that a page of the desk is for whoever is not signed in."""
    _for_strangers.add(view)
    return view


def freshly(view: View) -> View:
    """Declare that a page wants whoever asks to have shown who they are within a quarter of an hour (ASVS 7.5.3)."""
    _fresh.add(view)
    return view


def without_factor(view: View) -> View:
    """Declare that a page is there for admins who have no second factor yet, though the settings ask for one."""
    _without_factor.add(view)
    return view


def check_declared(app: Flask) -> None:
    """Raise RuntimeError where a page of the desk says neither which role it needs nor that it is for strangers."""
    desk = {name: view for name, view in app.view_functions.items() if name.startswith(f"{bp.name}.")}
    silent = sorted(name for name, view in desk.items() if (view in _needed) == (view in _for_strangers))
    if silent:
        raise RuntimeError(f"declare @needs(role) or @for_strangers, one of them: {', '.join(silent)}")


def is_for_strangers(endpoint: str | None) -> bool:
    """Say whether `endpoint` is a page of the desk that needs no session."""
    return endpoint is not None and current_app.view_functions[endpoint] in _for_strangers


def may(name: str) -> bool:
    """Say whether who is signed in may use the page `name` of the desk: buttons and links to others are not shown."""
    admin, view = current_admin(), current_app.view_functions[f"{bp.name}.{name}"]
    return admin is not None and not _lacks_factor(admin, view) and admin.role.may_act_as(_needed[view])


@bp.before_request
def require_admin() -> BaseResponse | tuple[str, int] | None:
    """Let an admin pass where their role may go, send a stranger to sign in."""
    view, found = current_app.view_functions[request.endpoint or ""], find_session()
    if found is not None:
        g.admin_session = found
    if view in _for_strangers:
        return None
    if found is None:
        return ask_to_sign_in()
    if _lacks_factor(found.admin, view):
        return redirect(url_for("admin.factors"), code=303)
    needed = _needed[view]
    if not found.admin.role.may_act_as(needed):
        return refuse(found.admin, needed)
    return None if view not in _fresh or sessions.is_fresh(found, now=now()) else ask_again()


def refuse(admin: Admin, needed: Role) -> tuple[str, int]:
    """Show who may do what `admin` may not, and put the try into the log (OWASP ASVS 16.3.2)."""
    page = f"page:{(request.endpoint or '').removeprefix(f'{bp.name}.')}"
    with product().database.transaction() as session:
        record_refusal(
            session, actor=admin.email, act=AuditAct.ACCESS_REFUSED, result=AuditResult.FAILED, target=page, now=now()
        )
        named = session.scalars(signin.admins_of(Role.ADMIN).limit(NAMED)).all()
    return render_template("admin/people/refused.html", needed=needed, named=named), 403


@bp.after_request
def forbid_caching(response: Response) -> Response:
    """Keep pages of the desk out of every cache."""
    response.cache_control.no_store = True
    return response


def current_admin() -> Admin | None:
    """Return who is signed in."""
    found: AdminSession | None = g.get("admin_session")
    return found.admin if found else None


def current_session() -> AdminSession:
    """Return the session that asks, on a page that only admins reach."""
    found: AdminSession = g.admin_session
    return found


def require() -> Admin:
    """Return who is signed in, on a page that only admins reach."""
    return current_session().admin


def find_session() -> AdminSession | None:
    """Return the browser's live session, and write down, once a minute, that it is in use."""
    if not session_secret():
        return None
    at = now()
    with product().database.reading() as session:
        found = sessions.session_admin(session, secret=session_secret(), now=at)
    if found and request.endpoint not in ASKED_BY_SCRIPT and sessions.is_stale(found, now=at):
        with product().database.transaction() as session:
            sessions.see_session(session, session_id=found.id, now=at)
    return found


def ask_to_sign_in() -> BaseResponse:
    """Send a stranger to the sign-in page; what they sent from a page of the desk stays with them meanwhile.

    A page that asks by itself, or follows a stream, has nothing to lose: it goes to sign in as a whole.
    """
    is_by_script = "HX-Request" in request.headers
    if (is_by_script and request.endpoint in ASKED_BY_SCRIPT) or request.headers.get("Accept") == "text/event-stream":
        return Response(status=401, headers={"HX-Redirect": url_for("admin.sign_in")})
    if is_by_script:
        return unsent.show_to_script()
    if unsent.may_be_shown():
        return unsent.show_unsent(own_path(_path_before()))
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("admin.sign_in", next=wanted if wanted != url_for("admin.dashboard") else None))


def own_path(text: str) -> str:
    """Return `text` where it is a path of the desk, else the dashboard's: a link must not lead anyone elsewhere."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return url_for("admin.dashboard")
    is_ours = not parts.scheme and not parts.netloc and parts.path.startswith("/admin/") and "\\" not in text
    return text if is_ours and text.isprintable() else url_for("admin.dashboard")


def ask_again() -> BaseResponse:
    """Send an admin who signed in long ago to show once more who they are, and back to the page they came from."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else _path_before()
    return redirect(url_for("admin.again", next=own_path(wanted)), code=303)


def desk_language() -> str:
    """Return the admin's language, or the best of the browser's for a stranger."""
    admin = current_admin()
    return admin.language if admin else request.accept_languages.best_match(i18n.LANGUAGES) or i18n.DEFAULT_LANGUAGE


def _lacks_factor(admin: Admin, view: Callable[..., object]) -> bool:
    """Say whether `admin` has to set up a second factor before anything else."""
    return product().config.requires_second_factor and not admin.has_factor and view not in _without_factor


def _path_before() -> str:
    """Return the path and query of the page that holds the form; its answer leads back there.

    A form that was refused stands on a page that nobody can ask for: the nearest page above it stands in.
    """
    try:
        parts = urlsplit(request.referrer or "")
    except ValueError:
        return ""
    if _is_page(parts.path):
        return f"{parts.path}?{parts.query}" if parts.query else parts.path
    above = accumulate(parts.path.split("/")[:-1], "{}/{}".format)
    return next((path for path in reversed(list(above)) if _is_page(path)), "")


def _is_page(path: str) -> bool:
    """Say whether a browser may ask for `path` as it does when somebody follows a link."""
    try:
        current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:
        return False
    return True
