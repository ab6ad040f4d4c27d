"""The limits that all senders share: a row for each provider that has one, from which tokens are drawn in blocks.

Rows are locked in the order of their names. Nothing here commits, and nothing is asked for a domain without a limit.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.db import insert_into
from app.delivery.claims import Copy
from app.delivery.senders import DomainPace
from app.mail.pacing import Breaker, TokenBucket, learn
from app.mail.transport import Outcome, OutcomeKind

#: The name of the row that all letters draw from, where the settings limit the whole relay.
RELAY = "*"
#: A bucket holds as much as may go in this time. Half of it is kept for letters that somebody sits waiting for.
BURST = timedelta(seconds=10)
BURST_MIN = 2
#: Copies that wait come back together, this far apart and no later than that: the limit may be gone by then.
SLOT = timedelta(seconds=5)
BOOKED_AT_MOST = timedelta(minutes=10)
#: How long the one letter that tries a domain again may take to tell of it, before another one tries.
PROBE_TIME = timedelta(minutes=2)
#: What was learned of a domain is forgotten when nothing was heard of it for so long.
FORGOTTEN_AFTER = timedelta(days=14)

_MINUTE = timedelta(minutes=1)


def draw(
    session: Session, domain: str, *, copies: Sequence[Copy], ceiling: float | None, now: datetime
) -> dict[int, datetime]:
    """Draw a token for each of the copies to `domain`; return until when those without one wait, by their ids.

    `ceiling`: letters a minute by the settings. An edition's copies leave the last tokens to one-off letters.
    """
    row = _locked(session, domain)
    if row is None and ceiling is not None:
        row = _added(session, domain, tokens=burst_of(ceiling), now=now)
    if row is None:
        return {}
    breaker = row.pace.breaker(now)
    if breaker is not Breaker.CLOSED:
        return _await_breaker(row, copies, breaker, now)
    limit = row.pace.limit(ceiling)
    if limit is None:
        return {}
    urgent = [copy.id for copy in copies if copy.chunk.edition_id is None]
    others = [copy.id for copy in copies if copy.chunk.edition_id is not None]
    urgent = urgent[_take(row, len(urgent), limit, now, is_urgent=True) :]
    others = others[_take(row, len(others), limit, now, is_urgent=False) :]
    soon = {key: now + _MINUTE * (place / limit) for place, key in enumerate(urgent, 1)}
    return soon | _book(row, others, limit, now)


def draw_for_relay(session: Session, wanted: int, *, per_minute: float, is_urgent: bool, now: datetime) -> int:
    """Draw up to `wanted` tokens of the whole relay; return how many there were."""
    row = _locked(session, RELAY) or _added(session, RELAY, tokens=burst_of(per_minute), now=now)
    return _take(row, wanted, per_minute, now, is_urgent=is_urgent)


def learn_from(
    session: Session, lessons: Mapping[str, Sequence[Outcome]], *, ceilings: Mapping[str, float], now: datetime
) -> None:
    """Keep what outcomes, in their order, taught of each domain; a domain of which nothing is left loses its row.

    `ceilings`: letters a minute by the settings.
    """
    for domain in sorted(lessons):
        outcomes = lessons[domain]
        row = _locked(session, domain)
        if row is None:
            if all(outcome.kind is OutcomeKind.ACCEPTED for outcome in outcomes):
                continue
            _forget(session, now)
            row = _added(session, domain, tokens=0, now=now)
        pace = row.pace
        for outcome in outcomes:
            pace = learn(pace, outcome, now, ceilings.get(domain))
        row.pace, row.updated_at = pace, now
        if not pace.has_lesson:
            session.delete(row)


def burst_of(per_minute: float) -> int:
    """Return how many letters may go at once under a limit."""
    return max(BURST_MIN, math.ceil(per_minute * (BURST / _MINUTE)))


def _locked(session: Session, domain: str) -> DomainPace | None:
    return session.scalars(
        select(DomainPace).where(DomainPace.domain == domain).with_for_update(),
        execution_options={"populate_existing": True},
    ).one_or_none()


def _added(session: Session, domain: str, *, tokens: int, now: datetime) -> DomainPace:
    """Add a domain's row, unless another sender has just done so, and lock it."""
    values = {"domain": domain, "tokens": float(tokens), "filled_at": now, "updated_at": now}
    statement = insert_into(session, DomainPace).values(clean=0, refusals_in_a_row=0, **values).on_conflict_do_nothing()
    while True:
        session.execute(statement)
        if (row := _locked(session, domain)) is not None:
            return row


def _forget(session: Session, now: datetime) -> None:
    old = delete(DomainPace).where(DomainPace.updated_at < now - FORGOTTEN_AFTER)
    session.execute(old, execution_options={"synchronize_session": False})


def _take(row: DomainPace, wanted: int, per_minute: float, now: datetime, *, is_urgent: bool) -> int:
    burst = burst_of(per_minute)
    bucket = TokenBucket(per_minute, burst, row.tokens, row.filled_at).with_limit(per_minute, burst, now)
    spare = int(bucket.tokens) - (0 if is_urgent else burst // 2)
    grant = bucket.take(min(wanted, max(0, spare)), now)
    row.tokens, row.filled_at, row.updated_at = grant.bucket.tokens, grant.bucket.filled_at, now
    return grant.granted


def _await_breaker(row: DomainPace, copies: Sequence[Copy], breaker: Breaker, now: datetime) -> dict[int, datetime]:
    """Let one copy through a half-open breaker; the others wait until it is known what came of it."""
    if breaker is Breaker.HALF_OPEN and copies:
        copies = copies[1:]
        row.breaker_until, row.updated_at = now + PROBE_TIME, now
    assert row.breaker_until is not None
    return {copy.id: row.breaker_until for copy in copies}


def _book(row: DomainPace, keys: Sequence[int], per_minute: float, now: datetime) -> dict[int, datetime]:
    """Tell copies when to come back: behind all that were told so before, so that few come in vain."""
    latest = now + BOOKED_AT_MOST
    start = min(max(now, row.booked_until or now), latest)
    times = {key: min(latest, start + _MINUTE * (place / per_minute)) for place, key in enumerate(keys, 1)}
    if times:
        row.booked_until = max(times.values())
    return {key: _next_slot(at) for key, at in times.items()}


def _next_slot(at: datetime) -> datetime:
    beyond = (at - datetime.min.replace(tzinfo=UTC)) % SLOT
    return at - beyond + SLOT if beyond else at


def domain_paces() -> sa.Select[DomainPace]:
    """Select all that was learned of domains."""
    return select(DomainPace).where(DomainPace.domain != RELAY)
