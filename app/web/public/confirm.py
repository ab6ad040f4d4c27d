"""Confirming a sign-up: a page that changes nothing, and the press that does.

A request made in a reader's name had no form, so this page shows what the form would have, and keeps the proof of it.
"""

from flask import Response, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from app.choices.choosing import chosen_by
from app.clock import now
from app.digests.schedule import begin_rhythm
from app.errors import NotFound, TextsNotShown, TokenInvalid, TransitionRefused
from app.mail.address import mask
from app.newsletters.models import Newsletter
from app.newsletters.wordings import ShownTexts, cut_statement
from app.subscriptions.confirming import (
    confirm_subscription,
    confirmable,
    confirmable_by,
    newsletter_of_request,
    texts_of_request,
)
from app.subscriptions.form.limits import forget_mailbox_of
from app.subscriptions.models import Subscription
from app.web import product, taxonomy_in_use
from app.web.forms import form_mark, make_form_token, read_form_token
from app.web.proving import counter_keys
from app.web.public import LANGUAGE, bp, own_page
from app.web.public.asked import current_texts
from app.web.public.choice_form import said_choices
from app.web.public.signup import REFUSED, show_resend_form

GONE = 400


@bp.get(f"/{LANGUAGE}/confirm/<token>", provide_automatic_options=False)
def confirm(language: str, token: str) -> Response:
    """Show the button, or a way to a new letter where the link is no longer good."""
    confirmation_id = _read(token)
    if confirmation_id is None:
        return _over(language, token)
    return _page(language, token, confirmation_id)


@bp.post(f"/{LANGUAGE}/confirm/<token>", provide_automatic_options=False)
def confirm_submit(language: str, token: str) -> BaseResponse:
    """Confirm, and go on to the preferences; the same press twice ends in the same place."""
    confirmation_id = _read(token)
    if confirmation_id is None:
        return _over(language, token)
    try:
        with product().database.transaction() as session:
            _forget_letters(session, confirmation_id)
            subscription = confirm_subscription(
                session,
                confirmation_id=confirmation_id,
                suppression_key=product().config.suppression_key,
                shown=_shown(language),
                now=now(),
            )
            begin_rhythm(session, subscription, now())
    except (NotFound, TransitionRefused):
        return _over(language, token)
    except TextsNotShown:
        return _page(language, token, confirmation_id, is_again=True)
    preferences = product().link_tokens.sign("preferences", subscription.public_id)
    return redirect(url_for("public.preferences", language=language, token=preferences, welcome=""), code=303)


def _read(token: str) -> str | None:
    max_age_s = product().config.retention.confirm_hours * 3600
    try:
        return product().link_tokens.read("confirm", token, max_age_s=max_age_s)
    except TokenInvalid:
        return None


def _over(language: str, token: str) -> Response:
    """Show the form of the newsletter that was asked for, as far as an old link still tells; else the first one's."""
    wired = product()
    try:
        known_s = wired.config.retention.pending_days * 86_400  # after which the request is deleted
        confirmation_id = wired.link_tokens.read("confirm", token, max_age_s=known_s)
    except TokenInvalid:
        return show_resend_form(language, None, GONE)
    with wired.database.reading() as session:
        newsletter = session.scalars(newsletter_of_request(confirmation_id)).one_or_none()
    return show_resend_form(language, newsletter.address_slug if newsletter else None, GONE)


def _page(language: str, token: str, confirmation_id: str, *, is_again: bool = False) -> Response:
    """Show the button; `is_again` where the press before it came without the mark of texts that were still missing."""
    wired = product()
    with wired.database.reading() as session:
        subscription = confirmable(session, confirmation_id=confirmation_id)
        if subscription is None:
            return _over(language, token)
        address = mask(subscription.subscriber.email)
        newsletter = session.get_one(Newsletter, subscription.newsletter_id)
        cancel_token = wired.link_tokens.sign("unsubscribe", subscription.public_id)
        has_proof = texts_of_request(session, subscription) is not None
        choices = said_choices(
            taxonomy_in_use(),
            chosen_by(session, subscription),
            letters_language=subscription.language,
            page_language=language,
        )
        statement = {} if has_proof else _statement(session, subscription, language)
    page = render_template(
        "public/confirm.html",
        address=address,
        **own_page(newsletter, language),
        cancel_token=cancel_token,
        choices=choices,
        is_again=is_again,
        **statement,
    )
    return make_response(page, REFUSED if is_again else 200)


def _forget_letters(session: Session, confirmation_id: str) -> None:
    """Forget how many letters the mailbox got without a confirmation, before its reader's row is held."""
    forget_mailbox_of(session, confirmable_by(confirmation_id), keys=counter_keys(now()))


def _statement(session: Session, subscription: Subscription, language: str) -> dict[str, object]:
    """Return what `_partials/statement.html` shows: the texts in force of the reader's newsletter, and their mark."""
    texts = current_texts(session, session.get_one(Newsletter, subscription.newsletter_id), language)
    return {
        "statement": cut_statement(texts.wording.statement),
        "token": make_form_token(product().form_tokens, texts.shown),
    }


def _shown(language: str) -> ShownTexts | None:
    """Return what the page that was pressed showed, if it showed texts.

    However young: whoever holds the link has read a letter, and need not prove here to be no robot.
    """
    _, shown = read_form_token(
        product().form_tokens, form_mark(request.form), language=language, now=now(), min_age_s=0
    )
    return shown
