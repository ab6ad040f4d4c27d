"""Leaving, by the link of any letter: one page with one button, and the same address for mail programs (RFC 8058)."""

from flask import render_template, request

from app.clock import now
from app.subscriptions.leaving import unsubscribe as end_subscription
from app.subscriptions.models import ConsentMethod
from app.web import product
from app.web.public import LANGUAGE, bp

#: The page's own button says so; whatever else is posted comes from a mail program.
BY_BUTTON = "button"


@bp.get(f"/{LANGUAGE}/unsubscribe/<token>", provide_automatic_options=False)
def unsubscribe(language: str, token: str) -> str:
    """Show the one button; nothing is looked up and nothing changes."""
    product().link_tokens.read("unsubscribe", token)
    return render_template("public/unsubscribe.html", by=BY_BUTTON)


@bp.post(f"/{LANGUAGE}/unsubscribe/<token>", provide_automatic_options=False)
def unsubscribe_submit(language: str, token: str) -> str:
    """End the subscription at once, whatever the body; the token is the only authority, no cookie is read or set."""
    public_id = product().link_tokens.read("unsubscribe", token)
    by_button = request.form.get("by") == BY_BUTTON
    method = ConsentMethod.UNSUBSCRIBE_PAGE if by_button else ConsentMethod.ONE_CLICK
    with product().database.transaction() as session:
        end_subscription(session, public_id=public_id, method=method, now=now())
    return render_template("public/unsubscribed.html")
