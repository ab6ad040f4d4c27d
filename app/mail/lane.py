"""One connection of a pipelined run: a machine that reads replies and says what comes next, and never waits.

Where the server offers pipelining (RFC 2920), a letter's MAIL, RCPT and DATA leave together, right behind the final
dot of the letter before; elsewhere each command waits for the reply to the one before. Replies are matched by count.
"""

import selectors
import time
from collections.abc import Callable

from app.mail import connection as limits
from app.mail.commands import write_envelope
from app.mail.connection import Connection, Relay, decoded, log_refusal
from app.mail.replies import Verb, classify, lost
from app.mail.stages import VERBS, Stage, timeouts
from app.mail.traffic import Traffic
from app.mail.transport import Outcome, OutcomeKind, Outgoing
from app.mail.wire import Wire

_DOT = b".\r\n"


class Lane:
    """Draws letters from `traffic` and carries one after another.

    `letter` is in hand; the envelope of `ahead` was written behind it. `unsaid` are commands that wait for a reply.
    """

    def __init__(
        self, connection: Connection, relay: Relay, traffic: Traffic, selector: selectors.BaseSelector
    ) -> None:
        self._wire = Wire(connection, selector, self)
        self._features, self._security = connection.features, connection.security
        self._relay = relay
        self._traffic = traffic
        self._letter: Outgoing | None = None
        self._ahead: Outgoing | None = None
        self._letters = 0
        self._unsaid: list[bytes] = []
        self._behind_dot = 0
        self._timeouts = timeouts(relay)
        self._refusal: Outcome | None = None
        self._needs_reset = False
        self._deadline = 0.0
        self.stage = Stage.IDLE
        traffic.lanes += 1
        self._set_timer()

    def go_on(self) -> None:
        """With nothing in hand, take the next letter; say goodbye if this lane or the run is at its end."""
        drawn = self._draw()
        if drawn is not None:
            self._letter, commands = drawn
            self._begin(commands)
        elif self._is_used_up or self._traffic.is_over:
            self._retire()

    def write_content(self) -> None:
        """Write the letter that was granted, the final dot, and the envelope of the next letter behind it."""
        assert self._letter is not None
        drawn = self._draw() if self._features.has_pipelining else None
        announcement = b""
        if drawn is not None:
            self._ahead, commands = drawn
            announcement = b"".join(commands)
        self._behind_dot = len(announcement)
        self._traffic.on_start(self._letter.key)
        self.stage = Stage.CONTENT
        self._wire.write(b"".join((self._letter.data, _DOT, announcement)))
        self._set_timer()

    def read(self) -> None:
        """Act on the replies that have come."""
        try:
            replies = self._wire.receive()
        except OSError as error:
            self._lose(str(error), takes_back_until=Stage.DATA)
            return
        for code, text in replies:
            _ANSWERS[self.stage](self, code, text)
        if self._wire.unsent and self.stage is not Stage.CLOSED:
            self._wire.flush()
        if replies:
            self._set_timer()

    def write(self) -> None:
        """Write more of what is not written yet."""
        self._wire.flush()
        self._set_timer()

    def expire(self, now: float) -> None:
        """Act on the timer if it has run out."""
        if now < self._deadline:
            return
        if self.stage is Stage.IDLE:
            self._retire()
        else:
            self._lose("no answer in time", takes_back_until=Stage.MAIL)

    def close(self) -> None:
        """Close without a word."""
        if self.stage is Stage.CLOSED:
            return
        if self.stage is not Stage.QUIT:
            self._traffic.lanes -= 1
        self.stage = Stage.CLOSED
        self._wire.close()

    @property
    def _is_used_up(self) -> bool:
        return self._letters >= self._relay.letters_per_connection

    def _draw(self) -> tuple[Outgoing, list[bytes]] | None:
        """Return the next letter and its envelope, if there is one and this server can take it.

        Where it cannot, the outcome is told before another one is drawn: it may be the last that anybody wants to try.
        """
        if self._is_used_up or (letter := self._traffic.draw()) is None:
            return None
        commands = write_envelope(letter, self._features)
        if isinstance(commands, Outcome):
            self._traffic.settle(letter, commands)
            return None
        self._letters += 1
        return letter, commands

    def _begin(self, commands: list[bytes]) -> None:
        self.stage = Stage.MAIL
        if self._needs_reset:
            self._needs_reset = False
            self.stage = Stage.RSET
            commands = [b"RSET\r\n", *commands]
        if self._features.has_pipelining:
            self._wire.write(b"".join(commands))
        else:
            self._unsaid = commands
            self._say_next()
        self._set_timer()

    def _say_next(self) -> None:
        if self._unsaid:
            self._wire.write(self._unsaid.pop(0))

    def _on_rset(self, code: int, text: bytes) -> None:
        if code // 100 == 2:
            self.stage = Stage.MAIL
            self._say_next()
        else:
            self._drop(self._heard(Verb.MAIL, code, text), takes_back=True)

    def _on_mail(self, code: int, text: bytes) -> None:
        if code // 100 == 2:
            self.stage = Stage.RCPT
            self._say_next()
        else:
            self._refuse(Verb.MAIL, code, text)

    def _on_rcpt(self, code: int, text: bytes) -> None:
        if code // 100 != 2:
            self._refuse(Verb.RCPT, code, text)
        elif self._refusal is not None:
            # It takes a recipient without a sender, and might take a lone dot for a letter to them.
            self._drop(self._refusal, takes_back=False)
        else:
            self.stage = Stage.DATA
            self._say_next()

    def _on_data(self, code: int, text: bytes) -> None:
        if code // 100 != 3:
            self._refuse(Verb.DATA, code, text)
        elif self._refusal is None:
            self.stage = Stage.GRANTED
        else:
            self._settle(self._refusal)
            self.stage = Stage.LONE_DOT
            self._wire.write(_DOT)

    def _on_content(self, code: int, text: bytes) -> None:
        outcome = self._heard(Verb.CONTENT, code, text)
        if self._has_unsent_content:
            is_refusal = code // 100 in {4, 5}
            self._drop(outcome if is_refusal else lost(Verb.DATA, "a reply before its time"), takes_back=False)
        elif outcome.kind is OutcomeKind.ACCEPTED or _is_orderly(code):
            self._settle(outcome)
            self._letter, self._ahead = self._ahead, None
            self.stage = Stage.IDLE if self._letter is None else Stage.MAIL
        else:
            self._drop(outcome, takes_back=False)

    def _on_lone_dot(self, code: int, text: bytes) -> None:
        self.stage = Stage.IDLE
        if code == 421:
            self.close()

    def _on_unasked(self, code: int, text: bytes) -> None:
        self._lose(f"a reply to nothing: {decoded(text)}", takes_back_until=Stage.DATA)

    def _refuse(self, verb: Verb, code: int, text: bytes) -> None:
        """Note a refusal. What was said behind it in the same breath will be answered too."""
        is_first = self._refusal is None
        outcome = self._heard(verb, code, text)
        self._refusal = self._refusal or outcome
        if not _is_orderly(code):
            self._drop(self._refusal, takes_back=is_first and code == 421)
        elif self._unsaid or verb is Verb.DATA:
            self._settle(self._refusal)
            self._unsaid = []
            self._needs_reset = True
            self.stage = Stage.IDLE
        else:
            self.stage = Stage(self.stage + 1)

    def _heard(self, verb: Verb, code: int, text: bytes) -> Outcome:
        outcome = classify(verb, code, decoded(text))
        if outcome.kind is not OutcomeKind.ACCEPTED:
            log_refusal(self._relay, self._security, verb, outcome)
        return outcome

    def _settle(self, outcome: Outcome) -> None:
        assert self._letter is not None
        self._traffic.settle(self._letter, outcome)
        self._letter = self._refusal = None

    def _lose(self, reason: str, *, takes_back_until: Stage) -> None:
        """Give up the connection; the letter in hand may go by another lane if its stage is not too late for that."""
        if self._letter is None:
            self.close()
            return
        verb = Verb.DATA if self._has_unsent_content else VERBS.get(self.stage, Verb.MAIL)
        loss = lost(verb, reason)
        log_refusal(self._relay, self._security, verb, loss)
        takes_back = self._refusal is None and self.stage <= takes_back_until
        self._drop(self._refusal or loss, takes_back=takes_back)

    def _drop(self, outcome: Outcome, *, takes_back: bool) -> None:
        """Close. The letter in hand gets `outcome`, unless it may and can be taken back.

        It can where the connection was a kept one or others stand: its end tells nothing of the way as it is now.
        """
        self.close()
        if self._ahead is not None:
            self._traffic.take_back(self._ahead)
        is_first = self._letters == 1
        if takes_back and self._letter is not None and (self._traffic.lanes or not is_first):
            self._traffic.take_back(self._letter)
            if is_first:
                self._traffic.put_off_dialling()
        else:
            self._settle(outcome)

    @property
    def _has_unsent_content(self) -> bool:
        return self.stage is Stage.CONTENT and self._wire.unsent > self._behind_dot

    def _retire(self) -> None:
        self._traffic.lanes -= 1
        self.stage = Stage.QUIT
        self._wire.write(b"QUIT\r\n")
        self._set_timer()

    def _set_timer(self) -> None:
        is_writing = self.stage is Stage.CONTENT and self._wire.unsent
        self._deadline = time.monotonic() + (limits.BLOCK_TIMEOUT_S if is_writing else self._timeouts[self.stage])


_ANSWERS: dict[Stage, Callable[[Lane, int, bytes], None]] = {
    Stage.IDLE: Lane._on_unasked,
    Stage.RSET: Lane._on_rset,
    Stage.MAIL: Lane._on_mail,
    Stage.RCPT: Lane._on_rcpt,
    Stage.DATA: Lane._on_data,
    Stage.GRANTED: Lane._on_unasked,
    Stage.CONTENT: Lane._on_content,
    Stage.LONE_DOT: Lane._on_lone_dot,
    Stage.QUIT: Lane._on_unasked,
    Stage.CLOSED: lambda lane, code, text: None,
}


def _is_orderly(code: int) -> bool:
    """Whether a refusal leaves the connection as it was: 421 ends it, and what is no refusal comes out of step."""
    return code // 100 in {4, 5} and code != 421
