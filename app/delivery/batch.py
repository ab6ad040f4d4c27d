"""The copies of one claim while they are in hand: their journal, and the clerk that settles them as they end."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from types import TracebackType

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.db import Database
from app.delivery.journal import Journal
from app.delivery.models import Delivery
from app.delivery.queue import Settlement, Unsent, Withheld, renew, settle
from app.mail.transport import Outcome, OutcomeKind

log = logging.getLogger(__name__)

#: An outcome is in the database at most this much later, however slow the next letter is.
SETTLE_EVERY_S = 1.0
#: How long a claim holds without renewal; the clerk renews it well before.
LEASE = timedelta(minutes=5)

OnOutcome = Callable[[Session, Delivery, Outcome], None]


class Batch:
    """Keeps the books of one claim; inside its context a clerk thread settles every second and renews the lease.

    Times are `claimed_at` plus what has passed since on a clock that no one sets.
    """

    def __init__(
        self,
        database: Database,
        journal: Journal,
        *,
        owner: str,
        claims: Sequence[Delivery],
        claimed_at: datetime,
        on_outcome: OnOutcome | None,
    ) -> None:
        self._database = database
        self._journal = journal
        self._owner = owner
        self._claims = {claim.id: claim for claim in claims}
        self._claimed_at = claimed_at
        self._on_outcome = on_outcome
        self._began = self._renewed = time.monotonic()
        self._started: set[int] = set()
        self._open = set(self._claims)
        self._unsettled: list[Settlement] = []
        self._settling = threading.Lock()
        self._is_over = threading.Event()
        self._clerk = threading.Thread(target=self._keep_books, name="delivery-clerk", daemon=True)

    def __enter__(self) -> "Batch":
        self._clerk.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_over.set()
        self._clerk.join()

    def start(self, key: int) -> None:
        """Note that a copy's content is about to leave."""
        self._journal.started(key, self._claims[key].attempt)
        self._started.add(key)

    def end(self, key: int, ending: Outcome | Withheld | Unsent) -> None:
        """Note how a copy ended; the clerk settles it soon."""
        attempt = self._claims[key].attempt
        if isinstance(ending, Outcome):
            self._journal.ended(key, attempt, ending)
        self._open.discard(key)
        self._unsettled.append(Settlement(key, attempt, ending))

    def finish(self, stop: threading.Event) -> bool:
        """End what was never ended, and settle all; return False if `stop` came while the database was away.

        A copy that began and of which its transport said nothing is uncertain; the others go back.
        """
        for key in sorted(self._open):
            silent = Outcome(OutcomeKind.UNCERTAIN, text="the transport told no outcome")
            self.end(key, silent if key in self._started else Unsent())
        while not self._settle():
            if stop.wait(SETTLE_EVERY_S):
                return self._settle()
        return True

    def _keep_books(self) -> None:
        while not self._is_over.wait(SETTLE_EVERY_S):
            self._settle()
            self._renew()

    def _settle(self) -> bool:
        """Settle what has ended; return False where the database would not have it now."""
        with self._settling:
            ended = list(self._unsettled)  # the sender goes on appending meanwhile
            if not ended:
                return True
            try:
                with self._database.transaction() as session:
                    record_settlements(
                        session, owner=self._owner, settlements=ended, now=self._now(), on_outcome=self._on_outcome
                    )
            except OperationalError as error:
                log.warning("%d outcomes wait for the database: %s", len(ended), error.orig)
                return False
            del self._unsettled[: len(ended)]
            return True

    def _renew(self) -> None:
        if time.monotonic() - self._renewed < LEASE.total_seconds() / 3:
            return
        try:
            with self._database.transaction() as session:
                renew(session, owner=self._owner, now=self._now(), lease=LEASE)
            self._renewed = time.monotonic()
        except OperationalError as error:
            log.warning("the lease waits for the database: %s", error.orig)

    def _now(self) -> datetime:
        return self._claimed_at + timedelta(seconds=time.monotonic() - self._began)


def record_settlements(
    session: Session, *, owner: str, settlements: Sequence[Settlement], now: datetime, on_outcome: OnOutcome | None
) -> int:
    """Settle, and tell `on_outcome` of each outcome in the same transaction; return how many copies changed."""
    endings = {settlement.key: settlement.ending for settlement in settlements}
    settled = settle(session, owner=owner, settlements=settlements, now=now)
    for delivery in settled:
        ending = endings[delivery.id]
        if on_outcome is not None and isinstance(ending, Outcome):
            on_outcome(session, delivery, ending)
    return len(settled)
