"""A reader's own data: the form that mails a link, and the page that the link opens.

The link's token is the only authority. Where it is over, or what it named is gone, nothing tells which.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from flask import Response, make_response, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from app import i18n
from app.clock import now
from app.errors import AddressInvalid, TokenInvalid
from app.mail.address import parse_address
from app.newsletters.letterhead import sender_of
from app.newsletters.models import Newsletter
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.rights.data_link import reader_of_link, request_data_link
from app.subscriptions.rights.dossier import Dossier, gather
from app.subscriptions.rights.receipts import make_receipt
from app.subscriptions.silence import letters_come
from app.web import attachment, product
from app.web.forms import TRAP, SignupForm, printable
from app.web.public import LANGUAGE, bp, page_language

#: Letters on the page; the file has all.
SHOWN_LETTERS = 100
GONE = 400
REFUSED = 422


@dataclass(frozen=True)
class OwnPage:
    """What the page shows of a reader."""

    dossier: Dossier
    preferences: list[tuple[str, str]]
    is_restricted: bool
    has_letters: bool
    can_object: bool


@bp.get(f"/{LANGUAGE}/my-data", provide_automatic_options=False)
def my_data(language: str) -> Response:
    """Show the form, or, once it was sent, where to look next: the same for everyone."""
    return _form("public/my_data.html", 200, is_sent="sent" in request.args)


@bp.post(f"/{LANGUAGE}/my-data", provide_automatic_options=False)
def my_data_submit(language: str) -> BaseResponse:
    """Mail a data link to the address, if anything is held of it; the answer never tells."""
    form = SignupForm.read(request.form)
    if not form.is_trapped:
        try:
            address = parse_address(form.email)
        except AddressInvalid:
            problem = "invalid" if form.email else "empty"
            return _form("public/my_data.html", REFUSED, email=printable(form.email), problem=problem)
        with product().database.transaction() as session:
            request_data_link(session, address=address, language=language, now=now())
    return redirect(url_for("public.my_data", language=language, sent=""), code=303)


@bp.get(f"/{LANGUAGE}/my-data/<token>", provide_automatic_options=False)
def data(language: str, token: str) -> Response:
    """Show everything held of the reader, and what they can do with it."""
    return show_to_reader(token, lambda session, reader: _own_page(session, reader, token))


@bp.get(f"/{LANGUAGE}/my-data/<token>/download", provide_automatic_options=False)
def data_download(language: str, token: str) -> Response:
    """Give everything held as one file (GDPR art. 20)."""
    return show_to_reader(token, _file)


@bp.get(f"/{LANGUAGE}/my-data/<token>/receipt", provide_automatic_options=False)
def data_receipt(language: str, token: str) -> Response:
    """Show the receipt of what the reader agreed to, for the screen and for paper."""

    def show(session: Session, reader: Subscriber) -> Response:
        receipt = make_receipt(session, reader, product=product(), now=now())
        file_url = url_for("public.data_receipt_file", language=language, token=token)
        return make_response(render_template("public/receipt.html", receipt=receipt, file_url=file_url))

    return show_to_reader(token, show)


@bp.get(f"/{LANGUAGE}/my-data/<token>/receipt/download", provide_automatic_options=False)
def data_receipt_file(language: str, token: str) -> Response:
    """Give the receipt as the signed file (GDPR art. 7(1), art. 20)."""

    def show(session: Session, reader: Subscriber) -> Response:
        return attachment(make_receipt(session, reader, product=product(), now=now()).document, "receipt")

    return show_to_reader(token, show)


def show_to_reader(token: str, show: Callable[[Session, Subscriber], Response]) -> Response:
    """Return what `show` makes for the reader whom a data link names, or the page that says why there is none."""
    data_id = read_data_token(token)
    if data_id is None:
        return link_over()
    with product().database.reading() as session:
        reader = reader_of_link(session, data_id)
        return nothing_held() if reader is None else show(session, reader)


def read_data_token(token: str) -> str | None:
    """Return what a data link's token names, or None where the link is over or not ours."""
    life_s = product().config.retention.data_link_minutes * 60
    try:
        return product().link_tokens.read("data", token, max_age_s=life_s)
    except TokenInvalid:
        return None


def link_over() -> Response:
    """Show that a data link is no longer good, with the form that brings a new one."""
    return _form("public/data_over.html", GONE)


def nothing_held() -> Response:
    """Show that a genuine link names nobody, whatever the reason."""
    return make_response(render_template("public/nothing_held.html"))


def _own_page(session: Session, reader: Subscriber, token: str) -> Response:
    wired = product()
    own = _read_own(session, reader)
    age_s = wired.link_tokens.age_s("data", token, now_s=now().timestamp())
    page = render_template(
        "public/data.html",
        dossier=own.dossier,
        preferences=own.preferences,
        is_restricted=own.is_restricted,
        has_letters=own.has_letters,
        can_object=own.can_object,
        token=token,
        until=now() + timedelta(minutes=wired.config.retention.data_link_minutes, seconds=-age_s),
        done=request.args.get("done", ""),
        shown_letters=SHOWN_LETTERS,
        zone=wired.config.timezone,
        languages=i18n.LANGUAGES,
    )
    return make_response(page)


def _read_own(session: Session, reader: Subscriber) -> OwnPage:
    wired = product()
    dossier = gather(session, subscriber_id=reader.id, tellers=wired.tellers, now=now())
    subscriptions = session.scalars(select(Subscription).where(Subscription.subscriber_id == reader.id)).all()
    preferences = [
        (
            session.get_one(Newsletter, each.newsletter_id).in_language(each.language).name,
            wired.link_tokens.sign("preferences", each.public_id),
        )
        for each in subscriptions
        if each.status is SubscriptionStatus.CONFIRMED
    ]
    reasons = {row["reason"] for row in dossier.sections.get("suppressions", ())}
    return OwnPage(
        dossier,
        preferences,
        is_restricted=reader.restricted_at is not None,
        has_letters=letters_come(session, reader.id, now()),
        can_object="objection" not in reasons,
    )


def _file(session: Session, reader: Subscriber) -> Response:
    wired = product()
    dossier = gather(session, subscriber_id=reader.id, tellers=wired.tellers, now=now())
    return attachment(dossier.as_json(wired.config), "my-data")


def _senders() -> list[str]:
    """Return from where a data link may come: from the sender of a newsletter that whoever asks reads, if they do."""
    wired = product()
    with wired.database.reading() as session:
        newsletters = session.scalars(select(Newsletter).order_by(Newsletter.id)).all()
    return list(dict.fromkeys(sender_of(each, wired.config.mail) for each in newsletters))


def _form(
    template: str, status: int, *, email: str = "", problem: str | None = None, is_sent: bool = False
) -> Response:
    config = product().config
    page = render_template(
        template,
        email=email,
        problem=problem,
        is_sent=is_sent,
        trap=TRAP,
        sender=i18n.one_of(page_language(), _senders()),
        minutes=config.retention.data_link_minutes,
    )
    return make_response(page, status)
