"""The transport of editions: one thread, several connections, each filled as far as SMTP allows (RFC 2920)."""

import selectors
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future

from app.mail.connection import Connection, Refused, Relay, connect, log_refusal
from app.mail.lane import Lane
from app.mail.stages import Stage
from app.mail.traffic import Traffic
from app.mail.transport import ASK_AGAIN_S, Fault, Outcome, Outgoing


class PipelinedTransport:
    """Sends through `relay` over at most `connections` connections at a time. Safe to share between threads.

    They are opened as long as letters come, the second only when the first stands, and end with the run.
    """

    def __init__(self, relay: Relay, connections: int = 8) -> None:
        self._relay = relay
        self._connections = connections

    def send(
        self, messages: Iterable[Outgoing | None], on_start: Callable[[int], None]
    ) -> Iterator[tuple[int, Outcome]]:
        """Send letters side by side until `messages` ends, then finish those in hand."""
        run = _Run(self._relay, self._connections, Traffic(messages, on_start))
        try:
            while not run.is_over:
                yield from run.advance()
        finally:
            run.close()


class _Run:
    """The loop of one `send`. Nothing in it waits but the selector; connections are dialled in threads."""

    def __init__(self, relay: Relay, connections: int, traffic: Traffic) -> None:
        self._relay = relay
        self._connections = connections
        self._traffic = traffic
        self._selector = selectors.DefaultSelector()
        self._lanes: list[Lane] = []
        self._dials: list[Future[Connection]] = []
        self._denial: Outcome | None = None
        self._look_at = 0.0

    @property
    def is_over(self) -> bool:
        """Whether every letter has its outcome and all goodbyes are said."""
        return self._traffic.is_over and not self._lanes

    def advance(self) -> Iterator[tuple[int, Outcome]]:
        """Hand out letters, then act on what comes from the servers within a moment; yield the outcomes.

        The next letter's content leaves when the outcome of the one before was told: whoever is killed has then one
        letter in the gap on each connection, not two.
        """
        self._collect_dialled()
        for lane in self._lanes:
            if lane.stage is Stage.IDLE:
                lane.go_on()
        self._dial_as_needed()
        for key, events in self._selector.select(0 if self._traffic.outcomes else ASK_AGAIN_S):
            lane = key.data
            if events & selectors.EVENT_WRITE:
                lane.write()
            if events & selectors.EVENT_READ:
                lane.read()
                yield from self._traffic.take_outcomes()
                if lane.stage is Stage.GRANTED:
                    lane.write_content()
        self._lanes = [lane for lane in self._lanes if lane.stage is not Stage.CLOSED]
        self._look_at_clock()
        yield from self._traffic.take_outcomes()

    def close(self) -> None:
        """Drop all connections, also those that are still being dialled."""
        for lane in self._lanes:
            lane.close()
        for dialled in self._dials:
            dialled.add_done_callback(_leave)
        self._selector.close()

    def _collect_dialled(self) -> None:
        for dialled in [dialled for dialled in self._dials if dialled.done()]:
            self._dials.remove(dialled)
            try:
                connection = dialled.result()
            except Refused as refused:
                self._note_failed_dial(refused)
            else:
                self._lanes.append(Lane(connection, self._relay, self._traffic, self._selector))

    def _note_failed_dial(self, refused: Refused) -> None:
        """Go on with the lanes that stand; where there are none and will be none, the failure is what letters get."""
        outcome = refused.outcome
        log_refusal(self._relay, "no connection", refused.verb, outcome)
        if self._traffic.lanes or self._dials:
            self._traffic.put_off_dialling()
            return
        self._traffic.settle_waiting(outcome)
        if outcome.fault is Fault.AUTHENTICATION:
            self._denial = outcome
            self._traffic.put_off_dialling()

    def _dial_as_needed(self) -> None:
        if not self._lanes:
            self._dial_first()
            return
        dialling = len(self._dials)
        # Those that say goodbye count until they are gone: the relay counts them too.
        room = self._connections - len(self._lanes) - dialling
        traffic = self._traffic
        if room > 0 and (traffic.is_flowing or traffic.has_waiting) and time.monotonic() >= traffic.dial_at:
            # Twice as many at most: what stands is what the relay is known to allow.
            for _ in range(min(traffic.lanes - dialling, room)):
                self._dials.append(_dial(self._relay))

    def _dial_first(self) -> None:
        """Dial if there is a letter, which is pulled before it can go: how else to know."""
        if not self._traffic.has_waiting and (letter := self._traffic.draw()) is not None:
            self._traffic.take_back(letter)
        if not self._traffic.has_waiting or self._dials:
            return
        if self._denial is not None and time.monotonic() < self._traffic.dial_at:
            # A relay may lock an account for which the wrong password comes too often.
            self._traffic.settle_waiting(self._denial)
        else:
            self._dials.append(_dial(self._relay))

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + ASK_AGAIN_S
        for lane in self._lanes:
            lane.expire(now)


def _dial(relay: Relay) -> Future[Connection]:
    """Return a connection to come, or what its dialling raises."""
    dialled: Future[Connection] = Future()

    def connect_now() -> None:
        try:
            dialled.set_result(connect(relay))
        except BaseException as error:  # the loop raises it; a thread's own would be lost, and waited for
            dialled.set_exception(error)

    # A daemon: nobody waits for a server that never greets when the run is over.
    threading.Thread(target=connect_now, name="smtp-dial", daemon=True).start()
    return dialled


def _leave(dialled: Future[Connection]) -> None:
    if dialled.exception() is None:
        dialled.result().leave()
