"""Leaving, by the link of any letter: one page with one button, and the same address for mail programs (RFC 8058)."""

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.clock import now
from app.digests.coverage import making_up
from app.errors import DepartureStands, TokenExpired
from app.subscriptions.form.limits import forget_mailbox_of
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.leaving import UNDO_WITHIN, undo_departure
from app.subscriptions.leaving import unsubscribe as end_subscription
from app.subscriptions.models import Subscription, subscription_by_public_id
from app.web import product
from app.web.proving import counter_keys
from app.web.public import LANGUAGE, about_newsletter, bp
from app.web.public.asked import newsletter_of_link

#: The page's own button says so; whatever else is posted comes from a mail program.
BY_BUTTON = "button"
STANDS = 409


@bp.get(f"/{LANGUAGE}/unsubscribe/<token>", provide_automatic_options=False)
def unsubscribe(language: str, token: str) -> str:
    """Show the one button; nothing of the reader is shown, and nothing changes."""
    public_id = product().link_tokens.read("unsubscribe", token)
    with product().database.reading() as session:
        newsletter = newsletter_of_link(session, public_id)
    return render_template("public/unsubscribe.html", by=BY_BUTTON, **about_newsletter(newsletter, language))


@bp.post(f"/{LANGUAGE}/unsubscribe/<token>", provide_automatic_options=False)
def unsubscribe_submit(language: str, token: str) -> str:
    """End the subscription at once, whatever the body; the token is the only authority, no cookie is read or set."""
    public_id = product().link_tokens.read("unsubscribe", token)
    by_button = request.form.get("by") == BY_BUTTON
    method = ConsentMethod.UNSUBSCRIBE_PAGE if by_button else ConsentMethod.ONE_CLICK
    with product().database.transaction() as session:
        newsletter = newsletter_of_link(session, public_id)
        # Not for a request that nobody confirmed: its mailbox wants to be left alone.
        reader = subscription_by_public_id(public_id).where(Subscription.confirmed_at.is_not(None))
        forget_mailbox_of(session, reader, keys=counter_keys(now()))
        end_subscription(session, public_id=public_id, method=method, now=now())
    # Whatever was known of the reader: the same page, with the same button.
    undo_token = product().link_tokens.sign("undo", public_id, at=now()) if by_button else None
    minutes = UNDO_WITHIN.seconds // 60
    return render_template(
        "public/unsubscribed.html",
        undo_token=undo_token,
        undo_minutes=minutes,
        **about_newsletter(newsletter, language),
    )


@bp.post(f"/{LANGUAGE}/undo/<token>", provide_automatic_options=False)
def undo_submit(language: str, token: str) -> Response:
    """Take a departure of a moment ago back, or say why it stands, and what can be done."""
    wired = product()
    try:
        public_id = wired.link_tokens.read("undo", token, max_age_s=int(UNDO_WITHIN.total_seconds()))
        with wired.database.transaction() as session, making_up(session, public_id, now()):
            undo_departure(session, public_id=public_id, suppression_key=wired.config.suppression_key, now=now())
    except TokenExpired:
        return _stands(language, token, "late")
    except DepartureStands as refusal:
        return _stands(language, token, refusal.why)
    preferences = wired.link_tokens.sign("preferences", public_id)
    return redirect(url_for("public.preferences", language=language, token=preferences, back=""), code=303)


def _stands(language: str, undo_token: str, why: str) -> Response:
    """Show that a departure is not taken back, and the way into the newsletter that was left."""
    minutes = UNDO_WITHIN.seconds // 60
    page = render_template("public/departure_stands.html", why=why, undo_minutes=minutes, **_left(undo_token, language))
    return make_response(page, STANDS)


def _left(undo_token: str, language: str) -> dict[str, object]:
    """Return what a page says of the newsletter that was left, as long as anything is known of it."""
    known_s = product().config.retention.left_days * 86_400
    try:
        public_id = product().link_tokens.read("undo", undo_token, max_age_s=known_s)
    except TokenExpired:
        return about_newsletter(None, language)
    with product().database.reading() as session:
        return about_newsletter(newsletter_of_link(session, public_id), language)
