"""Readers who come with a list: whoever comes with proof of consent is subscribed, whoever comes without is held.

Nobody whom the newsletter knows already, in whatever state, is changed, and nobody comes back whose address may not be
mailed, or who left since they consented: only the owner of the mailbox can do that. Who reads another newsletter gets a
subscription to this one.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import BigId, insert_into, is_among, items_of, new_public_id, new_public_ids, rows_of, time_text
from app.errors import InputRefused
from app.i18n import is_line
from app.mail.address import Address
from app.subscriptions.archive import left_among
from app.subscriptions.kinds import ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.ledger import Act, Chain, begin_chains, extend_chains
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.suppression import suppressed_among

#: Characters; with the date it fits into an event's detail.
NO_PROOF = "no proof of consent"
SOURCE_MAX = 120

_READERS, _PLACES = Subscriber.__table__.c, Subscription.__table__.c
_KEY = items_of("keys", _READERS.email_key.type)
#: Key by key, and each by the two indexes that there are for it. A join is planned once, while the tables are small,
#: and goes on to read all of them for every batch of a long list.
_READER = select(_READERS.id).where(_READERS.email_key == _KEY).correlate_except(Subscriber).scalar_subquery()
_PLACE = (
    select(_PLACES.id)
    .where(_PLACES.newsletter_id == sa.bindparam("newsletter"), _PLACES.subscriber_id == _READER)
    .correlate_except(Subscription)
    .scalar_subquery()
)
_KNOWN_AMONG = select(_KEY).where(_PLACE.is_not(None))
#: In one order, and as `lock_reader` does, so that nobody waits for an import in a circle, nor an edition that starts.
_HELD_AMONG = (
    select(_READERS.id, _READERS.email_key, _READERS.chain_id, _READERS.chain_salt)
    .where(is_among(_READERS.email_key, "keys"), _READERS.restricted_at.is_(None))
    .order_by(_READERS.id)
    .with_for_update(key_share=True)
)
_PLACED_AMONG = select(_PLACES.subscriber_id).where(
    _PLACES.newsletter_id == sa.bindparam("newsletter"), is_among(_PLACES.subscriber_id, "readers")
)


@dataclass(frozen=True)
class Provenance:
    """Where and when consent was given, as whoever imports says: without both, nothing is proved (GDPR art. 7(1))."""

    source: str
    consented_at: datetime


@dataclass(frozen=True, slots=True)
class Newcomer:
    """One row of a list, and the line of the file on which it ends, counted from 1."""

    address: Address
    language: str
    provenance: Provenance | None
    line: int = 0


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
) -> list[Arrival]:
    """Add those that are new, a few thousand at a time at most, and return what became of each row.

    An address that stands twice is known the second time. Raises InputRefused for a date of consent in the future and
    for a source that is empty or too long.
    """
    for provenance in {newcomer.provenance for newcomer in newcomers}:
        check_provenance(provenance, now)
    arrivals, new = _sort(session, newcomers, newsletter_id, suppression_key)
    added = _add(session, new, newsletter_id=newsletter_id, actor=actor, suppression_key=suppression_key, now=now)
    for place, newcomer in new.items():
        if newcomer.address.key not in added:
            arrivals[place] = Arrival.KNOWN  # a sign-up or a suppression was quicker, or the data may not be used
    return arrivals


def foresee_arrivals(
    session: Session, newcomers: Sequence[Newcomer], *, newsletter_id: int, suppression_key: str
) -> list[Arrival]:
    """Return what would become of each row if it was imported now; changes nothing."""
    return _sort(session, newcomers, newsletter_id, suppression_key)[0]


def check_provenance(provenance: Provenance | None, now: datetime) -> None:
    """Refuse what cannot be where consent comes from. Raises InputRefused."""
    if provenance is None:
        return
    if provenance.consented_at > now:
        raise InputRefused("consent cannot have been given in the future")
    if not provenance.source.strip() or len(provenance.source) > SOURCE_MAX or not is_line(provenance.source):
        raise InputRefused(f"the source of a consent is a line of at most {SOURCE_MAX} characters")


def _sort(
    session: Session, newcomers: Sequence[Newcomer], newsletter_id: int, suppression_key: str
) -> tuple[list[Arrival], dict[int, Newcomer]]:
    """Return what each row looks like becoming, and those, by their place, that seem new."""
    keys = {newcomer.address.key for newcomer in newcomers}
    suppressed = suppressed_among(session, keys, suppression_key=suppression_key)
    asked = {"keys": json.dumps(list(keys), ensure_ascii=False), "newsletter": newsletter_id}
    seen = set(session.connection().scalars(_KNOWN_AMONG, asked))
    # Thereafter: whose row goes meanwhile is found here.
    left = left_among(session, keys, newsletter_id=newsletter_id, suppression_key=suppression_key)
    arrivals, new = [], {}
    for place, newcomer in enumerate(newcomers):
        key = newcomer.address.key
        if key in suppressed:
            arrivals.append(Arrival.SUPPRESSED)
        elif key in seen or (key in left and not _is_newer(newcomer.provenance, left[key])):
            arrivals.append(Arrival.KNOWN)
        else:
            seen.add(key)
            new[place] = newcomer
            arrivals.append(Arrival.HELD if newcomer.provenance is None else Arrival.SUBSCRIBED)
    return arrivals, new


def _is_newer(provenance: Provenance | None, left_at: datetime) -> bool:
    """Whether consent was given after a departure."""
    return provenance is not None and provenance.consented_at > left_at


def _add(
    session: Session,
    new: Mapping[int, Newcomer],
    *,
    newsletter_id: int,
    actor: str,
    suppression_key: str,
    now: datetime,
) -> set[str]:
    """Add readers, their subscriptions and the events that say so; return the keys of those who were added."""
    if not new:
        return set()
    # In one order, so that two imports of the same readers do not wait for each other in a circle.
    by_key = {newcomer.address.key: newcomer for newcomer in sorted(new.values(), key=lambda each: each.address.key)}
    chains = {
        key: Chain(name, new_public_id(), key) for key, name in zip(by_key, new_public_ids(len(by_key)), strict=True)
    }
    inserted = _insert_readers(session, by_key, chains, now)
    ids = _take_back_suppressed(session, inserted, suppression_key)
    places = _insert_places(session, by_key, ids, newsletter_id, now)
    acts = ((chains[key], _act(by_key[key], actor, now), places[reader_id]) for key, reader_id in ids.items())
    begin_chains(session, acts, newsletter_id=newsletter_id)
    others = {key: newcomer for key, newcomer in by_key.items() if key not in inserted}
    held = _hold_readers(session, others, newsletter_id, suppression_key)
    return set(ids) | _add_to_readers(session, others, held, newsletter_id=newsletter_id, actor=actor, now=now)


def _take_back_suppressed(session: Session, ids: Mapping[str, int], suppression_key: str) -> dict[str, int]:
    """Delete again the new readers whose address is suppressed by now; return the others.

    Who is being erased is waited for, and has no row then.
    """
    suppressed = suppressed_among(session, ids, suppression_key=suppression_key)
    if suppressed:
        session.execute(sa.delete(Subscriber).where(Subscriber.id.in_([ids[key] for key in suppressed])))
    return {key: reader_id for key, reader_id in ids.items() if key not in suppressed}


def _add_to_readers(
    session: Session,
    by_key: Mapping[str, Newcomer],
    chains: Mapping[int, Chain],
    *,
    newsletter_id: int,
    actor: str,
    now: datetime,
) -> set[str]:
    """Add a subscription to those who are readers of something else, and held; return their keys."""
    if not chains:
        return set()
    ids = {chain.email_key: reader_id for reader_id, chain in chains.items()}
    places = _insert_places(session, by_key, ids, newsletter_id, now)
    acts = [
        (chain, _act(by_key[chain.email_key], actor, now), places[reader_id]) for reader_id, chain in chains.items()
    ]
    extend_chains(session, acts, newsletter_id=newsletter_id)
    return set(ids)


def _hold_readers(session: Session, keys: Iterable[str], newsletter_id: int, suppression_key: str) -> dict[int, Chain]:
    """Hold the readers who have these keys and return their chains; not of those who may get no subscription here."""
    session.flush()
    asked = json.dumps(list(keys), ensure_ascii=False)
    held = session.connection().execute(_HELD_AMONG, {"keys": asked}).all()
    if not held:
        return {}
    # Statements of their own: they see what was done while the first one waited.
    ids = {"newsletter": newsletter_id, "readers": json.dumps([reader.id for reader in held])}
    placed = set(session.connection().scalars(_PLACED_AMONG, ids))
    suppressed = suppressed_among(session, [reader.email_key for reader in held], suppression_key=suppression_key)
    return {
        each.id: Chain(each.chain_id, each.chain_salt, each.email_key)
        for each in held
        if each.id not in placed and each.email_key not in suppressed
    }


def _insert_readers(
    session: Session, by_key: Mapping[str, Newcomer], chains: Mapping[str, Chain], now: datetime
) -> dict[str, int]:
    rows = [
        (public_id, newcomer.address.display, newcomer.address.ascii, key, chains[key].chain_id, chains[key].salt)
        for public_id, (key, newcomer) in zip(new_public_ids(len(by_key)), by_key.items(), strict=True)
    ]
    names = ("public_id", "email", "email_ascii", "email_key", "chain_id", "chain_salt")
    given = rows_of("rows", **{name: sa.Text() for name in names})
    chosen = select(*given.c, sa.literal(now, _READERS.created_at.type)).where(sa.true())
    adding = insert_into(session, Subscriber).from_select([*names, "created_at"], chosen)
    adding = adding.on_conflict_do_nothing(index_elements=["email_key"])
    added = session.connection().execute(adding.returning(_READERS.email_key, _READERS.id), _parameters(rows))
    return {email_key: reader_id for email_key, reader_id in added}  # noqa: C416 - a Row is no tuple to mypy


def _insert_places(
    session: Session, by_key: Mapping[str, Newcomer], ids: Mapping[str, int], newsletter_id: int, now: datetime
) -> dict[int, int]:
    """Add the subscriptions; return their ids by reader."""
    rows = [
        (public_id, reader_id, *_standing(by_key[key], now))
        for public_id, (key, reader_id) in zip(new_public_ids(len(ids)), ids.items(), strict=True)
    ]
    given = rows_of(
        "rows", public_id=sa.Text(), subscriber_id=BigId, status=sa.Text(), language=sa.Text(),
        requested_at=_PLACES.requested_at.type, confirmed_at=_PLACES.confirmed_at.type,
    )  # fmt: skip
    fixed = {"newsletter_id": newsletter_id, "is_withheld": False, "is_counted": False, "gets_flashes": False}
    names = [*given.c.keys(), "acted_at", *fixed]
    values = [sa.literal(value, _PLACES[name].type) for name, value in fixed.items()]
    adding = sa.insert(Subscription).from_select(
        names, select(*given.c, given.c.confirmed_at, *values), include_defaults=False
    )
    added = session.connection().execute(adding.returning(_PLACES.subscriber_id, _PLACES.id), _parameters(rows))
    return {reader_id: place for reader_id, place in added}  # noqa: C416 - as above


def _standing(newcomer: Newcomer, now: datetime) -> tuple[str, str, str, str | None]:
    """Return the status, the language and the two times of a new subscription."""
    proof = newcomer.provenance
    if proof is None:
        return SubscriptionStatus.HELD.value, newcomer.language, time_text(now), None
    at = time_text(proof.consented_at)
    return SubscriptionStatus.CONFIRMED.value, newcomer.language, at, at


def _parameters(rows: Sequence[Sequence[object]]) -> dict[str, Any]:
    return {"rows": json.dumps(rows, ensure_ascii=False)}


def _act(newcomer: Newcomer, actor: str, now: datetime) -> Act:
    return _act_of(newcomer.provenance, newcomer.language, actor, now)


@lru_cache(maxsize=256)
def _act_of(proof: Provenance | None, language: str, actor: str, now: datetime) -> Act:
    """Return what happened to all who come alike; a list tells of few sources and days."""
    detail = NO_PROOF if proof is None else f"{proof.consented_at.date().isoformat()}: {proof.source}"
    return Act(ConsentKind.IMPORTED, ConsentMethod.ADMIN, now, language, actor=actor, detail=detail)
