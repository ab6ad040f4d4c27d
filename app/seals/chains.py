"""Each reader's chain against itself, and against what the rest of the database says of the reader."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.clock import CLOCKS_APART
from app.db import in_byte_order
from app.errors import AddressInvalid
from app.mail.address import parse_address
from app.seals.tally import ChainedAt, is_consent, streamed
from app.subscriptions.departures.models import ConsentArchive
from app.subscriptions.kinds import STATUS_AFTER, ConsentKind, SubscriptionStatus
from app.subscriptions.ledger import GENESIS, address_hash, chained_events, said_hash
from app.subscriptions.models import Subscriber, Subscription
from app.subscriptions.newcomers.imports import NO_PROOF
from app.subscriptions.records import ConsentStub

AnyRow = Row[*tuple[Any, ...]]
Fault = tuple[int | None, str]

_STATUS_AFTER = {kind.value: status.value for kind, status in STATUS_AFTER.items()}
#: Columns of `chained_events` behind those that its hash covers: the hash itself, and the subscription's id.
_UNHASHED = 2


@dataclass
class ChainRows:
    """All that there is of one chain: events, or stubs of them, and its reader with each of their subscriptions.

    The row of an archive stands in for a reader who left: their address is gone, and the chain is kept for its time.
    """

    chain_id: str
    events: list[AnyRow] = field(default_factory=list)
    stubs: list[AnyRow] = field(default_factory=list)
    reader: list[AnyRow] = field(default_factory=list)
    archive: list[AnyRow] = field(default_factory=list)

    def ends(self) -> list[ChainedAt]:
        """Return what seals want to know of each event, by place."""
        rows = [ChainedAt(row.seq, row.at, row.hash) for row in self.stubs]
        rows += [ChainedAt(row.seq, row.at, row.hash, is_consent(row.kind, row.detail)) for row in self.events]
        return sorted(rows, key=itemgetter(0)) if self.stubs and self.events else rows


@dataclass
class _State:
    """What the events of one newsletter come to: the statuses that they allow, and the last of them.

    `confirmed` is the time of the last confirmation, or only its day where that was elsewhere.
    """

    statuses: frozenset[str] = frozenset()
    confirmed: str = ""
    was_requested: bool = False
    is_counted: bool = False
    unasked_seq: int | None = None
    last: AnyRow | None = None


def read_chains(session: Session) -> Iterator[ChainRows]:
    """Yield all chains in byte order of their ids, each whole; readers without any event have an empty one."""
    stub, reader, place = ConsentStub.__table__.c, Subscriber.__table__.c, Subscription.__table__.c
    stubs = select(stub.chain_id, stub.seq, stub.at, stub.hash).order_by(stub.chain_id, stub.seq)
    readers = (
        select(
            reader.chain_id,
            reader.chain_salt,
            reader.email,
            reader.email_ascii,
            reader.email_key,
            reader.restricted_at,
            place.id,
            place.newsletter_id,
            sa.type_coerce(place.status, sa.String()).label("status"),
            place.confirmed_at,
            place.is_counted,
        )
        .select_from(sa.outerjoin(Subscriber, Subscription, Subscription.subscriber_id == Subscriber.id))
        .order_by(reader.chain_id, place.id)
    )
    archives = select(ConsentArchive.chain_id).order_by(in_byte_order(session, ConsentArchive.__table__.c.chain_id))
    queries = {"events": chained_events(), "stubs": stubs, "reader": readers, "archive": archives}
    streams = {name: groupby(streamed(session, query), key=itemgetter(0)) for name, query in queries.items()}
    heads = {name: next(stream, None) for name, stream in streams.items()}
    while any(heads.values()):
        chain_id = min(head[0] for head in heads.values() if head is not None)
        rows = ChainRows(chain_id)
        for name, head in heads.items():
            if head is not None and head[0] == chain_id:
                setattr(rows, name, list(head[1]))
                heads[name] = next(streams[name], None)
        yield rows


def faults_of_chain(rows: ChainRows, now: datetime) -> Iterator[Fault]:
    """Yield what is wrong with a chain, and at which place."""
    if rows.stubs:
        yield from _faults_of_stubs(rows)
        return
    yield from _faults_of_links(rows.events, now)
    last = rows.events[-1] if rows.events else None
    is_erased = last is not None and last.kind == ConsentKind.ERASED.value
    if rows.reader:
        if is_erased or rows.archive:
            yield last.seq if last else None, "its reader is still there after the erasure, or in spite of an archive"
        yield from _faults_of_reader(rows)
    elif last is None:
        yield None, "it is archived, and its events are gone"
    elif not is_erased and not rows.archive:
        yield last.seq, "its reader is gone, and no erasure is recorded"


def _faults_of_stubs(rows: ChainRows) -> Iterator[Fault]:
    for place, stub in enumerate(rows.stubs, start=1):
        if stub.seq != place:
            yield stub.seq, "stubs before it are missing"
            break
    if rows.events:
        yield rows.events[0].seq, "the chain goes on after it was pruned"
    if rows.reader or rows.archive:
        yield None, "the chain was pruned, and its reader is still there"


def _faults_of_links(events: list[AnyRow], now: datetime) -> Iterator[Fault]:
    seq, previous_hash, previous_at = 0, GENESIS, None
    for event in events:
        if event.seq != seq + 1:
            yield event.seq, f"the event before it is number {seq}" if seq else "the events before it are missing"
        if event.previous_hash != previous_hash:
            yield event.seq, "it does not follow from the event before it"
        if event.hash != said_hash(event[:-_UNHASHED]):
            yield event.seq, "its hash is not that of what it says"
        if previous_at is not None and event.at < previous_at - CLOCKS_APART:
            yield event.seq, "it is older than the event before it"
        if event.at > now + CLOCKS_APART:
            yield event.seq, "its time is yet to come"
        seq, previous_hash, previous_at = event.seq, event.hash, event.at
    if any(event.kind == ConsentKind.ERASED.value for event in events[:-1]):
        yield events[-1].seq, "the chain goes on after the erasure"


def _faults_of_reader(rows: ChainRows) -> Iterator[Fault]:
    """Yield where the reader's rows say something else than the chain."""
    reader = rows.reader[0]
    if rows.events and rows.events[-1].address_hash != address_hash(reader.chain_salt, reader.email_key):
        yield rows.events[-1].seq, "its address is not that of its reader"
    if not _is_one_mailbox(reader):
        yield None, "letters to its reader go to another address"
    if reader.restricted_at != _restricted_at(rows.events):
        yield None, "its reader is restricted otherwise than its events say"
    states = _states(rows.events)
    places = {row.newsletter_id: row for row in rows.reader if row.id is not None}
    for newsletter_id, state in states.items():
        if state.unasked_seq is not None:
            yield state.unasked_seq, "a confirmation without a request"
        if newsletter_id not in places and state.confirmed:
            yield state.last.seq if state.last else None, "its subscription is gone"
    for newsletter_id, place in places.items():
        yield from _faults_of_place(place, states.get(newsletter_id, _State()))


