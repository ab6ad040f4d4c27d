"""Who is a reader, told from the events of one chain: each event may win a newsletter a reader or lose it one.

A reader is confirmed, and their address is not suppressed. Who is withheld at their own wish, or has paused, is still
one. What is taken back, a departure or a provider's false alarm, is taken back on the day on which it was counted.
Pure: the ledger is read elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.subscriptions.kinds import STATUS_AFTER, ConsentKind, ConsentMethod, SubscriptionStatus
from app.subscriptions.newcomers.imports import NO_PROOF
from app.subscriptions.rights.address_change import BOUNCED


class Event(NamedTuple):
    """What of a consent event matters here."""

    newsletter_id: int | None
    kind: ConsentKind
    method: ConsentMethod
    at: datetime
    language: str
    detail: str | None


class Change(NamedTuple):
    """What an event adds to a day, a newsletter and a language."""

    day: date
    newsletter_id: int
    language: str
    joined: int = 0
    left: int = 0
    moved: int = 0


@dataclass
class _Place:
    """A reader's place in one newsletter; `lost` says on which day and in which language it was counted as left."""

    status: SubscriptionStatus | None = None
    language: str = ""
    counted_in: str | None = None
    lost: tuple[date, str] | None = None


@dataclass
class Standing:
    """Where one reader stands, event by event. Days are those of `zone`."""

    zone: ZoneInfo
    suppressed_for: str | None = None
    _places: dict[int, _Place] = field(default_factory=dict)

    def take(self, event: Event) -> Iterator[Change]:
        """Take the chain's next event in, and yield what it changes."""
        if event.newsletter_id is not None:
            self._advance(self._places.setdefault(event.newsletter_id, _Place()), event)
        else:
            for place in self._places.values():
                self._advance(place, event)
        self._suppress(event)
        day = event.at.astimezone(self.zone).date()
        for newsletter_id, place in self._places.items():
            yield from self._count(newsletter_id, place, day, takes_back=_takes_back(event))

    def _advance(self, place: _Place, event: Event) -> None:
        if event.kind is ConsentKind.REQUESTED:
            if place.status is SubscriptionStatus.CONFIRMED and self.suppressed_for is None:
                return  # is reminded of it
            place.language = event.language
        elif event.kind is ConsentKind.IMPORTED:
            place.language = event.language
            place.status = SubscriptionStatus.HELD if event.detail == NO_PROOF else SubscriptionStatus.CONFIRMED
        elif event.kind in {ConsentKind.LANGUAGE_CHANGED, ConsentKind.CONFIRMED}:
            place.language = event.language
        elif event.kind is ConsentKind.ERASED:
            place.status = SubscriptionStatus.UNSUBSCRIBED
        place.status = STATUS_AFTER.get(event.kind, place.status)

    def _suppress(self, event: Event) -> None:
        if event.kind is ConsentKind.SUPPRESSED:
            self.suppressed_for = event.detail or ""
        elif event.kind is ConsentKind.REVIVED or _is_false_alarm(event):
            self.suppressed_for = None
        elif event.kind is ConsentKind.ADDRESS_CHANGED and event.detail is None and self.suppressed_for in BOUNCED:
            self.suppressed_for = None  # that mailbox was the hindrance, and it is gone

    def _count(self, newsletter_id: int, place: _Place, day: date, *, takes_back: bool) -> Iterator[Change]:
        is_reader = place.status is SubscriptionStatus.CONFIRMED and self.suppressed_for is None
        before, after = place.counted_in, place.language if is_reader else None
        if before is not None and after is None:
            yield Change(day, newsletter_id, before, left=1)
            place.lost = (day, before)
        elif before is None and after is not None and takes_back and place.lost is not None:
            lost_on, before = place.lost
            yield Change(lost_on, newsletter_id, before, left=-1)
        elif before is None and after is not None:
            yield Change(day, newsletter_id, after, joined=1)
        if before is not None and after is not None and before != after:
            yield Change(day, newsletter_id, before, moved=-1)
            yield Change(day, newsletter_id, after, moved=1)
        place.counted_in = after


def _takes_back(event: Event) -> bool:
    """Return whether the event says that the last loss was none."""
    return _is_false_alarm(event) or event.kind is ConsentKind.DEPARTURE_UNDONE


def _is_false_alarm(event: Event) -> bool:
    """Return whether bounces are taken back, for which the address had been suppressed."""
    return event.kind is ConsentKind.LIFTED and event.method is ConsentMethod.BOUNCE
