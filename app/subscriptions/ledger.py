"""The consent ledger: each reader's events are a chain in which every event holds the hash of the one before.

An event is added and never changed. What is personal enters a hash only with the reader's salt: once that is gone with
the address, the chain still verifies and tells of nobody. Chains share nothing, so readers never wait for each other;
whoever adds to one holds its reader's row (`locking`), or has just made it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam, literal, select
from sqlalchemy.orm import Session

from app.db import BigId, items_of, rows_of, time_text
from app.subscriptions.departures.models import Departure
from app.subscriptions.kinds import OWN_METHODS, ConsentKind, ConsentMethod
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.records import ConsentEvent, ConsentStub

#: What the first event of a chain holds in place of an earlier one's hash.
GENESIS = ""
#: Names the form of what is hashed; another form would be another name.
_FORM = "vigie.consent.1"
#: What ends a subscription: it is written down outside the database too, so that no restore takes it back.
_ENDINGS = frozenset({ConsentKind.UNSUBSCRIBED, ConsentKind.LAPSED})
#: Made once: to make it costs as much as to use it.
_WRITER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
#: What an event says, in the order in which it is hashed.
SAID = (
    "chain_id", "seq", "previous_hash", "newsletter_id", "kind", "method", "at", "language", "wording_id", "policy_id",
    "form_url", "actor", "detail", "address_hash",
)  # fmt: skip
_AT = SAID.index("at")
_EVENTS = ConsentEvent.__table__
#: Built once, and past the mappers: they run with every sign-up.
_INSERT = sa.insert(ConsentEvent)
#: The columns in the order in which `_event_values` names them.
_COLUMNS = (
    "chain_id", "seq", "previous_hash", "subscription_id", "newsletter_id", "kind", "method", "at", "language",
    "wording_id", "policy_id", "form_url", "actor", "detail", "address_hash", "hash",
)  # fmt: skip
_IDS = frozenset({"subscription_id", "wording_id", "policy_id"})  # foreign keys, whose types are not known yet
_MANY = rows_of("events", **{name: BigId if name in _IDS else _EVENTS.c[name].type for name in _COLUMNS})
_INSERT_MANY = sa.insert(ConsentEvent).from_select(_COLUMNS, select(*_MANY.c))
_LAST = (
    select(_EVENTS.c.seq, _EVENTS.c.hash)
    .where(_EVENTS.c.chain_id == bindparam("chain"))
    .order_by(_EVENTS.c.seq.desc())
    .limit(1)
)
_CHAIN = items_of("chains", _EVENTS.c.chain_id.type)
#: Chain by chain, each by its index, however the tables looked when the statement was planned.
_LAST_AMONG = select(
    _CHAIN,
    *(
        select(_EVENTS.c[name])
        .where(_EVENTS.c.chain_id == _CHAIN)
        .order_by(_EVENTS.c.seq.desc())
        .limit(1)
        .correlate_except(_EVENTS)
        .scalar_subquery()
        for name in ("seq", "hash")
    ),
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


def record_act(session: Session, subscription: Subscription, act: Act) -> None:
    """Add what was done with `subscription` to its reader's chain; the caller holds the reader's row."""
    append(session, Chain.of(subscription.subscriber), act, subscription=subscription)


def record_reader_act(session: Session, subscriber: Subscriber, act: Act) -> None:
    """Add what was done with all that is kept of a reader; the caller holds the reader's row."""
    if act.method in OWN_METHODS:
        theirs = Subscription.subscriber_id == subscriber.id
        session.execute(sa.update(Subscription).where(theirs).values(acted_at=act.at))
    append(session, Chain.of(subscriber), act)


def append(
    session: Session, chain: Chain, act: Act, *, subscription: Subscription | None = None, is_new: bool = False
) -> None:
    """Add `act` to `chain`, after all that the session holds unwritten. A chain that `is_new` is not looked up."""
    if subscription is not None and act.method in OWN_METHODS:
        subscription.acted_at = act.at
    if act.kind in _ENDINGS:
        newsletter_id = subscription.newsletter_id if subscription else None
        session.add(Departure(chain_id=chain.chain_id, newsletter_id=newsletter_id, at=act.at))
    session.flush()
    seq, previous_hash = (0, GENESIS) if is_new else _end(session, chain.chain_id)
    values = _event_values(chain, act, seq=seq + 1, previous_hash=previous_hash)
    if subscription is not None:
        values |= {"subscription_id": subscription.id, "newsletter_id": subscription.newsletter_id}
    session.connection().execute(_INSERT, _hashed(values))


