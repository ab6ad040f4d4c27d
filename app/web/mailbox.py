"""The pages of the mail catcher; registered by `flask serve` only, and only where no mail server is set."""

from datetime import MAXYEAR, MINYEAR, UTC, datetime
from email.message import EmailMessage

from flask import Blueprint, Flask, Response, abort, current_app, render_template

from app.demo.catcher import Mailbox
from app.web import product

SHOWN_LETTERS = 100
#: The letter's own inline styles are allowed; nothing else, and no script.
LETTER_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src 'self'; frame-ancestors 'self'"
)

bp = Blueprint("mailbox", __name__, url_prefix="/mailbox")


def register(app: Flask, mailbox: Mailbox) -> None:
    """Show `mailbox` at /mailbox/."""
    app.extensions["mailbox"] = mailbox
    app.register_blueprint(bp)


@bp.get("/")
def index() -> str:
    """List the newest letters, dated by the clocks of the newsletter's zone."""
    letters = [(name, message, _written_at(message)) for name, message in _mailbox().letters(SHOWN_LETTERS)]
    return render_template("mailbox/index.html", letters=letters, zone=product().config.timezone)


@bp.get("/<name>")
def letter(name: str) -> str:
    """Show one letter: its fields, its HTML part in a sandbox if it has one, its text part."""
    message = _letter(name)
    has_html = message.get_body(("html",)) is not None
    return render_template(
        "mailbox/letter.html", name=name, message=message, has_html=has_html, text=_part(message, "plain")
    )


@bp.get("/<name>/html")
def html(name: str) -> Response:
    """Serve the HTML part; links open in a window of their own, since the frame may go nowhere."""
    body = _part(_letter(name), "html").replace("<head>", '<head><base target="_blank">', 1)
    return Response(body, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": LETTER_POLICY})


@bp.get("/<name>/source")
def source(name: str) -> Response:
    """Serve the letter as it came."""
    data = _mailbox().source(name)
    if data is None:
        abort(404)
    return Response(data, content_type="text/plain; charset=utf-8")


def _mailbox() -> Mailbox:
    mailbox: Mailbox = current_app.extensions["mailbox"]
    return mailbox


def _letter(name: str) -> EmailMessage:
    return _mailbox().letter(name) or abort(404)


def _written_at(message: EmailMessage) -> datetime | None:
    """Return when a letter says that it was written, or None where it says nothing that clocks can show.

    One that names no zone means UTC (RFC 5322 §3.3).
    """
    at: datetime | None = message["Date"].datetime if message["Date"] else None
    if at is None or at.year in {MINYEAR, MAXYEAR}:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return str(part.get_content()) if part is not None else ""
