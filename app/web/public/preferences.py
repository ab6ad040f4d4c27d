"""A reader's own page, reached by the link of a letter: which language, and the way out."""

from flask import Response, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from app import i18n
from app.clock import now
from app.errors import InputRefused, NotFound, TransitionRefused
from app.mail.address import mask
from app.subscriptions.models import Subscription, SubscriptionStatus, subscription_by_public_id
from app.subscriptions.preferences import change_language
from app.web import product
from app.web.public import LANGUAGE, bp
from app.web.public.counting import counting_form


@bp.get(f"/{LANGUAGE}/preferences/<token>", provide_automatic_options=False)
def preferences(language: str, token: str) -> Response:
    """Show the choices; to somebody who has left, or whose data is gone, the way back in."""
    public_id = product().link_tokens.read("preferences", token)
    with product().database.reading() as session:
        subscription = _confirmed(session, public_id)
        if subscription is None:
            return make_response(render_template("public/not_subscribed.html"))
        page = render_template(
            "public/preferences.html",
            address=mask(subscription.subscriber.email),
            chosen=subscription.language,
            languages=i18n.LANGUAGES,
            token=token,
            leave_token=product().link_tokens.sign("unsubscribe", public_id),
            counting=counting_form(session, language, is_counted=subscription.is_counted),
            is_welcome="welcome" in request.args,
            is_saved="saved" in request.args,
        )
    return make_response(page)


@bp.post(f"/{LANGUAGE}/preferences/<token>", provide_automatic_options=False)
def preferences_submit(language: str, token: str) -> BaseResponse:
    """Store the choice, and show the page in the language chosen."""
    public_id = product().link_tokens.read("preferences", token)
    chosen = request.form.get("letters_language", "")
    if chosen not in i18n.LANGUAGES:
        raise InputRefused("no such language")
    try:
        with product().database.transaction() as session:
            change_language(session, public_id=public_id, language=chosen, now=now())
    except (NotFound, TransitionRefused):
        return redirect(url_for("public.preferences", language=language, token=token), code=303)
    return redirect(url_for("public.preferences", language=chosen, token=token, saved=""), code=303)


def _confirmed(session: Session, public_id: str) -> Subscription | None:
    subscription = session.scalars(subscription_by_public_id(public_id)).one_or_none()
    if subscription is None or subscription.status is not SubscriptionStatus.CONFIRMED:
        return None
    return subscription
