"""The sending engine: hands claimed copies to a transport and its outcomes back to the clerk.

It knows no kinds of letter. No transaction is open while the network is used. Whatever ends a run, a kill included,
leaves rows and a journal from which `recover` goes on: the error path is the crash path.
"""

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import OperationalError

from app import clock
from app.db import Database
from app.delivery.claims import has_due
from app.delivery.clerk import Clerk
from app.delivery.composing import Compose, Composers
from app.delivery.endings import OnSettled, Unsent, Withheld
from app.delivery.hands import Hand
from app.delivery.limits import Limits, Rates
from app.delivery.route import OnRoute
from app.mail.dkim import Signer
from app.mail.envelope import Envelope
from app.mail.meanings import Meaning
from app.mail.replies import meaning_of
from app.mail.transport import Outcome, OutcomeKind, Outgoing, Transport

log = logging.getLogger(__name__)

#: How often an engine with nothing to do looks again, in seconds.
IDLE_WAIT_S = 0.5
#: The first and the longest wait after a fault that would meet every letter, in seconds; it doubles in between.
ROUTE_WAIT_S = 1.0
ROUTE_WAIT_MAX_S = 120.0
#: Consent that was looked up is good for this long; then it is looked up again, for this many copies at a time.
FRESH_S = 1.0
LOOKED_UP_AGAIN = 50
#: How long the sender waits for the next claim before it lets its transport look after the letters under way.
CLAIM_WAIT_S = 0.005
#: A letter that is too large ends a run at most this often.
SIZE_HEEDED_EVERY_S = 60.0
NO_RATES = Rates()


