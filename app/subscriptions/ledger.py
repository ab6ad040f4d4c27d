"""The consent ledger: each reader's events are a chain in which every event holds the hash of the one before.

An event is added and never changed. What is personal enters a hash only with the reader's salt: once that is gone with
the address, the chain still verifies and tells of nobody. Chains share nothing, so readers never wait for each other;
whoever adds to one holds its reader's row (`locking`), or has just made it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam, literal, select
from sqlalchemy.orm import Session

from app.subscriptions.departure_models import Departure
from app.subscriptions.models import (
    OWN_METHODS,
    ConsentEvent,
    ConsentKind,
    ConsentMethod,
    ConsentStub,
    Subscriber,
    Subscription,
)

#: What the first event of a chain holds in place of an earlier one's hash.
GENESIS = ""
#: Names the form of what is hashed; another form would be another name.
_FORM = "vigie.consent.1"
#: What ends a subscription: it is written down outside the database too, so that no restore takes it back.
_ENDINGS = frozenset({ConsentKind.UNSUBSCRIBED, ConsentKind.LAPSED})
#: Made once: to make it costs as much as to use it.
_WRITER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
#: What an event says, in the order in which it is hashed.
_SAID = (
    "chain_id", "seq", "previous_hash", "newsletter_id", "kind", "method", "at", "language", "wording_id", "policy_id",
    "form_url", "actor", "detail", "address_hash",
)  # fmt: skip
_AT = _SAID.index("at")
#: Built once: it runs with every sign-up of a known address.
_LAST = (
    select(ConsentEvent.seq, ConsentEvent.hash)
    .where(ConsentEvent.chain_id == bindparam("chain"))
    .order_by(ConsentEvent.seq.desc())
    .limit(1)
)


class Chain(NamedTuple):
    """One reader's chain, and what ties it to their address."""

    chain_id: str
    salt: str
    email_key: str

    @classmethod
    def of(cls, subscriber: Subscriber) -> "Chain":
        """Return the chain of `subscriber`."""
        return cls(subscriber.chain_id, subscriber.chain_salt, subscriber.email_key)


@dataclass(frozen=True)
class Act:
    """What an event records: what was done, how and when, and which texts were shown."""

    kind: ConsentKind
    method: ConsentMethod
    at: datetime
    language: str
    wording_id: int | None = None
    policy_id: int | None = None
    form_url: str | None = None
    actor: str | None = None
    detail: str | None = None


def record_act(session: Session, subscription: Subscription, act: Act) -> ConsentEvent:
    """Add what was done with `subscription` to its reader's chain; the caller holds the reader's row."""
    return append(session, Chain.of(subscription.subscriber), act, subscription=subscription)


def record_reader_act(session: Session, subscriber: Subscriber, act: Act) -> ConsentEvent:
    """Add what was done with all that is kept of a reader; the caller holds the reader's row."""
    if act.method in OWN_METHODS:
        theirs = Subscription.subscriber_id == subscriber.id
        session.execute(sa.update(Subscription).where(theirs).values(acted_at=act.at))
    return append(session, Chain.of(subscriber), act)


def append(
    session: Session, chain: Chain, act: Act, *, subscription: Subscription | None = None, is_new: bool = False
) -> ConsentEvent:
    """Add `act` to `chain`, and leave it to the next flush. A chain that `is_new` is not looked up."""
    seq, previous_hash = (0, GENESIS) if is_new else _end(session, chain.chain_id)
    event = ConsentEvent(
        chain_id=chain.chain_id,
        seq=seq + 1,
        newsletter_id=subscription.newsletter_id if subscription else None,
        kind=act.kind,
        method=act.method,
        at=act.at,
        language=act.language,
        wording_id=act.wording_id,
        policy_id=act.policy_id,
        form_url=act.form_url,
        actor=act.actor,
        detail=act.detail,
        address_hash=address_hash(chain.salt, chain.email_key),
        previous_hash=previous_hash,
    )
    event.hash = event_hash(event)
    if subscription is not None:
        event.subscription = subscription
        if act.method in OWN_METHODS:
            subscription.acted_at = act.at
    session.add(event)
    if act.kind in _ENDINGS:
        session.add(Departure(chain_id=chain.chain_id, newsletter_id=event.newsletter_id, at=act.at))
    return event


def event_hash(event: ConsentEvent) -> str:
    """Return the SHA-256, in hex, over all that `event` says, its place in the chain and the hash before it.

    The form is a JSON array in UTF-8 without blanks; times are UTC to the microsecond.
    """
    return said_hash([getattr(event, name) for name in _SAID])


def said_hash(said: Sequence[Any]) -> str:
    """Return the hash of an event from the columns of `chained_events` up to its own hash."""
    at = said[_AT].astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(_WRITER.encode([_FORM, *said[:_AT], at, *said[_AT + 1 :]]).encode()).hexdigest()


def chained_events() -> sa.Select[*tuple[Any, ...]]:
    """Select all events, chain by chain in byte order: what the hash covers, the hash, the subscription.

    Kinds and methods come as they are stored, even such as there are none.
    """
    table = ConsentEvent.__table__.c
    raw = {name: sa.type_coerce(table[name], sa.String()).label(name) for name in ("kind", "method")}
    columns = [raw.get(name, table[name]) for name in (*_SAID, "hash", "subscription_id")]
    return select(*columns).order_by(table.chain_id, table.seq)


def address_hash(salt: str, email_key: str) -> str:
    """Return the SHA-256, in hex, of a normalised address under its reader's salt (GDPR art. 4(5))."""
    return hashlib.sha256(f"{salt}\0{email_key}".encode()).hexdigest()


def prune_chain(session: Session, chain_id: str, *, now: datetime) -> None:
    """Keep of a chain's events only their places and hashes: the time for which they may be kept is over."""
    session.flush()
    events = select(
        ConsentEvent.chain_id,
        ConsentEvent.seq,
        ConsentEvent.at,
        ConsentEvent.hash,
        literal(now, ConsentStub.__table__.c.pruned_at.type),
    ).where(ConsentEvent.chain_id == chain_id)
    session.execute(sa.insert(ConsentStub).from_select(["chain_id", "seq", "at", "hash", "pruned_at"], events))
    session.execute(sa.delete(ConsentEvent).where(ConsentEvent.chain_id == chain_id))


def _end(session: Session, chain_id: str) -> tuple[int, str]:
    """Return the place and hash of the last event; those just added are flushed first."""
    last = session.execute(_LAST, {"chain": chain_id}).one_or_none()
    return (last.seq, last.hash) if last else (0, GENESIS)
