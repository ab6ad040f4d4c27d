"""What a browser keeps of the desk: the session's secret, that somebody has signed in here before, their newsletter."""

from flask import make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from app.admins import sessions
from app.clock import now
from app.errors import TokenInvalid
from app.web import product

#: How long a browser counts as one that has signed in before.
BROWSER_LIFE_S = 90 * 86_400


def session_secret() -> str:
    """Return the secret that the browser sent, or nothing."""
    return request.cookies.get(session_cookie(), "")


def enter(entered: sessions.SignedIn, target: str) -> Response:
    """Go to `target` with the cookies of a new session; the browser's old session ends."""
    with product().database.transaction() as session:
        sessions.sign_out(session, secret=session_secret(), now=now())
    response = make_response(redirect(target, code=303))
    _set_cookie(response, session_cookie(), entered.secret, None)
    if entered.browser is not None:
        known = product().form_tokens.sign("sign-in", entered.browser)
        _set_cookie(response, browser_cookie(), known, BROWSER_LIFE_S)
    return response


def leave() -> Response:
    """End the session on the server and in the browser."""
    with product().database.transaction() as session:
        sessions.sign_out(session, secret=session_secret(), now=now())
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


def kept_newsletter() -> str:
    """Return the slug of the newsletter that was looked at last, or nothing."""
    return request.cookies.get(_newsletter_cookie(), "")


def keep_newsletter(response: Response, slug: str) -> None:
    """Keep the newsletter that is looked at, until the browser is closed."""
    _set_cookie(response, _newsletter_cookie(), slug, None)


def session_cookie() -> str:
    """Return the name of the session cookie; browsers keep `__Host-` to this host, its root and TLS."""
    return "__Host-vigie" if _is_https() else "vigie-desk"


def browser_cookie() -> str:
    """Return the name of the cookie that shows that a browser has signed in before."""
    return "__Host-vigie-browser" if _is_https() else "vigie-browser"


def _newsletter_cookie() -> str:
    return "__Host-vigie-newsletter" if _is_https() else "vigie-newsletter"


def _set_cookie(response: Response, name: str, value: str, max_age_s: int | None) -> None:
    response.set_cookie(name, value, max_age=max_age_s, path="/", secure=_is_https(), httponly=True, samesite="Lax")


def _is_https() -> bool:
    return product().config.public_url.startswith("https:")
