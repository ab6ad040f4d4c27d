"""What a reader does with their data, from the page of a data link: restrict, object, erase, move.

What cannot be undone has a page of its own, with one button that says so. No GET changes anything.
"""

from collections.abc import Callable

from flask import Response, make_response, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from app.clock import now
from app.errors import TransitionRefused
from app.mail.address import Address
from app.subscriptions.form.limits import count_letter
from app.subscriptions.kinds import ConsentKind, ConsentMethod
from app.subscriptions.models import Subscriber
from app.subscriptions.records import ConsentEvent
from app.subscriptions.rights.acts import accept_objection, lift_restriction, restrict
from app.subscriptions.rights.address_change import request_address_change
from app.subscriptions.rights.data_link import reader_of_link
from app.subscriptions.rights.erasure import erase_reader
from app.subscriptions.rights.receipts import ErasureReceipt, make_erasure_receipt
from app.web import attachment, product
from app.web.forms import SignupForm, printable
from app.web.proving import counter_keys
from app.web.public import LANGUAGE, bp
from app.web.public.my_data import (
    REFUSED,
    link_over,
    nothing_held,
    read_data_token,
    show_to_reader,
)
from app.web.public.signup import Problem, read_address


@bp.post(f"/{LANGUAGE}/my-data/<token>/restriction", provide_automatic_options=False)
def restriction_submit(language: str, token: str) -> BaseResponse:
    """Keep the reader's data and use it no more."""

    def act(session: Session, reader: Subscriber) -> str:
        restrict(session, subscriber_id=reader.id, method=ConsentMethod.DATA_PAGE, now=now())
        return _data_page(language, token, "restricted")

    return _perform(token, act)


@bp.post(f"/{LANGUAGE}/my-data/<token>/lifting", provide_automatic_options=False)
def lifting_submit(language: str, token: str) -> BaseResponse:
    """Use the reader's data again."""

    def act(session: Session, reader: Subscriber) -> str:
        key = product().config.suppression_key
        lift_restriction(
            session, subscriber_id=reader.id, method=ConsentMethod.DATA_PAGE, suppression_key=key, now=now()
        )
        return _data_page(language, token, "lifted")

    return _perform(token, act)


@bp.get(f"/{LANGUAGE}/my-data/<token>/objection", provide_automatic_options=False)
def objection(language: str, token: str) -> Response:
    """Say what an objection does, and show its button."""
    return show_to_reader(token, lambda *_: make_response(render_template("public/data_objection.html", token=token)))


@bp.post(f"/{LANGUAGE}/my-data/<token>/objection", provide_automatic_options=False)
def objection_submit(language: str, token: str) -> BaseResponse:
    """End everything and write no more, without asking why."""

    def act(session: Session, reader: Subscriber) -> str:
        key = product().config.suppression_key
        accept_objection(
            session, subscriber_id=reader.id, method=ConsentMethod.DATA_PAGE, suppression_key=key, now=now()
        )
        return _data_page(language, token, "objected")

    return _perform(token, act)


@bp.get(f"/{LANGUAGE}/my-data/<token>/erasure", provide_automatic_options=False)
def erasure(language: str, token: str) -> Response:
    """Say what goes and what stays, and show the button."""
    page = render_template("public/data_erasure.html", token=token, retention=product().config.retention)
    return show_to_reader(token, lambda *_: make_response(page))


@bp.post(f"/{LANGUAGE}/my-data/<token>/erasure", provide_automatic_options=False)
def erasure_submit(language: str, token: str) -> BaseResponse:
    """Erase the reader, and lead to a proof that names nobody; a second press finds that nothing is held."""

    def act(session: Session, reader: Subscriber) -> str:
        key = product().config.suppression_key
        last = erase_reader(
            session, subscriber_id=reader.id, method=ConsentMethod.DATA_PAGE, suppression_key=key, now=now()
        )
        proof = product().link_tokens.sign("erasure", last.chain_id)
        return url_for("public.erased", language=language, token=proof)

    return _perform(token, act)


