"""Sending one letter at a time over SMTP, as one-off letters go: each command waits for its reply."""

import time
from collections.abc import Callable
from contextlib import suppress

from app.mail import connection
from app.mail.commands import find_unfit, write_envelope
from app.mail.connection import Connection, Refused, Relay, connect, decoded, log_refusal
from app.mail.replies import Verb, classify
from app.mail.transport import Outcome, Outgoing

BLOCK_OCTETS = 65_536


class Line:
    """The way to one relay: at most one connection, opened when needed, renewed when used up, idle or lost."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._connection: Connection | None = None
        self._letters = 0
        self._used_at = 0.0

    def deliver(self, outgoing: Outgoing, on_start: Callable[[int], None]) -> Outcome:
        """Send one letter and return what came of it."""
        refusal = find_unfit(outgoing)
        if refusal is not None:
            return refusal
        self._retire()
        if self._connection is not None:
            with suppress(_StaleConnection):
                return self._attempt(self._connection, outgoing, on_start)
        try:
            self._connection = connect(self._relay)
        except Refused as refused:
            log_refusal(self._relay, "no connection", refused.verb, refused.outcome)
            return refused.outcome
        self._letters = 0
        try:
            return self._attempt(self._connection, outgoing, on_start)
        except _StaleConnection as stale:
            return stale.outcome

    def close(self) -> None:
        """Say goodbye; how the server takes it changes nothing."""
        if self._connection is not None:
            self._connection.leave()
            self._connection = None

    def _attempt(self, kept: Connection, outgoing: Outgoing, on_start: Callable[[int], None]) -> Outcome:
        commands = write_envelope(outgoing, kept.features)
        if isinstance(commands, Outcome):
            return commands
        self._letters += 1
        security = kept.security
        try:
            return self._transfer(kept, commands, outgoing, on_start)
        except Refused as refused:
            log_refusal(self._relay, security, refused.verb, refused.outcome)
            if refused.outcome.code == 421 or not self._reset(kept):
                self.close()
            if self._connection is None and refused.verb is Verb.MAIL:
                raise _StaleConnection(refused.verb, refused.outcome) from refused
            return refused.outcome
        finally:
            self._used_at = time.monotonic()

    def _transfer(
        self, kept: Connection, commands: list[bytes], outgoing: Outgoing, on_start: Callable[[int], None]
    ) -> Outcome:
        """Run one mail transaction with one recipient."""
        mail, recipient, data = commands
        timeout_s = self._relay.command_timeout_s
        _expect(kept, 2, Verb.MAIL, mail, timeout_s)
        _expect(kept, 2, Verb.RCPT, recipient, timeout_s)
        _expect(kept, 3, Verb.DATA, data, min(timeout_s, connection.DATA_COMMAND_TIMEOUT_S))
        on_start(outgoing.key)
        with kept.answering(Verb.DATA, connection.BLOCK_TIMEOUT_S):
            for start in range(0, len(outgoing.data), BLOCK_OCTETS):
                kept.send(outgoing.data[start : start + BLOCK_OCTETS])
        code, text = _expect(kept, 2, Verb.CONTENT, b".\r\n", self._relay.data_timeout_s)
        return classify(Verb.CONTENT, code, text)

    def _reset(self, kept: Connection) -> bool:
        """Drop a failed transaction; return whether the connection can go on."""
        try:
            _expect(kept, 2, Verb.MAIL, b"RSET\r\n", self._relay.command_timeout_s)
        except Refused:
            return False
        return True

    def _retire(self) -> None:
        is_idle = time.monotonic() - self._used_at > connection.IDLE_MAX_S
        if is_idle or self._letters >= self._relay.letters_per_connection:
            self.close()


class _StaleConnection(Refused):
    """The connection was gone at MAIL: on one that was kept, that tells nothing of the server's present state."""


def _expect(kept: Connection, digit: int, verb: Verb, command: bytes, timeout_s: float) -> tuple[int, str]:
    with kept.answering(verb, timeout_s):
        kept.send(command)
        code, reply = kept.getreply()
    if code // 100 != digit:
        raise Refused(verb, classify(verb, code, decoded(reply)))
    return code, decoded(reply)
