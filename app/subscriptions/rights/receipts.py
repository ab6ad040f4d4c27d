"""Receipts: signed documents by which a reader, or a regulator, can hold us to what the ledger says.

A receipt holds all of a reader's chain, the texts that were shown, word for word, and the salt that ties the chain to
the address: with it the reader can show, even once they are erased, that the chain is theirs. Keep it as one keeps a
letter. A page shows it with `templates/public/receipt.html`, or `erasure_receipt.html`; `document` is the file.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.links import Links
from app.newsletters.models import ConsentWording, Newsletter, PrivacyPolicy
from app.product import Product
from app.settings.publication import Identity
from app.signing import Document
from app.subscriptions.ledger import GENESIS, Chain, address_hash
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import ConsentEvent
from config import Config

FORM = "vigie.receipt.1"
ERASURE_FORM = "vigie.erasure-receipt.1"
#: What goes with an erased reader, and what stays, by which rule; templates have the sentences.
DELETED = ("address", "subscriptions", "salt", "replies")
KEPT = (("suppression", "GDPR art. 21(3)"), ("chain", "GDPR art. 17(3)(e)"), ("counts", "GDPR recital 26"))


class Place(NamedTuple):
    """One subscription as a receipt tells it, with what its reader calls the newsletter."""

    subscription: Subscription
    newsletter: str


class Shown(NamedTuple):
    """One event as a receipt tells it, with what its reader called the newsletter and the texts on the page."""

    event: ConsentEvent
    newsletter: str | None
    wording: ConsentWording | None
    policy: PrivacyPolicy | None


@dataclass(frozen=True)
class Receipt:
    """What a page shows of a receipt, and the signed `document` itself."""

    issued_at: datetime
    identity: Identity
    subscriber: Subscriber
    places: list[Place]
    shown: list[Shown]
    wordings: list[ConsentWording]
    zone: str
    document: Document

    @property
    def end_hash(self) -> str:
        """The hash of the last event, which stands for the whole chain."""
        return self.shown[-1].event.hash if self.shown else GENESIS


@dataclass(frozen=True)
class ErasureReceipt:
    """What a page shows of an erasure, and the signed `document` itself; neither holds the address."""

    issued_at: datetime
    identity: Identity
    last: ConsentEvent
    zone: str
    document: Document


def make_receipt(session: Session, subscriber: Subscriber, *, product: Product, now: datetime) -> Receipt:
    """Return the receipt of all that `subscriber` asked for, confirmed and changed (GDPR art. 7(1), 15 and 20).

    Only the reader may have it, and an admin for them: whoever makes one puts it into the audit log.
    """
    shown = _shown(session, subscriber.chain_id)
    rows = select(Subscription).where(Subscription.subscriber_id == subscriber.id).order_by(Subscription.id)
    subscriptions = list(session.scalars(rows))
    wordings = {each.wording.id: each.wording for each in shown if each.wording}
    policies = {each.policy.id: each.policy for each in shown if each.policy}
    said = {
        **_head(FORM, product.config, now),
        "reader": _reader(Chain.of(subscriber), subscriber.email),
        "chain": _chain(subscriber.chain_id, shown[-1].event if shown else None),
        "subscriptions": [_subscription(session, each) for each in subscriptions],
        "events": [_event(each) for each in shown],
        "wordings": [_wording(each) for each in wordings.values()],
        "policies": [_policy(each, product.links) for each in policies.values()],
    }
    return Receipt(
        issued_at=now,
        identity=product.config.identity,
        subscriber=subscriber,
        places=[_place(session, each) for each in subscriptions],
        shown=shown,
        wordings=list(wordings.values()),
        zone=product.config.timezone,
        document=product.proof_keys.sign(said),
    )


def make_erasure_receipt(last: ConsentEvent, *, product: Product, now: datetime) -> ErasureReceipt:
    """Return the receipt of an erasure, from what `erase_reader` returned (GDPR art. 12(3) and 17)."""
    said = {
        **_head(ERASURE_FORM, product.config, now),
        "chain": _chain(last.chain_id, last),
        "erased_at": _time(last.at),
        "method": last.method.value,
        "deleted": list(DELETED),
        "kept": [{"what": what, "law": law} for what, law in KEPT],
        "proof_years": product.config.retention.proof_years,
    }
    return ErasureReceipt(now, product.config.identity, last, product.config.timezone, product.proof_keys.sign(said))


def _shown(session: Session, chain_id: str) -> list[Shown]:
    query = (
        select(ConsentEvent, Newsletter, ConsentWording, PrivacyPolicy)
        .outerjoin(Newsletter, Newsletter.id == ConsentEvent.newsletter_id)
        .outerjoin(ConsentWording, ConsentWording.id == ConsentEvent.wording_id)
        .outerjoin(PrivacyPolicy, PrivacyPolicy.id == ConsentEvent.policy_id)
        .where(ConsentEvent.chain_id == chain_id)
        .order_by(ConsentEvent.seq)
    )
    return [
        Shown(event, newsletter.in_language(event.language).name if newsletter else None, wording, policy)
        for event, newsletter, wording, policy in session.execute(query)
    ]


def _head(form: str, config: Config, now: datetime) -> Document:
    identity = config.identity
    return {
        "form": form,
        "issued_at": _time(now),
        "issuer": {
            "publication": identity.publication,
            "publisher": identity.publisher,
            "postal_address": identity.postal_address,
            "contact": identity.contact,
            "url": config.public_url,
        },
    }


def _reader(chain: Chain, email: str) -> Document:
    return {
        "email": email,
        "email_key": chain.email_key,
        "salt": chain.salt,
        "address_hash": address_hash(chain.salt, chain.email_key),
    }


def _chain(chain_id: str, last: ConsentEvent | None) -> Document:
    return {"chain_id": chain_id, "seq": last.seq if last else 0, "hash": last.hash if last else GENESIS}


def _place(session: Session, subscription: Subscription) -> Place:
    newsletter = session.get_one(Newsletter, subscription.newsletter_id)
    return Place(subscription, newsletter.in_language(subscription.language).name)


def _subscription(session: Session, subscription: Subscription) -> Document:
    return {
        "newsletter": session.get_one(Newsletter, subscription.newsletter_id).slug,
        "newsletter_id": subscription.newsletter_id,
        "language": subscription.language,
        "status": subscription.status.value,
        "requested_at": _time(subscription.requested_at),
        "confirmed_at": _time(subscription.confirmed_at),
        "unsubscribed_at": _time(subscription.unsubscribed_at),
    }


def _event(shown: Shown) -> Document:
    """Return what is recorded, but the name of an admin: who of us did it is no data of the reader's."""
    event = shown.event
    return {
        "seq": event.seq,
        "kind": event.kind.value,
        "method": event.method.value,
        "at": _time(event.at),
        "newsletter_id": event.newsletter_id,
        "language": event.language,
        "wording_id": event.wording_id,
        "policy_id": event.policy_id,
        "form_url": event.form_url,
        "by_admin": event.actor is not None,
        "detail": event.detail,
        "address_hash": event.address_hash,
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }


def _wording(wording: ConsentWording) -> Document:
    return {
        "id": wording.id,
        "purpose": wording.purpose.value,
        "language": wording.language,
        "version": wording.version,
        "heading": wording.heading,
        "statement": wording.statement,
        "button": wording.button,
        "sha256": wording.sha256,
    }


def _policy(policy: PrivacyPolicy, links: Links) -> Document:
    return {
        "id": policy.id,
        "language": policy.language,
        "version": policy.version,
        "url": links.privacy_version(policy.language, policy.version),
        "sha256": policy.sha256,
    }


def _time(value: datetime | None) -> str | None:
    return value.astimezone(UTC).isoformat(timespec="microseconds") if value else None
