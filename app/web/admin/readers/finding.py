"""Readers: find one by address, see what was agreed to and what was sent.

Looking changes nothing of theirs, but who looked is in the audit log (GDPR art. 32; RFC 9110 §9.2.1 on safe methods).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template, request
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from app.admins.models import AuditAct
from app.delivery.models import Delivery
from app.errors import NotFound
from app.feedback.reading import ToldEvent, events_of_reader
from app.newsletters.models import ConsentWording, PrivacyPolicy, newsletter_by_slug
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.models import ConsentEvent, Subscriber, Subscription, Suppression
from app.subscriptions.suppression import find_suppression
from app.web import product
from app.web.admin import bp
from app.web.admin.acts import note_act
from app.web.admin.listing import asked_before, newest_first

SEARCH_MAX = 254
SHOWN_DELIVERIES = 20


@dataclass(frozen=True)
class Dossier:
    """What is kept of one reader. Each consent event comes with the versions of the texts that were shown."""

    subscriber: Subscriber
    subscriptions: list[Subscription]
    events: list[tuple[ConsentEvent, int | None, int | None]]
    deliveries: list[Delivery]
    feedback: Sequence[ToldEvent]
    suppression: Suppression | None


@bp.get("/readers")
def readers() -> str:
    """List readers, or those whose address holds what is searched for."""
    search, status = _asked_address(), request.args.get("status", type=SubscriptionStatus)
    with product().database.transaction() as session:
        page = newest_first(session, find_subscriptions(search, status), Subscription.id, before=asked_before())
        newsletter_id = session.scalars(newsletter_by_slug()).one().id
        note_act(session, AuditAct.READERS_LISTED, "readers", f"rows {len(page.rows)}")
    return render_template(
        "admin/readers/readers.html",
        page=page,
        search=search,
        status=status,
        statuses=SubscriptionStatus,
        newsletter_id=newsletter_id,
    )


@bp.get("/readers/<public_id>")
def reader(public_id: str) -> str:
    """Show what is kept of one reader."""
    with product().database.transaction() as session:
        dossier = read_dossier(session, public_id)
        note_act(session, AuditAct.READER_SHOWN, f"reader:{public_id}")
    return render_template("admin/readers/reader.html", dossier=dossier)


def find_subscriptions(search: str, status: SubscriptionStatus | None) -> Select[Subscription]:
    """Select subscriptions by a part of the address and by status; signs like % stand for themselves."""
    query = select(Subscription).join(Subscription.subscriber).options(joinedload(Subscription.subscriber))
    if search:
        query = query.where(Subscriber.email_key.contains(search.lower(), autoescape=True))
    return query.where(Subscription.status == status) if status else query


def read_dossier(session: Session, public_id: str) -> Dossier:
    """Read everything kept of one reader. Raises NotFound."""
    subscriber = session.scalar(select(Subscriber).where(Subscriber.public_id == public_id))
    if subscriber is None:
        raise NotFound("no such reader")
    subscriptions = list(session.scalars(select(Subscription).where(Subscription.subscriber_id == subscriber.id)))
    events = (
        select(ConsentEvent, ConsentWording.version, PrivacyPolicy.version)
        .outerjoin(ConsentWording, ConsentEvent.wording_id == ConsentWording.id)
        .outerjoin(PrivacyPolicy, ConsentEvent.policy_id == PrivacyPolicy.id)
        .where(ConsentEvent.chain_id == subscriber.chain_id)
        .order_by(ConsentEvent.seq.desc())
    )
    letters = (
        select(Delivery)
        .where(Delivery.subscriber_id == subscriber.id)
        .order_by(Delivery.id.desc())
        .options(joinedload(Delivery.chunk))
    )
    return Dossier(
        subscriber=subscriber,
        subscriptions=subscriptions,
        events=[(event, wording, policy) for event, wording, policy in session.execute(events)],
        deliveries=list(session.scalars(letters.limit(SHOWN_DELIVERIES))),
        feedback=events_of_reader(session, subscriber.id),
        suppression=find_suppression(
            session, email_key=subscriber.email_key, suppression_key=product().config.suppression_key
        ),
    )


def _asked_address() -> str:
    """Return what is searched for; control characters are in no address, and PostgreSQL takes no NUL."""
    typed = request.args.get("q", "").strip()[:SEARCH_MAX]
    return "".join(character for character in typed if character.isprintable())
