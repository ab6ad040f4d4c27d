"""Confirming a sign-up: a page that changes nothing, and the press that does."""

from flask import Response, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.clock import now
from app.errors import NotFound, TokenInvalid, TransitionRefused
from app.mail.address import mask
from app.subscriptions.signup import confirm_subscription, confirmable
from app.web import product
from app.web.public import LANGUAGE, bp
from app.web.public.signup import show_resend_form

GONE = 400


@bp.get(f"/{LANGUAGE}/confirm/<token>", provide_automatic_options=False)
def confirm(language: str, token: str) -> Response:
    """Show the button, or a way to a new letter where the link is no longer good."""
    confirmation_id = _read(token)
    if confirmation_id is None:
        return show_resend_form(language, GONE)
    wired = product()
    with wired.database.reading() as session:
        subscription = confirmable(session, confirmation_id=confirmation_id)
        if subscription is None:
            return show_resend_form(language, GONE)
        page = render_template(
            "public/confirm.html",
            address=mask(subscription.subscriber.email),
            cancel_token=wired.link_tokens.sign("unsubscribe", subscription.public_id),
        )
    return make_response(page)


@bp.post(f"/{LANGUAGE}/confirm/<token>", provide_automatic_options=False)
def confirm_submit(language: str, token: str) -> BaseResponse:
    """Confirm, and go on to the preferences; the same press twice ends in the same place."""
    confirmation_id = _read(token)
    if confirmation_id is None:
        return show_resend_form(language, GONE)
    try:
        with product().database.transaction() as session:
            subscription = confirm_subscription(session, confirmation_id=confirmation_id, now=now())
    except (NotFound, TransitionRefused):
        return show_resend_form(language, GONE)
    preferences = product().link_tokens.sign("preferences", subscription.public_id)
    return redirect(url_for("public.preferences", language=language, token=preferences, welcome=""), code=303)


def _read(token: str) -> str | None:
    max_age_s = product().config.retention.confirm_hours * 3600
    try:
        return product().link_tokens.read("confirm", token, max_age_s=max_age_s)
    except TokenInvalid:
        return None
