"""What holds for every request: known hosts, same-origin writes, small bodies, strict headers.

There is no CSRF token: a browser says where a request comes from (Sec-Fetch-Site, or Origin where that is missing), and
whatever says nothing is no browser and carries nobody's cookie unknowingly. Exempt routes are named in `OPEN_TO_ALL`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

from app.web import product
from config import Config

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Routes that machines of others post to; their authority is a token (RFC 8058 §3.1), a signature or a password alone.
OPEN_TO_ALL = frozenset({"public.unsubscribe_submit", "hooks.receive"})

MAX_BODY_BYTES = 64 * 1024
MAX_FORM_PARTS = 60
FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})

#: Routes whose URL is a secret: nothing may keep or pass on the address.
TOKEN_ROUTES = frozenset(
    {"public.confirm", "public.confirm_submit", "public.unsubscribe", "public.unsubscribe_submit", "public.undo_submit",
     "public.preferences", "public.preferences_submit", "public.pause", "public.pause_submit", "public.resume_submit",
     "public.choices", "public.choices_submit",
     "public.own_data_link_submit", "public.view", "public.go", "public.reading", "public.reading_image",
     "public.counting_submit", "public.stay", "public.stay_submit", "public.renew", "public.renew_submit",
     "public.data", "public.data_download", "public.data_receipt", "public.data_receipt_file", "public.data_address",
     "public.data_address_submit", "public.restriction_submit", "public.lifting_submit", "public.objection",
     "public.objection_submit", "public.erasure", "public.erasure_submit", "public.erased", "public.erased_download",
     "public.address", "public.address_submit", "public.address_undo", "public.address_undo_submit",
     "admin.sign_in_link", "admin.sign_in_link_submit"}
)  # fmt: skip

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors {ancestors}"
)


def protect(app: Flask, config: Config) -> None:
    """Apply the rules to every request of `app`."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY_BYTES
    app.config["MAX_FORM_PARTS"] = MAX_FORM_PARTS
    app.config["TRUSTED_HOSTS"] = sorted(trusted_hosts(config))
    app.before_request(refuse_foreign_writes)
    app.after_request(set_headers)


def under_own_scheme(inner: "WSGIApplication", config: Config) -> "WSGIApplication":
    """Return `inner` as seen under the scheme of the public URL, whatever a proxy or a visitor says of it.

    The framework's redirects to a missing slash name it, and would lead wherever an `X-Forwarded-Proto` says.
    """
    scheme = urlsplit(config.public_url).scheme

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["wsgi.url_scheme"] = scheme
        return inner(environ, start_response)

    return answer


def trusted_hosts(config: Config) -> set[str]:
    """Return the host names that this product answers to."""
    hosts = set(config.allowed_hosts) | {urlsplit(config.public_url).hostname or ""}
    return hosts | {"127.0.0.1", "localhost", "[::1]"} if config.is_loopback else hosts


def refuse_foreign_writes() -> None:
    """Refuse a state-changing request that a page of another site made, or whose body is no form."""
    if request.method not in {"POST", "PUT", "PATCH", "DELETE"} or request.endpoint in OPEN_TO_ALL:
        return
    if request.content_length and request.mimetype not in FORM_TYPES:
        abort(415)
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            abort(403)
        return
    origin = request.headers.get("Origin")
    if origin is not None and not is_our_own(origin):
        abort(403)


def is_said_to_be_ours() -> bool:
    """Return whether the browser says that a page of this very site made the request; saying nothing is not enough."""
    site = request.headers.get("Sec-Fetch-Site")
    return site == "same-origin" if site is not None else is_our_own(request.headers.get("Origin", ""))


def is_our_own(origin: str) -> bool:
    """Return whether an Origin names this site.

    A page that sends no referrer sends "null" here, even to itself (Fetch, "append a request Origin header"). Browsers
    without Sec-Fetch-Site say no more than that; on a reader's token page, knowing its address is the authority.
    """
    if origin == "null":
        return request.endpoint in TOKEN_ROUTES and request.blueprint == "public"
    scheme, _, host = origin.partition("://")
    ours = {request.host, urlsplit(product().config.public_url).netloc}
    return scheme in {"http", "https"} and host in ours


def is_embedded() -> bool:
    """Return whether the form under another site's article asked: its answers, refusals too, are seen in that frame."""
    is_form = request.endpoint in {"public.signup_submit", "public.check_mail"} and "embedded" in request.args
    return is_form or request.endpoint == "public.embed"


def set_headers(response: Response) -> Response:
    """Set the headers that hold for every page; a view that set one of its own keeps it."""
    headers = response.headers
    ancestors = product().config.frame_ancestors if is_embedded() else "'none'"
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY.format(ancestors=ancestors))
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    if product().config.public_url.startswith("https:"):
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    if request.endpoint in TOKEN_ROUTES:
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cache-Control"] = "no-store"
        headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
