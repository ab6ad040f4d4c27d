"""How often the form may be used: by one network, for one mailbox, for one domain, and in all.

Counters are rows, so a limit holds over all processes. Each says how much room is left until a time, and is taken from
by one guarded statement: of two that want the last place, one gets it. What is refused takes nothing, so that trying
again never prolongs a wait.

A mailbox's windows begin anew with each letter: in no stretch of their length do more letters go than the limit says.
All others are fixed to the clock and let at most twice the limit through around their border: networks and domains are
shared, and a window that each use prolongs would never end for the many who share one.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy import Select, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.errors import ProofNeeded, SignupThrottled
from app.mail.address import PROVIDERS, Address, mailbox_of
from app.settings.form import SignupLimits
from app.subscriptions.form.alerts import ALERTS_KEPT_FOR, is_official, raise_alert
from app.subscriptions.form.counters import Alert, AlertKind, SignupCounter, SignupHour, UsedProof
from app.subscriptions.form.surge import NORM_DAYS, count_hour, is_breaker_open
from app.subscriptions.models import Subscriber, Subscription

NETWORK_WINDOW = timedelta(minutes=10)
DOMAIN_WINDOW = timedelta(hours=1)
DAY = timedelta(days=1)
#: How long a mailbox is left alone whose owner never confirmed.
SILENCE = timedelta(days=30)
#: Counters that one call deletes; the job calls again.
BATCH = 1000

_SINCE = datetime(1970, 1, 1, tzinfo=UTC)
_COUNTERS = SignupCounter.__table__


@dataclass(frozen=True)
class CounterKeys:
    """What counters are named with. `daily` goes with its day; `lasting` serves the mailboxes, for 30 days."""

    secret_key: str
    suppression_key: str
    day: str

    @classmethod
    def of(cls, secret_key: str, suppression_key: str, now: datetime) -> "CounterKeys":
        """Return the keys of the UTC day of `now`."""
        return cls(secret_key, suppression_key, now.astimezone(UTC).date().isoformat())

    @cached_property
    def daily(self) -> bytes:
        """The key of the day: yesterday's names cannot be made again once its counters are gone."""
        return hmac.digest(self.secret_key.encode(), f"sign-up limits\0{self.day}".encode(), "sha256")

    @cached_property
    def lasting(self) -> bytes:
        """The key of mailboxes; of a purpose of its own, so that no name here is one in the suppression list."""
        return hmac.digest(self.suppression_key.encode(), b"sign-up limits\0mailbox", "sha256")


@dataclass(frozen=True)
class Place:
    """One counter to take from: its name, how many its window lets through, and when the window ends."""

    name: str
    limit: int
    until: datetime


def count_network(session: Session, *, network: str, limits: SignupLimits, keys: CounterKeys, now: datetime) -> None:
    """Count a sign-up against its network. Raises SignupThrottled, and the caller must roll back, where it is full."""
    places = _network_places(network, limits, keys, now)
    rooms = _take(session, places, now)
    if len(rooms) < len(places):
        raise SignupThrottled(_wait_s(session, places, now))
    if rooms[places[-1].name] == 0:
        raise_alert(session, AlertKind.NETWORK, now=now)


def count_letter(
    session: Session, *, address: Address, is_proven: bool, limits: SignupLimits, keys: CounterKeys, now: datetime
) -> bool:
    """Count a sign-up that would bring a letter, and return whether the letter may go.

    Raises ProofNeeded, whatever the address, where more arrives than the breaker lets through unproven; the caller must
    roll back.
    """
    if not is_proven and limits.proof_of_work == "always":
        raise ProofNeeded("every sign-up proves that somebody means it")
    places = _letter_places(address, limits, keys, now)
    has_room = len(_take(session, places, now)) == len(places)
    is_usual = (
        count_hour(session, is_official=is_official(address.key), limits=limits, now=now)
        if has_room
        else not is_breaker_open(session, now=now)
    )
    if not is_usual and not is_proven:
        raise ProofNeeded("more sign-ups than ever arrive")
    return has_room


def forget_mailbox(session: Session, *, email_key: str, keys: CounterKeys) -> None:
    """Forget the letters that a mailbox got, since its owner did something. Comes before any reader's row is held."""
    names = [place.name for place in _mailbox_places(email_key, SignupLimits(), keys, _SINCE)]
    # Held in the order in which `_take` holds them.
    held = select(_COUNTERS.c.name).where(_COUNTERS.c.name.in_(names)).order_by("name").with_for_update()
    session.execute(delete(SignupCounter).where(SignupCounter.name.in_(held)))


def forget_mailbox_of(session: Session, subscription: Select[Subscription], *, keys: CounterKeys) -> None:
    """Forget the letters that the mailbox of a subscription's reader got, where there is one.

    Whoever leaves may come back at once, however often others named them before.
    """
    place = subscription.subquery()
    email_key = session.scalar(select(Subscriber.email_key).join(place, place.c.subscriber_id == Subscriber.id))
    if email_key is not None:
        forget_mailbox(session, email_key=email_key, keys=keys)


def mailbox_name(email_key: str, keys: CounterKeys) -> str:
    """Return what stands for the mailbox of an address, 32 hexadecimal digits, where its letters are counted."""
    return _hide(keys.lasting, f"wait\0{mailbox_of(email_key)}")[:32]


def over_counters(now: datetime) -> Select[str, datetime]:
    """Select the names of counters that are over, and since when they are."""
    return select(_COUNTERS.c.name, _COUNTERS.c.until).where(_COUNTERS.c.until <= now)


