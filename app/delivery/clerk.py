"""The clerk of one run: a thread that claims ahead of the sender, settles behind it, and keeps the leases.

The sender, in its own thread, takes hands of claimed copies, tells what begins and what ends, and never waits for the
database.
"""

import logging
import os
import re
import secrets
import socket
import threading
import time
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

from sqlalchemy.exc import OperationalError

from app.db import Database
from app.delivery.claims import LEASE, Copy, claim, release, renew
from app.delivery.composing import Composers
from app.delivery.endings import Ending, OnSettled, Settlement, Unsent
from app.delivery.hands import Hand
from app.delivery.journal import Journal
from app.delivery.limits import Limits
from app.delivery.outcomes import OutcomeBook
from app.delivery.pacer import Pacer
from app.delivery.settling import settle
from app.mail.transport import Outcome, OutcomeKind

log = logging.getLogger(__name__)

#: An outcome is in the database at most this much later, however slow the next letter is.
SETTLE_EVERY_S = 0.2
#: Leases are renewed this often, and not relied on for the last seconds of their life.
RENEW_EVERY_S = LEASE.total_seconds() / 4
LEASE_MARGIN_S = 5.0


class Clerk:
    """Keeps the books of one run, from `now` on; its thread lives inside its context.

    `limit`: chunks of one claim. `looks_ahead`: whether a second claim is made while the first is being sent.
    """

    def __init__(
        self,
        database: Database,
        composers: Composers,
        *,
        journal_dir: Path,
        now: datetime,
        limit: int,
        looks_ahead: bool,
        limits: Limits,
        on_settled: OnSettled | None,
    ) -> None:
        self._database = database
        self._composers = composers
        self._journal_dir = journal_dir
        self._now_at_start, self._began, self._renewed = now, time.monotonic(), time.monotonic()
        self._limit = limit
        self._looks_ahead = looks_ahead
        self.pacer = Pacer(database, limits, now=self.now)
        self._on_settled = on_settled
        self._outcomes = OutcomeBook(_own_name())
        self.claimed = 0
        self.is_dry = False
        self._next: Hand | None = None
        self._hands: list[Hand] = []
        self._open: dict[int, tuple[Hand, Copy]] = {}
        self._begun: set[int] = set()
        self._ended: list[tuple[Hand, Settlement]] = []
        self._failure: BaseException | None = None
        self._full_disk: OSError | None = None
        self._settling = threading.Lock()
        self._wake = threading.Event()
        self._ready = threading.Event()
        self._is_over = False
        self._thread = threading.Thread(target=self._keep_books, name="delivery-clerk", daemon=True)

    def __enter__(self) -> "Clerk":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_over = True
        self._wake.set()
        self._thread.join()
        for hand in self._hands:
            hand.journal.close()

    def now(self) -> datetime:
        """Return what time it is in this run."""
        return self._now_at_start + timedelta(seconds=time.monotonic() - self._began)

    def take(self, timeout_s: float) -> Hand | None:
        """Return the next claim, waiting up to `timeout_s` for it; None where there is none yet, or no more."""
        self._ready.wait(timeout_s)
        self._raise_failure()
        hand, self._next = self._next, None
        if hand is not None:
            self._ready.clear()
            self._wake.set()
        return hand

    def may_send(self) -> bool:
        """Return whether one more letter may go. Raises what ended the thread, which alone draws for the relay."""
        self._raise_failure()
        return self.pacer.may_send

    def begin(self, key: int) -> None:
        """Note that a copy's content is about to leave."""
        hand, _ = self._open[key]
        hand.journal.begin(key)
        self._begun.add(key)

    def end(self, key: int, ending: Ending) -> None:
        """Note how a copy ended; it is settled soon."""
        hand, copy = self._open.pop(key)
        self._begun.discard(key)
        if isinstance(ending, Outcome):
            hand.journal.end(key, ending)
        self._ended.append((hand, Settlement(copy, ending)))

    def finish(self, stop: threading.Event) -> None:
        """End what was never ended, and settle all, unless `stop` comes while the database is away.

        A copy that began and of which its transport said nothing is uncertain; the others go back. Raises OSError where
        the run ended because the disk had no room for a journal.
        """
        self._is_over = True
        self._wake.set()
        self._thread.join()
        for key in sorted(self._open):
            silent = Outcome(OutcomeKind.UNCERTAIN, text="the transport told no outcome")
            self.end(key, silent if key in self._begun else Unsent())
        while not self._settle():
            if stop.wait(SETTLE_EVERY_S):
                self._settle()
                break
        if self._full_disk is not None:
            raise self._full_disk

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _keep_books(self) -> None:
        try:
            while not self._is_over:
                self.pacer.look(self._hands, self._is_waiting)
                if self._next is None and not self.is_dry and self.pacer.knows_limits:
                    self._claim()
                self.pacer.draw_for_relay(self._hands, wanted=len(self._open))
                self._settle()
                self._renew()
                self._wake.wait(SETTLE_EVERY_S)
                self._wake.clear()
        except BaseException as error:
            self._failure = error
            self._ready.set()

    def _claim(self) -> None:
        """Claim what comes next, once; where nothing is due the run has come to its end."""
        owner, asked_at = _new_owner(), time.monotonic()
        try:
            journal = Journal(self._journal_dir, owner)
        except OSError as error:
            self._claim_no_more(error)
            return
        try:
            with self._database.transaction() as session:
                copies = claim(session, owner=owner, kinds=self._composers.kinds, now=self.now(), limit=self._limit)
        except OperationalError as error:
            log.warning("claiming waits for the database: %s", error.orig)
            # Cut off in mid-sentence, the database may have claimed all the same: the journal tells that nothing went.
            journal.close(discard=not error.connection_invalidated)
            return
        except BaseException:
            journal.close()
            raise
        hand = Hand(owner, journal, copies, [], time.monotonic(), asked_at + LEASE.total_seconds() - LEASE_MARGIN_S)
        if not copies:
            journal.close(discard=True)
        else:
            self._take_in_hand(hand)
        self.is_dry = self.is_dry or not copies or not self._looks_ahead
        self._ready.set()

    def _take_in_hand(self, hand: Hand) -> None:
        self._hands.append(hand)
        self._open.update((copy.id, (hand, copy)) for copy in hand.copies)
        try:
            hand.journal.open_slots(hand.copies)
        except OSError as error:
            hand.made = [Unsent()] * len(hand.copies)
            for copy in hand.copies:
                self.end(copy.id, Unsent())
            self._claim_no_more(error)
            return
        hand.made = self._composers.look_up(hand.copies)
        self.pacer.draw(hand, self._is_waiting)
        self.claimed += len(hand.copies)
        self._next = hand

    def _claim_no_more(self, error: OSError) -> None:
        """Let the run end in order: what was claimed before has its journal, and letters on the wire get replies."""
        log.warning("nothing more is claimed: %s", error)
        self._full_disk = error
        self.is_dry = True
        self._ready.set()

    def _settle(self) -> bool:
        """Settle what has ended; return False where the database would not have it now."""
        with self._settling:
            ended = list(self._ended)  # the sender goes on appending meanwhile
            by_hand: defaultdict[Hand, list[Settlement]] = defaultdict(list)
            for hand, settlement in ended:
                by_hand[hand].append(settlement)
            try:
                stricter = self._write(by_hand)
            except OperationalError as error:
                log.warning("%d outcomes wait for the database: %s", len(ended), error.orig)
                return False
            del self._ended[: len(ended)]
            for hand, settlements in by_hand.items():
                self._count(hand, len(settlements))
            self.pacer.draw_again(self._hands, stricter, self._is_waiting)
            return True

    def _write(self, by_hand: dict[Hand, list[Settlement]]) -> set[str]:
        """Write what ended, and what it taught; return the domains that have become stricter by it."""
        if not by_hand:
            return set()
        now = self.now()
        lessons = self.pacer.lessons(by_hand)
        finished = [hand for hand, ended in by_hand.items() if hand.settled + len(ended) == len(hand.copies)]
        with self._database.transaction() as session:
            for hand, settlements in by_hand.items():
                settle(session, owner=hand.owner, settlements=settlements, now=now, on_settled=self._on_settled)
                if hand in finished:
                    release(session, owner=hand.owner, chunk_ids=hand.chunk_ids, now=now)
            stricter = self.pacer.learn(session, lessons)
            self.pacer.free_where_ended(session, finished)
            self.pacer.settle_draws(session, by_hand)
            self._outcomes.count(session, by_hand, now=now)
            return stricter

    def _is_waiting(self, key: int) -> bool:
        """Whether a copy in hand is not with the transport yet."""
        in_hand = self._open.get(key)
        return in_hand is not None and key not in in_hand[0].went_to

    def _count(self, hand: Hand, settled: int) -> None:
        hand.settled += settled
        if hand.settled == len(hand.copies):
            hand.journal.close(discard=True)
            self._hands.remove(hand)

    def _renew(self) -> None:
        asked_at = time.monotonic()
        if not self._hands or asked_at - self._renewed < RENEW_EVERY_S:
            return
        try:
            with self._database.transaction() as session:
                renew(session, owners=[hand.owner for hand in self._hands], now=self.now())
        except OperationalError as error:
            log.warning("the leases wait for the database: %s", error.orig)
            return
        self._renewed = asked_at
        for hand in self._hands:
            hand.held_until = asked_at + LEASE.total_seconds() - LEASE_MARGIN_S


def _new_owner() -> str:
    """Return a name for one claim, at most 40 characters, fit for a file."""
    return f"{_own_name()}-{secrets.token_hex(8)}"


def _own_name() -> str:
    """Return the name of this process, at most 23 characters."""
    machine = re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:12]
    return f"{machine}-{os.getpid()}"
