"""The clerk's part in keeping to the limits: tokens for what it takes in hand, lessons from what it settles.

Of the shared rows those of providers are locked before those of warm-ups.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.db import Database
from app.delivery.allowances import settle_draws
from app.delivery.composing import put_back
from app.delivery.endings import Settlement
from app.delivery.hands import Hand
from app.delivery.limits import Limits
from app.delivery.warm_ups import free_where_ended
from app.mail.transport import Outcome

log = logging.getLogger(__name__)

#: Whether a copy in hand is not with the transport yet.
IsWaiting = Callable[[int], bool]


class Pacer:
    """Draws tokens and gathers lessons for one run. `now` tells the time of the run.

    The sender's thread asks `may_send` and tells of each letter by `spend`; all else is the clerk's.
    """

    def __init__(self, database: Database, limits: Limits, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._limits = limits
        self._now = now
        self._has_relay_limit = limits.relay_block is not None
        # Each is counted by one thread alone.
        self._drawn = self._spent = 0

    @property
    def may_send(self) -> bool:
        """Whether one more letter may go, as far as the limit of the whole relay is concerned."""
        return not self._has_relay_limit or self._drawn > self._spent

    @property
    def knows_limits(self) -> bool:
        """Whether anything may be claimed: before the first look, what others learned would not be heeded."""
        return self._limits.has_looked

    def spend(self) -> None:
        """Count a letter that goes."""
        self._spent += 1

    def draw(self, hand: Hand, is_waiting: IsWaiting) -> None:
        """Draw tokens for a claim; what gets none is put back, and so is all of it where the database is away."""
        if not (self._limits.domains or self._limits.warming):
            return
        hand.warming = self._limits.warming
        try:
            with self._database.transaction() as session:
                self._draw(session, [hand], self._limits.domains, is_waiting)
                drawn = self._limits.draw_from_days(session, hand.copies, hand.made, now=self._now())
        except OperationalError as error:
            hand.made = put_back(hand.copies, error)
        else:
            hand.drawn = drawn  # once it is committed: what was never drawn must not be given back

    def draw_again(self, hands: Sequence[Hand], domains: AbstractSet[str], is_waiting: IsWaiting) -> None:
        """Draw for what waits in hand for `domains`, which have become stricter since they were drawn for."""
        if domains and hands:
            try:
                with self._database.transaction() as session:
                    self._draw(session, hands, domains, is_waiting)
            except OperationalError as error:
                log.warning("limits hold from the next claim on, the database is away: %s", error.orig)

    def draw_for_relay(self, hands: Sequence[Hand], *, wanted: int) -> None:
        """Draw tokens of the whole relay for up to `wanted` copies, no more than may go within a second."""
        if not self._has_relay_limit:
            return
        at_hand = self._drawn - self._spent
        lacking = min(self._limits.relay_block or 0, wanted) - at_hand
        if lacking <= 0:
            return
        is_urgent = any(copy.chunk.edition_id is None for hand in hands for copy in hand.copies)
        try:
            with self._database.transaction() as session:
                drawn = self._limits.draw_for_relay(session, lacking, is_urgent=is_urgent, now=self._now())
        except OperationalError as error:
            log.warning("the limit of the relay waits for the database: %s", error.orig)
        else:
            self._drawn += drawn

    def look(self, hands: Sequence[Hand], is_waiting: IsWaiting) -> None:
        """Look, now and then, at the limits that other senders met."""
        if not self._limits.is_stale:
            return
        try:
            with self._database.reading() as session:
                stricter = self._limits.look(session)
        except OperationalError as error:
            log.warning("the limits wait for the database: %s", error.orig)
        else:
            self.draw_again(hands, stricter, is_waiting)

    def lessons(self, by_hand: Mapping[Hand, Sequence[Settlement]]) -> list[tuple[str, Outcome]]:
        """Return the outcomes that teach something, with their domains."""
        return [
            lesson
            for hand, settlements in by_hand.items()
            for lesson in self._limits.lessons(hand.went_to, settlements)
        ]

    def learn(self, session: Session, lessons: Sequence[tuple[str, Outcome]]) -> set[str]:
        """Keep the lessons in the settling transaction; return the domains that have become stricter by them."""
        return self._limits.learn(session, lessons, now=self._now())

    def free_where_ended(self, session: Session, hands: Sequence[Hand]) -> None:
        """Let go, in the transaction that gives claims back, what waits for warm-ups that ended in the meantime."""
        chunks: defaultdict[int, set[int]] = defaultdict(set)
        for hand in hands:
            for copy in hand.copies if hand.warming else ():
                newsletter_id = copy.chunk.newsletter_id
                if newsletter_id in hand.warming and newsletter_id and copy.chunk.edition_id is not None:
                    chunks[newsletter_id].add(copy.chunk.id)
        free_where_ended(session, chunks, owners=[hand.owner for hand in hands], now=self._now())

    def settle_draws(self, session: Session, by_hand: Mapping[Hand, Sequence[Settlement]]) -> None:
        """Count, in the settling transaction, how letters ended that drew from a warm-up's day."""
        endings = [
            (hand.drawn[settlement.copy.id], settlement.ending)
            for hand, settlements in by_hand.items()
            if hand.drawn
            for settlement in settlements
            if settlement.copy.id in hand.drawn
        ]
        if endings:
            settle_draws(session, endings)

    def _draw(self, session: Session, hands: Sequence[Hand], domains: AbstractSet[str], is_waiting: IsWaiting) -> None:
        for hand in hands:
            self._limits.draw(session, hand.copies, hand.made, domains=domains, is_waiting=is_waiting, now=self._now())
