"""Exceptions become pages here and nowhere else: clear words, the right code, no trace."""

import logging

from flask import Flask, render_template
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException, TooManyRequests

from app.errors import (
    AppError,
    FetchRefused,
    HookRefused,
    InputRefused,
    NotFound,
    SignupThrottled,
    TokenInvalid,
    TransitionRefused,
)
from app.web.admin.nowhere import words_off_the_map

log = logging.getLogger(__name__)

#: What an exception of ours means to a browser.
STATUS: tuple[tuple[type[AppError], int], ...] = (
    (TokenInvalid, 400),
    (InputRefused, 422),
    (NotFound, 404),
    (TransitionRefused, 409),
    (HookRefused, 403),
    (FetchRefused, 503),
)
RETRY_AFTER_S = 30
#: How long what is a burst now counts.
BURST_S = 60


def register(app: Flask) -> None:
    """Register the error pages on `app`."""
    app.register_error_handler(HTTPException, show_http_error)
    app.register_error_handler(TooManyRequests, show_burst)
    app.register_error_handler(AppError, show_refusal)
    app.register_error_handler(SignupThrottled, show_throttled)
    app.register_error_handler(OperationalError, show_unavailable)
    app.register_error_handler(DataError, show_impossible)
    app.register_error_handler(500, show_fault)


def show_http_error(error: HTTPException) -> tuple[str, int, dict[str, str]]:
    """Show a refusal of the framework's (404, 405, 413, …)."""
    headers = {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}
    status = error.code or 500
    return render_template("error.html", status=status, **words_off_the_map()), status, headers


def show_burst(_: TooManyRequests) -> tuple[str, int, dict[str, str]]:
    """Say that too many requests of one network came at once."""
    return error_page(429), 429, {"Retry-After": str(BURST_S)}


def show_refusal(error: AppError) -> tuple[str, int]:
    """Show a refusal of ours."""
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 400)
    return error_page(status), status


def show_throttled(error: SignupThrottled) -> tuple[str, int, dict[str, str]]:
    """Say that others of the same network were quicker, and for how long to wait; nothing of the address."""
    page = render_template("error.html", status=429, minutes=-(-error.seconds // 60))
    return page, 429, {"Retry-After": str(error.seconds)}


def show_unavailable(error: OperationalError) -> tuple[str, int, dict[str, str]]:
    """Say that the store cannot take this now (locked, full, away); nothing was half-written."""
    log.error("the database cannot answer: %s", error.orig)
    return error_page(503), 503, {"Retry-After": str(RETRY_AFTER_S)}


def show_impossible(error: DataError) -> tuple[str, int]:
    """Say that no such thing can be: PostgreSQL refuses a NUL in a text."""
    return error_page(404), 404


def show_fault(error: Exception) -> tuple[str, int]:
    """Say that the fault is ours."""
    return error_page(500), 500


def error_page(status: int) -> str:
    """Return the page for `status` in the language of the page asked for: the address's, or the admin's at the desk."""
    return render_template("error.html", status=status)