def purge_counters(session: Session, *, now: datetime) -> int:
    """Delete what limits and proofs no longer need, a batch at a time; return how many counters.

    A counter that a sign-up holds is left for the next time.
    """
    over = over_counters(now).with_only_columns(_COUNTERS.c.name).limit(BATCH).with_for_update(skip_locked=True)
    gone = session.scalars(
        delete(SignupCounter).where(SignupCounter.name.in_(over)).returning(SignupCounter.name)
    ).all()
    session.execute(delete(UsedProof).where(UsedProof.expires_at <= now))
    session.execute(delete(SignupHour).where(SignupHour.hour < now - timedelta(days=NORM_DAYS + 1)))
    session.execute(delete(Alert).where(Alert.hour < now - ALERTS_KEPT_FOR))
    return len(gone)


def _network_places(network: str, limits: SignupLimits, keys: CounterKeys, now: datetime) -> list[Place]:
    hidden = _hide(keys.daily, network)
    return [
        Place(f"{hidden}-minutes", limits.per_network, _window_end(now, NETWORK_WINDOW)),
        Place(f"{hidden}-day", limits.per_network_daily, _window_end(now, DAY)),
    ]


def _letter_places(address: Address, limits: SignupLimits, keys: CounterKeys, now: datetime) -> list[Place]:
    domain = address.key.rpartition("@")[2]
    per_hour = limits.per_provider_hourly if domain in PROVIDERS else limits.per_domain_hourly
    hour = Place(f"{_hide(keys.daily, domain)}-hour", per_hour, _window_end(now, DOMAIN_WINDOW))
    return [*_mailbox_places(address.key, limits, keys, now), hour]


def _mailbox_places(email_key: str, limits: SignupLimits, keys: CounterKeys, now: datetime) -> list[Place]:
    hidden = _hide(keys.lasting, mailbox_of(email_key))
    return [
        Place(f"{hidden}-pause", 1, now + timedelta(minutes=limits.pause_minutes)),
        Place(f"{hidden}-day", limits.per_mailbox_daily, now + DAY),
        Place(f"{hidden}-month", limits.unconfirmed, now + SILENCE),
    ]


def _take(session: Session, places: Sequence[Place], now: datetime) -> dict[str, int]:
    """Take one from each counter if all have room, and return what is left of those that were taken from.

    In the order of their names, whoever asks: no two transactions wait for each other in a circle. Of two that take
    the last room at the same moment, one may be refused and still have taken from other windows: so be it.
    """
    values: dict[str, object] = {"now": now}
    for number, place in enumerate(sorted(places, key=lambda place: place.name)):
        values |= {f"name{number}": place.name, f"room{number}": place.limit - 1, f"until{number}": place.until}
    connection = session.connection()  # without the session's detour by the mappers
    taken = connection.execute(_TAKE[connection.dialect.name, len(places)], values)
    return {name: room for name, room in taken}  # noqa: C416 - a Row is no tuple to mypy


def _taking(dialect: str, places: int) -> sa.Executable:
    """Return the statement that takes from some counters: a row that is there loses one of its room, or begins anew.

    Its rows come from a SELECT, since SQLAlchemy writes an INSERT of several VALUES out anew for each execution.
    """
    columns = [_COUNTERS.c.name, _COUNTERS.c.room, _COUNTERS.c.until]
    wanted = sa.union_all(
        *(
            select(*(bindparam(f"{column.name}{number}", type_=column.type).label(column.name) for column in columns))
            for number in range(places)
        )
    ).subquery()
    # As many names as there are: of a list of unknown length PostgreSQL expects so many that it reads the whole table.
    is_wanted = _COUNTERS.c.name.in_([bindparam(f"name{number}") for number in range(places)])
    is_full = (_COUNTERS.c.until > bindparam("now")) & (_COUNTERS.c.room <= 0)
    full = select(sa.literal(1)).where(is_wanted, is_full).exists()
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(_COUNTERS)
    is_over = _COUNTERS.c.until <= bindparam("now")
    room = sa.case((is_over, insert.excluded.room), else_=_COUNTERS.c.room - 1)
    taking: sa.Executable = (
        insert.from_select(columns, select(wanted).where(~full))
        .on_conflict_do_update(
            index_elements=["name"],
            set_={"room": room, "until": insert.excluded.until},
            where=is_over | (_COUNTERS.c.room > 0),
        )
        .returning(_COUNTERS.c.name, _COUNTERS.c.room)
    )
    return taking


#: Built once: they run with every sign-up.
_TAKE = {(dialect, places): _taking(dialect, places) for dialect in ("postgresql", "sqlite") for places in (2, 4)}


def _wait_s(session: Session, places: Sequence[Place], now: datetime) -> int:
    """Return the seconds until the last of the counters without room has some again."""
    names = [place.name for place in places]
    full = select(sa.func.max(_COUNTERS.c.until)).where(_COUNTERS.c.name.in_(names), _COUNTERS.c.room <= 0)
    until = session.scalar(full)
    return max(1, round((until - now).total_seconds())) if until else 1


def _window_end(now: datetime, length: timedelta) -> datetime:
    """Return when the window ends that holds `now`; windows are counted from midnight, UTC."""
    return _SINCE + ((now - _SINCE) // length + 1) * length


def _hide(key: bytes, value: str) -> str:
    return hmac.digest(key, value.encode(), "sha256").hex()
