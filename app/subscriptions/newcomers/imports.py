"""Readers who come with a list: whoever comes with proof of consent is subscribed, whoever comes without is held.

Nobody who is known already, in whatever state, is changed, and nobody whose address may not be mailed comes back:
only the owner of the mailbox can do that.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.db import insert_into, new_public_id
from app.errors import InputRefused
from app.mail.address import Address
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.ledger import Act, Chain, begin_chains
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.suppression import suppressed_among

#: Characters; with the date it fits into an event's detail.
NO_PROOF = "no proof of consent"
SOURCE_MAX = 120


@dataclass(frozen=True)
class Provenance:
    """Where and when consent was given, as whoever imports says: without both, nothing is proved (GDPR art. 7(1))."""

    source: str
    consented_at: datetime


@dataclass(frozen=True)
class Newcomer:
    """One row of a list."""

    address: Address
    language: str
    provenance: Provenance | None


class Arrival(StrEnum):
    """What became of a row."""

    SUBSCRIBED = "subscribed"
    HELD = "held"
    KNOWN = "known"
    SUPPRESSED = "suppressed"


def import_readers(
    session: Session,
    newcomers: Sequence[Newcomer],
    *,
    newsletter_id: int,
    actor: str,
    suppression_key: str,
    now: datetime,
) -> Counter[Arrival]:
    """Add those that are new, a few thousand at a time at most, and return how many rows became what.

    An address that stands twice is known the second time. Raises InputRefused for a date of consent in the future and
    for a source that is empty or too long.
    """
    for newcomer in newcomers:
        check_provenance(newcomer.provenance, now)
    wanted = {newcomer.address.key: newcomer for newcomer in reversed(newcomers)}
    suppressed = suppressed_among(session, wanted.keys(), suppression_key=suppression_key)
    free = [newcomer for key, newcomer in wanted.items() if key not in suppressed]
    added = _add(session, free, newsletter_id=newsletter_id, actor=actor, now=now)
    counts = Counter(Arrival.HELD if newcomer.provenance is None else Arrival.SUBSCRIBED for newcomer in added)
    counts[Arrival.SUPPRESSED] = sum(newcomer.address.key in suppressed for newcomer in newcomers)
    counts[Arrival.KNOWN] = len(newcomers) - counts.total()
    return counts


def check_provenance(provenance: Provenance | None, now: datetime) -> None:
    """Refuse what cannot be where consent comes from. Raises InputRefused."""
    if provenance is None:
        return
    if provenance.consented_at > now:
        raise InputRefused("consent cannot have been given in the future")
    if not provenance.source.strip() or len(provenance.source) > SOURCE_MAX or not provenance.source.isprintable():
        raise InputRefused(f"the source of a consent is a line of at most {SOURCE_MAX} characters")


def _add(
    session: Session, newcomers: Sequence[Newcomer], *, newsletter_id: int, actor: str, now: datetime
) -> list[Newcomer]:
    """Add readers, their subscriptions and the events that say so; return those who were not known."""
    if not newcomers:
        return []
    by_key = {newcomer.address.key: newcomer for newcomer in newcomers}
    chains = {key: Chain(new_public_id(), new_public_id(), key) for key in by_key}
    ids = _insert_readers(session, by_key, chains, now)
    rows = [_subscription_row(by_key[key], subscriber_id, newsletter_id, now) for key, subscriber_id in ids.items()]
    if not rows:
        return []
    adding = insert(Subscription).returning(Subscription.subscriber_id, Subscription.id)
    places = {reader: place for reader, place in session.execute(adding, rows)}  # noqa: C416 - as below
    acts = ((chains[key], _act(by_key[key], actor, now), places[subscriber_id]) for key, subscriber_id in ids.items())
    begin_chains(session, acts, newsletter_id=newsletter_id)
    return [by_key[key] for key in ids]


def _insert_readers(
    session: Session, by_key: dict[str, Newcomer], chains: dict[str, Chain], now: datetime
) -> dict[str, int]:
    rows = [
        {"public_id": new_public_id(), "email": newcomer.address.display, "email_ascii": newcomer.address.ascii,
         "email_key": key, "chain_id": chains[key].chain_id, "chain_salt": chains[key].salt, "created_at": now}
        for key, newcomer in sorted(by_key.items())
    ]  # fmt: skip
    adding = insert_into(session, Subscriber).values(rows).on_conflict_do_nothing(index_elements=["email_key"])
    added = session.execute(adding.returning(Subscriber.email_key, Subscriber.id))
    return {email_key: subscriber_id for email_key, subscriber_id in added}  # noqa: C416 - a Row is no tuple to mypy


def _subscription_row(newcomer: Newcomer, subscriber_id: int, newsletter_id: int, now: datetime) -> dict[str, object]:
    proof = newcomer.provenance
    return {
        "public_id": new_public_id(),
        "newsletter_id": newsletter_id,
        "subscriber_id": subscriber_id,
        "status": SubscriptionStatus.HELD if proof is None else SubscriptionStatus.CONFIRMED,
        "language": newcomer.language,
        "requested_at": now if proof is None else proof.consented_at,
        "confirmed_at": None if proof is None else proof.consented_at,
    }


def _act(newcomer: Newcomer, actor: str, now: datetime) -> Act:
    proof = newcomer.provenance
    detail = NO_PROOF if proof is None else f"{proof.consented_at.date().isoformat()}: {proof.source}"
    return Act(ConsentKind.IMPORTED, ConsentMethod.ADMIN, now, newcomer.language, actor=actor, detail=detail)