def _is_one_mailbox(reader: AnyRow) -> bool:
    """Return whether the address that is shown and the one that is written to are those of the key; the chain has it.

    Few need to be parsed: nearly all are the key, but for capital letters.
    """
    shown, wire, key = str(reader.email), str(reader.email_ascii), str(reader.email_key)
    if unicodedata.normalize("NFC", wire.lower()) != key:
        return False
    try:
        return shown.lower() == key or parse_address(shown).key == key
    except AddressInvalid:
        return False


def _restricted_at(events: list[AnyRow]) -> datetime | None:
    """Return since when the events say that the reader's data may not be used."""
    since: datetime | None = None
    for event in events:
        if event.kind == ConsentKind.RESTRICTED.value:
            since = event.at
        elif event.kind == ConsentKind.RESTRICTION_LIFTED.value:
            since = None
    return since


def _states(events: list[AnyRow]) -> dict[int, _State]:
    """Return what the events come to, for each newsletter; one without a newsletter is for all of them."""
    states: dict[int, _State] = {}
    for event in events:
        concerned = list(states.values())
        if event.newsletter_id is not None:
            concerned = [states.setdefault(event.newsletter_id, _State())]
            concerned[0].last = event
        for state in concerned:
            _advance(state, event)
    return states


def _advance(state: _State, event: AnyRow) -> None:
    """Let an event lead a state on."""
    if event.kind == ConsentKind.REQUESTED.value:
        _request(state)
    elif event.kind == ConsentKind.IMPORTED.value:
        _import(state, event)
    elif event.kind in {ConsentKind.COUNTING_ALLOWED.value, ConsentKind.COUNTING_ENDED.value}:
        state.is_counted = event.kind == ConsentKind.COUNTING_ALLOWED.value
    elif event.kind in _STATUS_AFTER:
        status = _STATUS_AFTER[event.kind]
        if event.kind == ConsentKind.CONFIRMED.value:
            state.is_counted = False  # to be counted is not asked for by signing up anew
            state.unasked_seq = state.unasked_seq if state.was_requested else event.seq
        if event.kind == ConsentKind.CONFIRMED.value or _is_late_answer(state, event):
            state.confirmed = event.at.isoformat()
        state.statuses = frozenset({status})


