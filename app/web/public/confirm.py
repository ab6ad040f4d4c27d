"""Confirming a sign-up: a page that changes nothing, and the press that does.

A request made in a reader's name had no form, so this page shows what the form would have, and keeps the proof of it.
"""

from flask import Response, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from app.choices.choosing import chosen_by
from app.clock import now
from app.digests.schedule import ensure_schedules
from app.errors import NotFound, TextsNotShown, TokenInvalid, TransitionRefused
from app.mail.address import mask
from app.newsletters.wordings import ShownTexts, cut_statement, newsletter_of_form
from app.subscriptions.form.limits import forget_mailbox_of
from app.subscriptions.signup import confirm_subscription, confirmable, confirmable_by, texts_of_request
from app.web import product, taxonomy_in_use
from app.web.forms import form_mark, make_form_token, read_form_token
from app.web.proving import counter_keys
from app.web.public import LANGUAGE, bp
from app.web.public.choice_form import said_choices
from app.web.public.signup import REFUSED, current_texts, show_resend_form

GONE = 400


@bp.get(f"/{LANGUAGE}/confirm/<token>", provide_automatic_options=False)
def confirm(language: str, token: str) -> Response:
    """Show the button, or a way to a new letter where the link is no longer good."""
    confirmation_id = _read(token)
    if confirmation_id is None:
        return show_resend_form(language, GONE)
    return _page(language, confirmation_id)


@bp.post(f"/{LANGUAGE}/confirm/<token>", provide_automatic_options=False)
def confirm_submit(language: str, token: str) -> BaseResponse:
    """Confirm, and go on to the preferences; the same press twice ends in the same place."""
    confirmation_id = _read(token)
    if confirmation_id is None:
        return show_resend_form(language, GONE)
    try:
        with product().database.transaction() as session:
            shown = _shown(session, language)
            _forget_letters(session, confirmation_id)
            subscription = confirm_subscription(
                session,
                confirmation_id=confirmation_id,
                suppression_key=product().config.suppression_key,
                shown=shown,
                now=now(),
            )
            ensure_schedules(session, subscription, now())
    except (NotFound, TransitionRefused):
        return show_resend_form(language, GONE)
    except TextsNotShown:
        return _page(language, confirmation_id, is_again=True)
    preferences = product().link_tokens.sign("preferences", subscription.public_id)
    return redirect(url_for("public.preferences", language=language, token=preferences, welcome=""), code=303)


def _read(token: str) -> str | None:
    max_age_s = product().config.retention.confirm_hours * 3600
    try:
        return product().link_tokens.read("confirm", token, max_age_s=max_age_s)
    except TokenInvalid:
        return None


def _page(language: str, confirmation_id: str, *, is_again: bool = False) -> Response:
    """Show the button; `is_again` where the press before it came without the mark of texts that were still missing."""
    wired = product()
    with wired.database.reading() as session:
        subscription = confirmable(session, confirmation_id=confirmation_id)
        if subscription is None:
            return show_resend_form(language, GONE)
        address = mask(subscription.subscriber.email)
        cancel_token = wired.link_tokens.sign("unsubscribe", subscription.public_id)
        has_proof = texts_of_request(session, subscription) is not None
        choices = said_choices(
            taxonomy_in_use(),
            chosen_by(session, subscription),
            letters_language=subscription.language,
            page_language=language,
        )
    statement = {} if has_proof else _statement(language)
    page = render_template(
        "public/confirm.html",
        address=address,
        cancel_token=cancel_token,
        choices=choices,
        is_again=is_again,
        **statement,
    )
    return make_response(page, REFUSED if is_again else 200)


def _forget_letters(session: Session, confirmation_id: str) -> None:
    """Forget how many letters the mailbox got without a confirmation, before its reader's row is held."""
    forget_mailbox_of(session, confirmable_by(confirmation_id), keys=counter_keys(now()))


def _statement(language: str) -> dict[str, object]:
    """Return what `_partials/statement.html` shows: the texts in force, and their mark."""
    texts = current_texts(language)
    return {
        "statement": cut_statement(texts.wording.statement),
        "token": make_form_token(product().form_tokens, texts.shown),
    }


def _shown(session: Session, language: str) -> ShownTexts | None:
    """Return what the page that was pressed showed, if it showed texts that the database has.

    However young: whoever holds the link has read a letter, and need not prove here to be no robot.
    """
    _, shown = read_form_token(
        product().form_tokens, form_mark(request.form), language=language, now=now(), min_age_s=0
    )
    return shown if shown and newsletter_of_form(session, shown) is not None else None