class Engine:
    """One sender. Several may run, in threads, processes and on machines; each claim has its own journal.

    `compose` maps a delivery's kind to what makes its letters: an engine claims only what it can compose. `limit` is
    the number of chunks of one claim, `rates` are the limits that the settings set. `on_settled` is called
    inside the settling transaction, `on_route` when the route fails, each time that it fails again, and when
    letters go again.
    """

    def __init__(
        self,
        *,
        database: Database,
        compose: Mapping[str, Compose],
        transport: Transport,
        envelope: Envelope,
        journal_dir: Path,
        signer: Signer | None = None,
        limit: int = 1,
        rates: Rates = NO_RATES,
        on_settled: OnSettled | None = None,
        on_route: OnRoute | None = None,
    ) -> None:
        self._database = database
        self._composers = Composers(database, compose, envelope, signer)
        self._transport = transport
        self._journal_dir = journal_dir
        self._limit = limit
        self._limits = Limits(rates)
        self._on_settled, self._on_route = on_settled, on_route
        self._faults = 0
        self._route_fault: Outcome | None = None
        self._size_heeded_at: float | None = None
        self._is_route_told = False  # one that was killed may have left its fault to be seen

    def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set; then finish the letters on the wire, settle, and return."""
        while not stop.is_set():
            if not self.step(stop):
                stop.wait(IDLE_WAIT_S)

    def step(self, stop: threading.Event) -> bool:
        """Send what is due until `stop` is set; return False where nothing was. After a fault, log it and wait."""
        try:
            handled = self.run_once(clock.now(), stop) > 0
        except OperationalError as error:
            log.warning("the sender waits for the database: %s", error.orig)
            stop.wait(ROUTE_WAIT_S)
            return True
        except Exception:
            log.exception("the sender stumbled; its journal tells how to go on")
            self._faults += 1
            handled = True
        if handled and self._faults:
            stop.wait(self._pause_s())
        return handled

    def run_once(self, now: datetime, stop: threading.Event | None = None) -> int:
        """Send all that is due from `now` on, until nothing is; return how many copies were claimed."""
        with self._database.reading() as session:
            if not has_due(session, kinds=self._composers.kinds, now=now):
                return 0
        run = _Run(stop or threading.Event(), is_trial=self._faults > 0)
        clerk = Clerk(
            self._database,
            self._composers,
            journal_dir=self._journal_dir,
            now=now,
            limit=self._limit,
            looks_ahead=not run.is_trial,
            limits=self._limits,
            on_settled=self._on_settled,
        )
        with clerk:
            for key, outcome in self._transport.send(self._messages(clerk, run), clerk.begin):
                clerk.end(key, outcome)
                self._heed(outcome, run)
            clerk.finish(run.stop)
        self._tell_route()
        return clerk.claimed

    def _messages(self, clerk: Clerk, run: "_Run") -> Iterator[Outgoing | None]:
        """Write each copy when its transport asks for it; none after a stop or a fault of the route."""
        while not run.is_over:
            hand = clerk.take(CLAIM_WAIT_S)
            if hand is not None:
                yield from self._messages_of(hand, clerk, run)
            elif clerk.is_dry:
                return
            else:
                yield None

    def _messages_of(self, hand: Hand, clerk: Clerk, run: "_Run") -> Iterator[Outgoing | None]:
        looked_at, fresh_to = hand.looked_at, len(hand.copies)
        for place, copy in enumerate(hand.copies):
            while not clerk.may_send() and not run.is_over:
                yield None
            if run.is_over:
                return
            at = time.monotonic()
            if place >= fresh_to or at - looked_at > FRESH_S:
                looked_at, fresh_to = at, place + LOOKED_UP_AGAIN
                self._look_again(hand, slice(place, fresh_to), clerk.now())
            made = hand.made[place] if at < hand.held_until else Unsent()
            if isinstance(made, (Outcome, Withheld, Unsent)):
                clerk.end(copy.id, made)
                continue
            hand.hand_out(copy, made)
            message = self._composers.write(copy, made)
            if isinstance(message, Outcome):
                clerk.end(copy.id, message)
                continue
            run.handed_out += 1
            clerk.pacer.spend()
            yield message

    def _look_again(self, hand: Hand, places: slice, now: datetime) -> None:
        again = self._composers.look_again(hand.copies[places], owner=hand.owner, now=now)
        # What was put back waits for its domain, whoever may have it.
        hand.made[places] = [
            before if isinstance(before, Unsent) else after
            for before, after in zip(hand.made[places], again, strict=True)
        ]

    def _heed(self, outcome: Outcome, run: "_Run") -> None:
        if outcome.concerns_route:
            log.warning("sending pauses: %s %s", outcome.code or "", outcome.text)
            self._faults += 1
            self._route_fault = outcome
            self._is_route_told = False
            run.has_met_fault = True
            return
        self._faults = 0
        self._is_route_told = self._is_route_told and self._route_fault is None
        self._route_fault = None
        if outcome.kind is OutcomeKind.REJECTED and meaning_of(outcome) is Meaning.TOO_LARGE:
            self._heed_size(run)

    def _heed_size(self, run: "_Run") -> None:
        """End the run: its fellows are as large, and what is settled first may hold them. Not again and again, though:
        somebody may have resumed the edition for the readers whose servers take it.
        """
        at = time.monotonic()
        if self._size_heeded_at is None or at - self._size_heeded_at > SIZE_HEEDED_EVERY_S:
            self._size_heeded_at = at
            run.has_met_fault = True

    def _tell_route(self) -> None:
        if self._on_route is not None and not self._is_route_told:
            self._on_route(self._route_fault, self._pause_s() if self._faults else 0)
            self._is_route_told = True

    def _pause_s(self) -> float:
        return min(ROUTE_WAIT_S * 2.0 ** min(self._faults - 1, 30), ROUTE_WAIT_MAX_S)


@dataclass
class _Run:
    """One run under way. `is_trial`: after a fault of the route one letter is enough to learn whether it is mended."""

    stop: threading.Event
    is_trial: bool
    handed_out: int = 0
    has_met_fault: bool = False

    @property
    def is_over(self) -> bool:
        """Whether no further letter may begin."""
        return self.has_met_fault or self.stop.is_set() or (self.is_trial and self.handed_out > 0)
