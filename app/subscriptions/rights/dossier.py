"""All that is held of one reader, for them alone: what they see and download (GDPR art. 15 and 20).

Each part of the house that keeps something of readers has a teller, named in `app.factory`. What a teller returns holds
no other person (an admin is "admin"), and nothing that opens anything: no token, no key, no salt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import date, datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.newsletters.models import ConsentWording, Newsletter, PrivacyPolicy
from app.newsletters.wordings import cut_statement
from app.product import Teller
from app.subscriptions.kinds import ConsentMethod
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.questions.models import Question
from app.subscriptions.records import ConsentEvent, Suppression
from app.subscriptions.rights.address_change import AddressChange
from app.subscriptions.rights.log import requests_of
from app.subscriptions.suppression import address_hmac
from config import Config

#: Names the form of the download; another form would be another name.
FORM = "vigie.dossier.1"
#: What newsletters often keep of their readers, and we do not.
NEVER_HELD = ("IP addresses",)

#: How things come to be done that neither a reader nor an admin does.
BY_ITSELF = frozenset({ConsentMethod.CLOCK, ConsentMethod.RESTORE, ConsentMethod.BOUNCE})

Row = Mapping[str, object]


@dataclass(frozen=True)
class Dossier:
    """What each teller holds of one reader, by the teller's name."""

    made_at: datetime
    sections: Mapping[str, Sequence[Row]]

    def as_json(self, config: Config) -> dict[str, object]:
        """Return the download: plain values, times in ISO 8601, and with them who holds them and for how long."""
        identity = config.identity
        return {
            "form": FORM,
            "made_at": self.made_at.isoformat(),
            "controller": {
                "publication": identity.publication,
                "publisher": identity.publisher,
                "postal_address": identity.postal_address,
                "contact": identity.contact,
            },
            "held": {name: [_plain(row) for row in rows] for name, rows in self.sections.items()},
            "never_held": list(NEVER_HELD),
            "kept_for": asdict(config.retention),
        }


def gather(session: Session, *, subscriber_id: int, tellers: Mapping[str, Teller], now: datetime) -> Dossier:
    """Return all that `tellers` hold of a reader."""
    return Dossier(now, {name: teller(session, subscriber_id) for name, teller in tellers.items()})


def tellers(config: Config) -> Mapping[str, Teller]:
    """Return what gathers the tables of this package, by the names of what they hold."""
    return {
        "profile": profile,
        "subscriptions": subscriptions,
        "consents": consents,
        "suppressions": partial(suppressions, suppression_key=config.suppression_key),
        "address_changes": address_changes,
        "questions": questions,
        "rights_requests": rights_requests,
    }


def profile(session: Session, subscriber_id: int) -> list[Row]:
    """Return the address, and since when it is held."""
    subscriber = session.get_one(Subscriber, subscriber_id)
    return [
        {"email": subscriber.email, "held_since": subscriber.created_at, "restricted_since": subscriber.restricted_at}
    ]


def subscriptions(session: Session, subscriber_id: int) -> list[Row]:
    """Return the reader's places in newsletters."""
    found = session.scalars(
        select(Subscription).where(Subscription.subscriber_id == subscriber_id).order_by(Subscription.id)
    )
    return [
        {
            "newsletter": _newsletter_name(session, each.newsletter_id, each.language),
            "language": each.language,
            "status": each.status.value,
            "asked_at": each.requested_at,
            "confirmed_at": each.confirmed_at,
            "left_at": each.unsubscribed_at,
            "paused_until": each.paused_until,
            "is_withheld": each.is_withheld,
            "is_counted": each.is_counted,
        }
        for each in found
    ]


def consents(session: Session, subscriber_id: int) -> list[Row]:
    """Return the reader's chain, oldest first, each event with the texts that were in view."""
    found = session.execute(
        select(ConsentEvent, ConsentWording, PrivacyPolicy.version)
        .join(Subscriber, Subscriber.chain_id == ConsentEvent.chain_id)
        .outerjoin(ConsentWording, ConsentEvent.wording_id == ConsentWording.id)
        .outerjoin(PrivacyPolicy, ConsentEvent.policy_id == PrivacyPolicy.id)
        .where(Subscriber.id == subscriber_id)
        .order_by(ConsentEvent.seq)
    )
    return [_consent(session, event, wording, policy_version) for event, wording, policy_version in found]


def suppressions(session: Session, subscriber_id: int, *, suppression_key: str) -> list[Row]:
    """Return why the address gets no letters, where that is so."""
    email_key = session.get_one(Subscriber, subscriber_id).email_key
    digest = address_hmac(suppression_key, email_key)
    found = session.scalars(select(Suppression).where(Suppression.address_hmac == digest))
    return [{"reason": each.reason.value, "since": each.created_at} for each in found]


def address_changes(session: Session, subscriber_id: int) -> list[Row]:
    """Return the changes of address whose links still work."""
    found = session.scalars(
        select(AddressChange).where(AddressChange.subscriber_id == subscriber_id).order_by(AddressChange.id)
    )
    return [
        {
            "from": each.former_email,
            "to": each.email,
            "asked_at": each.requested_at,
            "confirmed_at": each.confirmed_at,
            "ended_at": each.ended_at,
        }
        for each in found
    ]


def rights_requests(session: Session, subscriber_id: int) -> list[Row]:
    """Return the requests that the reader made by letter or mail, and what was noted of them."""
    return [
        {
            "kind": each.kind.value,
            "reference": each.reference,
            "received_on": each.received_on,
            "due_on": each.due_on,
            "extended_at": each.extended_at,
            "answered_at": each.answered_at,
            "note": each.note,
        }
        for each in session.scalars(requests_of(subscriber_id))
    ]


def questions(session: Session, subscriber_id: int) -> list[Row]:
    """Return what the reader was asked by letter, and what came of it."""
    found = session.scalars(
        select(Question)
        .join(Subscription, Subscription.id == Question.subscription_id)
        .where(Subscription.subscriber_id == subscriber_id)
        .order_by(Question.id)
    )
    return [
        {
            "kind": each.kind.value,
            "asked_at": each.asked_at,
            "answer_until": each.answer_until,
            "state": each.state.value,
            "closed_at": each.closed_at,
        }
        for each in found
    ]


def _consent(session: Session, event: ConsentEvent, wording: ConsentWording | None, policy_version: int | None) -> Row:
    shown = wording and {
        "version": wording.version,
        "heading": wording.heading,
        "statement": "".join(astuple(cut_statement(wording.statement))),
        "button": wording.button,
    }
    newsletter = _newsletter_name(session, event.newsletter_id, event.language) if event.newsletter_id else None
    return {
        "at": event.at,
        "kind": event.kind.value,
        "method": event.method.value,
        "by": _who_did(event),
        "newsletter": newsletter,
        "language": event.language,
        "text_shown": shown,
        "policy_version": policy_version,
        "page": event.form_url,
        "detail": event.detail,
    }


def _who_did(event: ConsentEvent) -> str | None:
    """Return who of people did it; nobody where it came by itself."""
    if event.actor:
        return "admin"
    return None if event.method in BY_ITSELF else "reader"


def _newsletter_name(session: Session, newsletter_id: int, language: str) -> str | None:
    newsletter = session.get(Newsletter, newsletter_id)
    return newsletter.in_language(language).name if newsletter else None


def _plain(row: Row) -> dict[str, object]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