def _request(state: _State) -> None:
    """Who has confirmed already is reminded of it and stays so, or has to confirm anew while they are withheld.

    Who does not confirm anew in time has left, without an event of its own.
    """
    state.was_requested = True
    is_confirmed = SubscriptionStatus.CONFIRMED.value in state.statuses
    allowed = {SubscriptionStatus.PENDING.value}
    allowed |= {SubscriptionStatus.UNSUBSCRIBED.value} if state.confirmed else set()
    allowed |= {SubscriptionStatus.CONFIRMED.value} if is_confirmed else set()
    state.statuses = frozenset(allowed)


def _import(state: _State, event: AnyRow) -> None:
    """The detail of an import begins with the day of a consent that was given elsewhere, where one was."""
    if event.detail == NO_PROOF:
        state.statuses = frozenset({SubscriptionStatus.HELD.value})
    else:
        state.statuses = frozenset({SubscriptionStatus.CONFIRMED.value})
        state.confirmed = str(event.detail).partition(":")[0]


def _is_late_answer(state: _State, event: AnyRow) -> bool:
    """Return whether a reader answered after silence had ended their subscription: they are confirmed anew."""
    has_ended = SubscriptionStatus.CONFIRMED.value not in state.statuses
    return has_ended and event.kind in {ConsentKind.STAYED.value, ConsentKind.RENEWED.value}


def _faults_of_place(place: AnyRow, state: _State) -> Iterator[Fault]:
    """Yield where a subscription is in another state than its events led to."""
    if state.last is None:
        yield None, f"a subscription is {place.status}, and nothing proves it"
        return
    if place.status not in state.statuses:
        said = " or ".join(sorted(state.statuses)) or "nothing"
        yield state.last.seq, f"a subscription is {place.status}, and its events say {said}"
    elif place.status == SubscriptionStatus.CONFIRMED.value and not _was_confirmed(place, state):
        yield state.last.seq, "a subscription was confirmed at another time than its events say"
    if place.is_counted != state.is_counted:
        yield state.last.seq, "its reader is counted otherwise than its events say"
    if state.last.subscription_id != place.id:
        yield state.last.seq, "its event is tied to another subscription"


def _was_confirmed(place: AnyRow, state: _State) -> bool:
    """Return whether the subscription's time of confirmation is that of its event, or on the day that it names."""
    at = place.confirmed_at
    return bool(state.confirmed) and at is not None and at.isoformat().startswith(state.confirmed)
