"""Who is asking. Every page of the desk needs a live session, save those that open one; nothing of it is cached."""

from urllib.parse import urlsplit

from flask import Response, g, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from app import i18n
from app.admins import signin
from app.admins.models import Admin, AdminSession
from app.clock import now
from app.errors import TokenInvalid
from app.web import product
from app.web.admin import bp

#: Pages for strangers.
OPEN_TO_STRANGERS = frozenset(
    {"admin.sign_in", "admin.sign_in_submit", "admin.sign_in_link", "admin.sign_in_link_submit"}
)
#: Pages that a browser asks for by itself: they do not keep a session from falling idle.
ASKED_BY_SCRIPT = frozenset({"admin.progress", "admin.import_progress"})
#: How long a browser counts as one that has signed in before.
BROWSER_LIFE_S = 90 * 86_400


@bp.before_request
def require_admin() -> BaseResponse | None:
    """Let an admin pass, send anyone else to sign in."""
    found = find_session()
    if found is not None:
        g.admin_session = found
        return None
    return None if request.endpoint in OPEN_TO_STRANGERS else ask_to_sign_in()


@bp.after_request
def forbid_caching(response: Response) -> Response:
    """Keep pages of the desk out of every cache."""
    response.headers["Cache-Control"] = "no-store"
    return response


def current_admin() -> Admin | None:
    """Return who is signed in."""
    found: AdminSession | None = g.get("admin_session")
    return found.admin if found else None


def require() -> Admin:
    """Return who is signed in, on a page that only admins reach."""
    found: AdminSession = g.admin_session
    return found.admin


def session_secret() -> str:
    """Return the secret that the browser sent, or nothing."""
    return request.cookies.get(session_cookie(), "")


def find_session() -> AdminSession | None:
    """Return the browser's live session, and write down, once a minute, that it is in use."""
    if not session_secret():
        return None
    at = now()
    with product().database.reading() as session:
        found = signin.session_admin(session, secret=session_secret(), now=at)
    if found and request.endpoint not in ASKED_BY_SCRIPT and signin.is_stale(found, now=at):
        with product().database.transaction() as session:
            signin.see_session(session, session_id=found.id, now=at)
    return found


def ask_to_sign_in() -> BaseResponse:
    """Send a stranger to the sign-in page; a script's request makes the whole page go there."""
    if request.headers.get("HX-Request"):
        return Response(status=401, headers={"HX-Redirect": url_for("admin.sign_in")})
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("admin.sign_in", next=wanted if wanted != url_for("admin.dashboard") else None))


def enter(entered: signin.SignedIn, target: str) -> BaseResponse:
    """Go to `target` with the cookies of a new session; the browser's old session ends."""
    with product().database.transaction() as session:
        signin.sign_out(session, secret=session_secret(), now=now())
    response = make_response(redirect(target, code=303))
    known = product().form_tokens.sign("sign-in", entered.browser)
    _set_cookie(response, session_cookie(), entered.secret, None)
    _set_cookie(response, browser_cookie(), known, BROWSER_LIFE_S)
    return response


def leave() -> BaseResponse:
    """End the session on the server and in the browser."""
    with product().database.transaction() as session:
        signin.sign_out(session, secret=session_secret(), now=now())
    response = make_response(redirect(url_for("admin.sign_in"), code=303))
    response.delete_cookie(session_cookie(), path="/", secure=_is_https(), httponly=True, samesite="Lax")
    return response


def known_browser() -> str | None:
    """Return the id of a browser that has signed in before."""
    token = request.cookies.get(browser_cookie(), "")
    try:
        return product().form_tokens.read("sign-in", token, max_age_s=BROWSER_LIFE_S)
    except TokenInvalid:
        return None


def own_path(text: str) -> str:
    """Return `text` where it is a path of the desk, else the dashboard's: a link must not lead anyone elsewhere."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return url_for("admin.dashboard")
    is_ours = not parts.scheme and not parts.netloc and parts.path.startswith("/admin/") and "\\" not in text
    return text if is_ours and text.isprintable() else url_for("admin.dashboard")


def desk_language() -> str:
    """Return the admin's language, or the best of the browser's for a stranger."""
    admin = current_admin()
    return admin.language if admin else request.accept_languages.best_match(i18n.LANGUAGES) or i18n.DEFAULT_LANGUAGE


def session_cookie() -> str:
    """Return the name of the session cookie; browsers keep `__Host-` to this host, its root and TLS."""
    return "__Host-vigie" if _is_https() else "vigie-desk"


def browser_cookie() -> str:
    """Return the name of the cookie that shows that a browser has signed in before."""
    return "__Host-vigie-browser" if _is_https() else "vigie-browser"


def _set_cookie(response: Response, name: str, value: str, max_age_s: int | None) -> None:
    response.set_cookie(name, value, max_age=max_age_s, path="/", secure=_is_https(), httponly=True, samesite="Lax")


def _is_https() -> bool:
    return product().config.public_url.startswith("https:")