def begin_chains(session: Session, acts: Iterable[tuple[Chain, Act, int]], *, newsletter_id: int) -> None:
    """Begin many new chains, each with one act that is about the subscription with the given id."""
    _append_many(session, acts, {}, newsletter_id)


def extend_chains(session: Session, acts: Sequence[tuple[Chain, Act, int]], *, newsletter_id: int) -> None:
    """Add one act of an admin to each of many chains; the subscription with the given id does not end by it.

    The caller holds the readers' rows.
    """
    session.flush()
    asked = json.dumps([chain.chain_id for chain, _, _ in acts])
    ends = session.connection().execute(_LAST_AMONG, {"chains": asked})
    _append_many(session, acts, {chain: (seq, hashed) for chain, seq, hashed in ends if seq}, newsletter_id)


def last_event(chain_id: str) -> sa.Select[ConsentEvent]:
    """Select the last event of a chain."""
    return select(ConsentEvent).where(ConsentEvent.chain_id == chain_id).order_by(ConsentEvent.seq.desc()).limit(1)


def said_hash(said: Sequence[Any]) -> str:
    """Return the SHA-256, in hex, over all that an event says: the columns of `chained_events` up to its own hash.

    Its place in the chain and the hash before it are among them. The form is a JSON array in UTF-8 without blanks;
    times are UTC to the microsecond.
    """
    at = said[_AT].astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(_WRITER.encode([_FORM, *said[:_AT], at, *said[_AT + 1 :]]).encode()).hexdigest()


def chained_events() -> sa.Select[*tuple[Any, ...]]:
    """Select all events, chain by chain in byte order: what the hash covers, the hash, the subscription.

    Kinds and methods come as they are stored, even such as there are none.
    """
    table = ConsentEvent.__table__.c
    raw = {name: sa.type_coerce(table[name], sa.String()).label(name) for name in ("kind", "method")}
    columns = [raw.get(name, table[name]) for name in (*SAID, "hash", "subscription_id")]
    return select(*columns).order_by(table.chain_id, table.seq)


def address_hash(salt: str, email_key: str) -> str:
    """Return the SHA-256, in hex, of a normalised address under its reader's salt (GDPR art. 4(5))."""
    return hashlib.sha256(f"{salt}\0{email_key}".encode()).hexdigest()


def prune_chain(session: Session, chain_id: str, *, now: datetime) -> None:
    """Keep of a chain's events only their places, dates and hashes: the time for which they may be kept is over."""
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


def _append_many(
    session: Session,
    acts: Iterable[tuple[Chain, Act, int]],
    ends: Mapping[str, tuple[int, str]],
    newsletter_id: int,
) -> None:
    """Add an act to each chain, after its end if it has one."""
    rows = []
    for chain, act, subscription_id in acts:
        seq, previous_hash = ends.get(chain.chain_id, (0, GENESIS))
        values = _event_values(chain, act, seq=seq + 1, previous_hash=previous_hash)
        values |= {"newsletter_id": newsletter_id, "subscription_id": subscription_id}
        rows.append([*_hashed(values).values()])
    session.connection().execute(_INSERT_MANY, {"events": json.dumps(rows, ensure_ascii=False, default=time_text)})


def _event_values(chain: Chain, act: Act, *, seq: int, previous_hash: str) -> dict[str, Any]:
    return {
        "chain_id": chain.chain_id,
        "seq": seq,
        "previous_hash": previous_hash,
        "subscription_id": None,
        "newsletter_id": None,
        "kind": act.kind,
        "method": act.method,
        "at": act.at,
        "language": act.language,
        "wording_id": act.wording_id,
        "policy_id": act.policy_id,
        "form_url": act.form_url,
        "actor": act.actor,
        "detail": act.detail,
        "address_hash": address_hash(chain.salt, chain.email_key),
    }


def _hashed(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "hash": said_hash([values[name] for name in SAID])}


def _end(session: Session, chain_id: str) -> tuple[int, str]:
    """Return the place and hash of the last event."""
    last = session.connection().execute(_LAST, {"chain": chain_id}).one_or_none()
    return (last.seq, last.hash) if last else (0, GENESIS)
