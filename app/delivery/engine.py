"""The sending engine: claims a batch, has each letter composed and sent, settles what came of it.

It knows no kinds of letter. No transaction is open while the network is used. Whatever ends a run, a kill included,
leaves rows and a journal from which `recover` goes on: the error path is the crash path.
"""

import logging
import os
import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import clock
from app.db import Database
from app.delivery.batch import LEASE, Batch, OnOutcome
from app.delivery.journal import Journal
from app.delivery.models import Delivery
from app.delivery.queue import Unsent, Withheld, claim, has_due, is_held
from app.delivery.recovery import recover
from app.errors import AppError
from app.mail.envelope import Envelope
from app.mail.letter import Letter, build
from app.mail.transport import Fault, Outcome, OutcomeKind, Outgoing, Transport

__all__ = ["Compose", "Composed", "Engine", "Withheld"]

log = logging.getLogger(__name__)

#: How often an engine with nothing to do looks again, in seconds.
IDLE_WAIT_S = 0.5
#: The first and the longest wait after a fault that would meet every letter, in seconds; it doubles in between.
ROUTE_WAIT_S = 1.0
ROUTE_WAIT_MAX_S = 120.0
#: How often dead senders are looked for.
RECOVER_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Composed:
    """A letter ready for `recipient`, an address in its wire form (domain as A-labels)."""

    letter: Letter
    recipient: str


#: Makes one copy's letter, or says why it must not go. Consent and suppression are checked here, just before sending.
Compose = Callable[[Session, Delivery], Composed | Withheld]


class Engine:
    """One sender. Several may run, in threads, processes and on machines; each has its own journal.

    `compose` maps a delivery's kind to what makes its letter, `transport_for` to what sends it.
    `on_outcome` is called inside the settling transaction.
    """

    def __init__(
        self,
        *,
        database: Database,
        compose: Mapping[str, Compose],
        transport_for: Callable[[str], Transport],
        envelope: Envelope,
        journal_dir: Path,
        batch: int = 50,
        on_outcome: OnOutcome | None = None,
    ) -> None:
        self._database = database
        self._compose = compose
        self._transport_for = transport_for
        self._envelope = envelope
        self._journal_dir = journal_dir
        self._batch = batch
        self._on_outcome = on_outcome
        self._faults = 0
        self._recover_at: datetime | None = None

    def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set; then finish the letter in hand, settle, and return."""
        while not stop.is_set():
            try:
                self._recover_if_due(clock.now())
                handled = self.run_once(clock.now(), stop)
                stop.wait(self._pause_s() if self._faults else 0 if handled else IDLE_WAIT_S)
            except OperationalError as error:
                log.warning("the sender waits for the database: %s", error.orig)
                self._recover_at = None
                stop.wait(ROUTE_WAIT_S)
            except Exception:
                log.exception("the sender stumbled, and goes on from its journal")
                self._recover_at = None
                self._faults += 1
                stop.wait(self._pause_s())

    def run_once(self, now: datetime, stop: threading.Event | None = None) -> int:
        """Claim one batch of what is due at `now`, send and settle it; return how many copies were claimed."""
        with self._database.reading() as session:
            if not has_due(session, now=now):
                return 0
        owner = _new_owner()
        with Journal(self._journal_dir, owner) as journal:
            with self._database.transaction() as session:
                # After a fault of the route one copy is enough to learn whether it is mended.
                claims = claim(session, owner=owner, now=now, limit=1 if self._faults else self._batch, lease=LEASE)
            if self._send(claims, owner, journal, now, stop or threading.Event()):
                journal.discard()
        return len(claims)

    def recover(self, now: datetime) -> int:
        """Take over what dead senders held; return how many copies that concerned."""
        return recover(self._database, self._journal_dir, now=now, on_outcome=self._on_outcome)

    def _recover_if_due(self, now: datetime) -> None:
        if self._recover_at is None or now >= self._recover_at:
            self.recover(now)
            self._recover_at = now + RECOVER_EVERY

    def _pause_s(self) -> float:
        return min(ROUTE_WAIT_S * 2.0 ** min(self._faults - 1, 30), ROUTE_WAIT_MAX_S)

    def _send(
        self, claims: Sequence[Delivery], owner: str, journal: Journal, now: datetime, stop: threading.Event
    ) -> bool:
        """Send the claims; return whether all is settled."""
        books = Batch(self._database, journal, owner=owner, claims=claims, claimed_at=now, on_outcome=self._on_outcome)
        run = _Run(stop)
        with books:
            for transport, copies in groupby(claims, key=lambda delivery: self._transport_for(delivery.kind)):
                messages = self._messages(copies, books, run)
                for key, outcome in transport.send(messages, books.start):
                    books.end(key, outcome)
                    self._heed(outcome, run)
            return books.finish(stop)

    def _messages(self, copies: Iterator[Delivery], books: Batch, run: "_Run") -> Iterator[Outgoing]:
        """Compose each copy when its transport asks for it; none after a stop or a fault of the route."""
        for delivery in copies:
            if run.is_over:
                return
            made = self._made(delivery)
            if isinstance(made, Outgoing):
                yield made
            else:
                books.end(delivery.id, made)

    def _heed(self, outcome: Outcome, run: "_Run") -> None:
        if outcome.concerns_route:
            log.warning("sending pauses: %s %s", outcome.code or "", outcome.text)
            self._faults += 1
            run.has_met_fault = True
        else:
            self._faults = 0

    def _made(self, delivery: Delivery) -> Outgoing | Outcome | Withheld | Unsent:
        try:
            with self._database.reading() as session:
                if not is_held(session, delivery):
                    return Unsent()  # this process stood still for so long that another took the copy over
                composed = self._compose[delivery.kind](session, delivery)
            if isinstance(composed, Withheld):
                return composed
            return self._outgoing(delivery, composed)
        except AppError as error:
            log.error("delivery %d cannot be composed: %s", delivery.id, error)
            return Outcome(OutcomeKind.REJECTED, text=str(error), fault=Fault.CONTENT)
        except OperationalError:
            raise  # the database, not this letter
        except Exception:
            # One letter that cannot be made must not keep all others from going.
            log.exception("delivery %d cannot be composed", delivery.id)
            return Outcome(OutcomeKind.DEFERRED, text="could not be composed, see the log", fault=Fault.CONTENT)

    def _outgoing(self, delivery: Delivery, composed: Composed) -> Outgoing:
        """Return the message, whose date and ids hang on the delivery alone: a retry has the same bytes."""
        data = build(
            composed.letter,
            recipient=composed.recipient,
            message_id=self._envelope.message_id(delivery.id),
            date=delivery.created_at,
        )
        sender = self._envelope.bounce_address(delivery.id)
        return Outgoing(key=delivery.id, sender=sender, recipient=composed.recipient, data=data)


@dataclass
class _Run:
    """One batch under way."""

    stop: threading.Event
    has_met_fault: bool = False

    @property
    def is_over(self) -> bool:
        """Whether no further letter may begin."""
        return self.has_met_fault or self.stop.is_set()


def _new_owner() -> str:
    """Return a name for one claim, at most 40 characters, fit for a file."""
    machine = re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:12]
    return f"{machine}-{os.getpid()}-{secrets.token_hex(8)}"
