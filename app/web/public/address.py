"""The two links of a change of address: the new mailbox confirms, the former one takes it back."""

from flask import Response, make_response, render_template
from sqlalchemy.orm import Session

from app.clock import now
from app.errors import NotFound, TokenInvalid, TransitionRefused
from app.mail.address import mask
from app.subscriptions.form.limits import forget_mailbox
from app.subscriptions.rights.address_change import (
    AddressChange,
    address_change,
    confirm_address_change,
    is_taken,
    undo_address_change,
)
from app.subscriptions.silence import letters_come
from app.web import product
from app.web.proving import counter_keys
from app.web.public import LANGUAGE, bp

GONE = 400


@bp.get(f"/{LANGUAGE}/address/<token>", provide_automatic_options=False)
def address(language: str, token: str) -> Response:
    """Show the button, or that the link is no longer good."""
    change = _find("address", token)
    if change is None or not change.is_open:
        return _address_page(None, GONE)
    with product().database.reading() as session:
        if is_taken(session, change.email_key):
            return _address_page(None, GONE)
    return _address_page(mask(change.email), 200)


@bp.post(f"/{LANGUAGE}/address/<token>", provide_automatic_options=False)
def address_submit(language: str, token: str) -> Response:
    """Move the reader to the new address; the same press twice ends in the same place."""
    public_id = _read("address", token)
    if public_id is None:
        return _address_page(None, GONE)
    wired = product()
    try:
        with wired.database.transaction() as session:
            key = wired.config.suppression_key
            _forget_letters(session, public_id)
            reader = confirm_address_change(session, public_id=public_id, suppression_key=key, now=now())
            has_letters = letters_come(session, reader.id, now())
    except (NotFound, TransitionRefused):
        return _address_page(None, GONE)
    return _address_page(None, 200, is_done=True, has_letters=has_letters)


@bp.get(f"/{LANGUAGE}/address-undo/<token>", provide_automatic_options=False)
def address_undo(language: str, token: str) -> Response:
    """Show the button that takes the change back; whether there is anything left to take back, nothing tells."""
    is_asked = _read("address-undo", token) is not None
    return _undo_page(is_asked=is_asked, status=200 if is_asked else GONE)


@bp.post(f"/{LANGUAGE}/address-undo/<token>", provide_automatic_options=False)
def address_undo_submit(language: str, token: str) -> Response:
    """Take the change back."""
    public_id = _read("address-undo", token)
    if public_id is None:
        return _undo_page(status=GONE)
    try:
        with product().database.transaction() as session:
            reader = undo_address_change(
                session, public_id=public_id, suppression_key=product().config.suppression_key, now=now()
            )
            has_letters = letters_come(session, reader.id, now())
    except (NotFound, TransitionRefused):
        return _undo_page(status=GONE)
    return _undo_page(is_done=True, has_letters=has_letters)


def _forget_letters(session: Session, public_id: str) -> None:
    """Forget how many letters the new mailbox got without a confirmation, before its reader's row is held."""
    change = address_change(session, public_id)
    if change is not None:
        forget_mailbox(session, email_key=change.email_key, keys=counter_keys(now()))


def _read(purpose: str, token: str) -> str | None:
    try:
        return product().link_tokens.read(purpose, token, max_age_s=_hours() * 3600)
    except TokenInvalid:
        return None


def _find(purpose: str, token: str) -> AddressChange | None:
    public_id = _read(purpose, token)
    if public_id is None:
        return None
    with product().database.reading() as session:
        return address_change(session, public_id)


def _address_page(masked: str | None, status: int, *, is_done: bool = False, has_letters: bool = False) -> Response:
    page = render_template(
        "public/address.html", address=masked, is_done=is_done, has_letters=has_letters, hours=_hours()
    )
    return make_response(page, status)


def _undo_page(
    *, is_asked: bool = False, is_done: bool = False, has_letters: bool = False, status: int = 200
) -> Response:
    page = render_template(
        "public/address_undo.html", is_asked=is_asked, is_done=is_done, has_letters=has_letters, hours=_hours()
    )
    return make_response(page, status)


def _hours() -> int:
    return product().config.retention.confirm_hours
