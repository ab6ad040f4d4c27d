"""One reader: how they stand, all that happened with them, and what can be done in their name.

Looking changes nothing of theirs, but who looked is in the audit log (GDPR art. 32; RFC 9110 §9.2.1 on safe methods).
"""

from datetime import UTC, datetime

from flask import render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app.admins.models import AuditAct, Role
from app.choices.choosing import chosen_by
from app.clock import now
from app.errors import AddressInvalid, InputRefused, NewsletterClosed, NotFound, TransitionRefused
from app.mail.address import parse_address
from app.readership.chronicle import read_chronicle
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.signup import add_subscriber
from app.subscriptions.suppression import close_address, find_suppression
from app.web import product, taxonomy_in_use
from app.web.admin import READER, bp
from app.web.admin.access import desk_language, needs, require
from app.web.admin.acts import note_act
from app.web.admin.choice import read_choice
from app.web.admin.listing import whole
from app.web.forms import printable

REFUSED = 422
_MICROSECONDS = 1_000_000


@bp.get(READER)
@needs(Role.ADMIN)
def reader(public_id: str) -> str:
    """Show one reader."""
    return reader_page(public_id)


@bp.get("/readers/new")
@needs(Role.ADMIN)
def reader_new() -> str:
    """Offer to add a reader who asked by other means."""
    return _new_page(None, "")


@bp.post("/readers/new")
@needs(Role.ADMIN)
def reader_new_submit() -> Response | tuple[str, int]:
    """Add a reader: they get the letter that asks them to confirm, and nothing else before they do."""
    typed = request.form.get("email", "").strip()
    try:
        with product().database.transaction() as session:
            newsletter = read_choice(session).newsletter
            added = add_subscriber(
                session,
                address=parse_address(typed),
                language=newsletter.in_language(request.form.get("letters_language", "")).language,
                newsletter_id=newsletter.id,
                actor=require().email,
                suppression_key=product().config.suppression_key,
                now=now(),
            )
            public_id = added.subscriber.public_id
            note_act(session, AuditAct.READER_ADDED, f"reader:{public_id}")
    except AddressInvalid:
        return _new_again("address", typed)
    except NewsletterClosed:
        return _new_again("closed", typed)
    except TransitionRefused:
        return _new_again("known", typed)
    return redirect(url_for("admin.reader", public_id=public_id, note="reader-added"), code=303)


@bp.post(f"{READER}/suppression")
@needs(Role.ADMIN)
def reader_suppression_submit(public_id: str) -> Response | tuple[str, int]:
    """Mail this reader no more, for a reason that is given."""
    key, note = product().config.suppression_key, request.form.get("note", "").strip()
    try:
        with product().database.transaction() as session:
            email_key, actor = find_reader(session, public_id).email_key, require().email
            close_address(session, email_key=email_key, suppression_key=key, actor=actor, note=note, now=now())
            note_act(session, AuditAct.ADDRESS_SUPPRESSED, f"reader:{public_id}")
    except InputRefused:
        return reader_page(public_id, problem="note"), REFUSED
    return redirect(url_for("admin.reader", public_id=public_id, note="suppressed"), code=303)


def reader_page(public_id: str, *, problem: str | None = None) -> str:
    """Return the page of a reader; `problem` names what was refused, as the template has words for it.

    Raises NotFound.
    """
    with product().database.reading() as session:
        subscriber = find_reader(session, public_id)
        theirs = select(Subscription).where(Subscription.subscriber_id == subscriber.id).order_by(Subscription.id)
        subscriptions = session.scalars(theirs).all()
        choice = read_choice(session)
        of = {each.newsletter_id for each in subscriptions if each.status is not SubscriptionStatus.UNSUBSCRIBED}
        spoken = [code for each in choice.newsletters if each.id in of for code in each.language_codes]
        page = {
            "reader": subscriber,
            "newsletters": choice.names(desk_language()),
            "standing": [(each, chosen_by(session, each)) for each in subscriptions],
            "chronicle": read_chronicle(session, subscriber, before=_asked_before()),
            "suppression": find_suppression(
                session, email_key=subscriber.email_key, suppression_key=product().config.suppression_key
            ),
        }
    with product().database.transaction() as session:  # apart: nobody else writes to SQLite while one is open
        note_act(session, AuditAct.READER_SHOWN, f"reader:{public_id}")
    return render_template(
        "admin/readers/reader.html",
        **page,
        chosen=subscriptions[0].language if subscriptions else None,
        letters_languages=list(dict.fromkeys(spoken)),
        problem=problem,
        topic_name=lambda key: taxonomy_in_use().label(key, desk_language()),
        moment=moment,
    )


def find_reader(session: Session, public_id: str) -> Subscriber:
    """Return a reader. Raises NotFound."""
    found = session.scalar(select(Subscriber).where(Subscriber.public_id == public_id))
    if found is None:
        raise NotFound("no such reader")
    return found


def moment(at: datetime) -> int:
    """Return a time as an address of the desk names it, in microseconds since 1970."""
    return round(at.timestamp() * _MICROSECONDS)


def _asked_before() -> datetime | None:
    asked = request.args.get("before", type=whole)
    latest = moment(now())
    return None if asked is None or asked > latest else datetime.fromtimestamp(asked / _MICROSECONDS, UTC)


def _new_again(problem: str, typed: str) -> tuple[str, int]:
    return _new_page(problem, typed), REFUSED


def _new_page(problem: str | None, typed: str) -> str:
    with product().database.reading() as session:
        choice = read_choice(session)
    return render_template("admin/readers/new.html", problem=problem, typed=printable(typed), choice=choice)