@bp.get(f"/{LANGUAGE}/erasure/<token>", provide_automatic_options=False)
def erased(language: str, token: str) -> Response:
    """Show the receipt of an erasure: the end of a chain that is nobody's."""
    receipt = _erasure_receipt(token)
    if receipt is None:
        return nothing_held()
    return make_response(render_template("public/erasure_receipt.html", receipt=receipt, token=token))


@bp.get(f"/{LANGUAGE}/erasure/<token>/download", provide_automatic_options=False)
def erased_download(language: str, token: str) -> Response:
    """Give the receipt of an erasure as the signed file."""
    receipt = _erasure_receipt(token)
    return nothing_held() if receipt is None else attachment(receipt.document, "erasure")


@bp.get(f"/{LANGUAGE}/my-data/<token>/address", provide_automatic_options=False)
def data_address(language: str, token: str) -> Response:
    """Show the form for another address."""
    return show_to_reader(token, lambda _, reader: _address_form(token, reader.email))


@bp.post(f"/{LANGUAGE}/my-data/<token>/address", provide_automatic_options=False)
def data_address_submit(language: str, token: str) -> BaseResponse:
    """Correct the address, or begin a change; what is known of the new one, the answer does not tell.

    Its mailbox has the limits of the sign-up form: else whoever reads us could have letters sent to anybody.
    """
    address, problem = read_address(SignupForm.read(request.form))
    typed = printable(SignupForm.read(request.form).email)
    if address is None or problem is not None:
        return show_to_reader(token, lambda _, reader: _address_form(token, reader.email, typed, problem))

    def act(session: Session, reader: Subscriber) -> str:
        correction = request_address_change(
            session,
            subscriber_id=reader.id,
            address=address,
            method=ConsentMethod.DATA_PAGE,
            has_room=address.key == reader.email_key or _has_room(session, address),
            now=now(),
        )
        return _data_page(language, token, f"address-{correction}")

    try:
        return _perform(token, act)
    except TransitionRefused:
        refused = Problem("often")
        return show_to_reader(token, lambda _, reader: _address_form(token, reader.email, typed, refused))


def _perform(token: str, act: Callable[[Session, Subscriber], str]) -> BaseResponse:
    """Do `act` with the reader whom a data link names, and lead to the page that it returns."""
    data_id = read_data_token(token)
    if data_id is None:
        return link_over()
    with product().database.transaction() as session:
        reader = reader_of_link(session, data_id)
        if reader is None:
            return nothing_held()
        target = act(session, reader)
    return redirect(target, code=303)


def _has_room(session: Session, address: Address) -> bool:
    """Count the letter to a new address, as those of the form; who holds a data link has shown that they mean it."""
    limits, at = product().config.signups, now()
    return count_letter(session, address=address, is_proven=True, limits=limits, keys=counter_keys(at), now=at)


def _data_page(language: str, token: str, done: str) -> str:
    return url_for("public.data", language=language, token=token, done=done)


def _erasure_receipt(token: str) -> ErasureReceipt | None:
    """Return the receipt that a link names, or None once the chain's time is over as well."""
    chain_id = product().link_tokens.read("erasure", token)
    query = select(ConsentEvent).where(ConsentEvent.chain_id == chain_id, ConsentEvent.kind == ConsentKind.ERASED)
    with product().database.reading() as session:
        last = session.scalars(query.order_by(ConsentEvent.seq.desc()).limit(1)).one_or_none()
    return None if last is None else make_erasure_receipt(last, product=product(), now=now())


def _address_form(token: str, present: str, email: str = "", problem: Problem | None = None) -> Response:
    page = render_template(
        "public/data_address.html",
        token=token,
        present=present,
        email=email,
        problem=problem,
        hours=product().config.retention.confirm_hours,
    )
    return make_response(page, REFUSED if problem else 200)
