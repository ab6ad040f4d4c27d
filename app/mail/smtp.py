"""Sending over SMTP: one connection for many letters, a timer for each command, no exception for what a server does."""

import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from app.errors import HeaderInvalid
from app.mail.address import needs_smtputf8
from app.mail.headers import check_address
from app.mail.replies import Verb, classify, lost
from app.mail.transport import Fault, Outcome, OutcomeKind, Outgoing

#: Servers may close a connection that was silent for five minutes (RFC 5321 §4.5.3.2.7).
IDLE_MAX_S = 240.0
#: Bounds within the command time-out (RFC 5321 §4.5.3.2.4 and .5).
DATA_COMMAND_TIMEOUT_S = 120.0
BLOCK_TIMEOUT_S = 180.0
BLOCK_OCTETS = 65_536
#: A goodbye is a courtesy, not worth a wait.
GOODBYE_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Relay:
    """The server that letters are handed to; times in seconds (RFC 5321 §4.5.3.2)."""

    server: str
    port: int
    ehlo_name: str
    use_tls: bool = False
    use_ssl: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    connect_timeout_s: float = 30.0
    command_timeout_s: float = 300.0
    data_timeout_s: float = 600.0
    letters_per_connection: int = 50


class SmtpTransport:
    """Sends through `relay`, over as few connections as its limits allow. Safe to share between threads."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def send(self, messages: Iterable[Outgoing], on_start: Callable[[int], None]) -> Iterator[tuple[int, Outcome]]:
        """Send one letter after another; connects for the first and says goodbye after the last."""
        line = Line(self._relay)
        try:
            for outgoing in messages:
                yield outgoing.key, line.deliver(outgoing, on_start)
        finally:
            line.close()


class Line:
    """The way to one relay: at most one connection, opened when needed, renewed when used up, idle or lost."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._connection: _Connection | None = None
        self._letters = 0
        self._used_at = 0.0

    def deliver(self, outgoing: Outgoing, on_start: Callable[[int], None]) -> Outcome:
        """Send one letter and return what came of it."""
        refusal = _unfit(outgoing)
        if refusal is not None:
            return refusal
        self._retire()
        if self._connection is not None:
            with suppress(_StaleConnection):
                return self._attempt(self._connection, outgoing, on_start)
        try:
            self._connection = _connect(self._relay)
        except _Refused as refused:
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

    def _attempt(self, connection: "_Connection", outgoing: Outgoing, on_start: Callable[[int], None]) -> Outcome:
        self._letters += 1
        try:
            return connection.transfer(outgoing, on_start)
        except _Refused as refused:
            if refused.outcome.code == 421 or not connection.reset():
                self.close()
            if self._connection is None and refused.verb is Verb.MAIL:
                raise _StaleConnection(refused.verb, refused.outcome) from refused
            return refused.outcome
        finally:
            self._used_at = time.monotonic()

    def _retire(self) -> None:
        is_idle = time.monotonic() - self._used_at > IDLE_MAX_S
        if is_idle or self._letters >= self._relay.letters_per_connection:
            self.close()


class _Refused(Exception):
    """A command was not granted, or the connection ended under it."""

    def __init__(self, verb: Verb, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.verb = verb
        self.outcome = outcome


class _StaleConnection(_Refused):
    """The connection was gone at MAIL: on one that was kept, that tells nothing of the server's present state."""


class _Connection(smtplib.SMTP):
    """The standard library's client, whose refusals and failures come as `_Refused`."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        super().__init__(relay.server, relay.port, relay.ehlo_name, relay.connect_timeout_s)
        self.command_encoding = "utf-8"  # for SMTPUTF8; every other command is ASCII

    def introduce(self) -> None:
        """Say EHLO, secure the connection and sign in, as the relay's settings want."""
        self._say_ehlo()
        if self._relay.use_tls:
            # Raises when STARTTLS is not offered, and forgets what was said before it (RFC 3207 §4.2).
            with self._answering(Verb.STARTTLS, self._relay.command_timeout_s):
                self.starttls(context=ssl.create_default_context())
            self._say_ehlo()
        if self._relay.username:
            if not (self._relay.use_tls or self._relay.use_ssl):
                raise _Refused(Verb.AUTH, lost(Verb.AUTH, "a password does not travel without TLS"))
            with self._answering(Verb.AUTH, self._relay.command_timeout_s):
                self.login(self._relay.username, self._relay.password)

    def transfer(self, outgoing: Outgoing, on_start: Callable[[int], None]) -> Outcome:
        """Run one mail transaction with one recipient."""
        timeout_s = self._relay.command_timeout_s
        self._expect(2, Verb.MAIL, f"MAIL FROM:<{outgoing.sender}>{self._mail_options(outgoing)}", timeout_s)
        self._expect(2, Verb.RCPT, f"RCPT TO:<{outgoing.recipient}>", timeout_s)
        self._expect(3, Verb.DATA, "DATA", min(timeout_s, DATA_COMMAND_TIMEOUT_S))
        on_start(outgoing.key)
        self._write(dot_stuffed(outgoing.data))
        code, text = self._expect(2, Verb.CONTENT, ".", self._relay.data_timeout_s)
        return classify(Verb.CONTENT, code, text)

    def reset(self) -> bool:
        """Drop a failed transaction; return whether the connection can go on."""
        try:
            self._expect(2, Verb.MAIL, "RSET", self._relay.command_timeout_s)
        except _Refused:
            return False
        return True

    def leave(self) -> None:
        """Say QUIT if anyone listens, and close."""
        with suppress(OSError):
            if self.sock is not None:
                self.sock.settimeout(GOODBYE_TIMEOUT_S)
                self.quit()
        self.close()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Open the socket: the base class calls this, and would use one timer for connecting and for all commands."""
        connected = socket.create_connection((host, port), timeout)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._relay.use_ssl:
            connected = ssl.create_default_context().wrap_socket(connected, server_hostname=host)
        connected.settimeout(self._relay.command_timeout_s)
        return connected

    def _say_ehlo(self) -> None:
        with self._answering(Verb.EHLO, self._relay.command_timeout_s):
            code, reply = self.ehlo()
        if code != 250:
            raise _Refused(Verb.EHLO, classify(Verb.EHLO, code, _decoded(reply)))

    def _mail_options(self, outgoing: Outgoing) -> str:
        if not needs_smtputf8(outgoing.sender + outgoing.recipient):
            return ""
        if not self.has_extn("smtputf8"):
            text = "the server does not offer SMTPUTF8, which this address needs"
            raise _Refused(Verb.RCPT, Outcome(OutcomeKind.REJECTED, text=text, fault=Fault.UNSUPPORTED_ADDRESS))
        return " BODY=8BITMIME SMTPUTF8"

    def _expect(self, digit: int, verb: Verb, command: str, timeout_s: float) -> tuple[int, str]:
        with self._answering(verb, timeout_s):
            code, reply = self.docmd(command)
        if code // 100 != digit:
            raise _Refused(verb, classify(verb, code, _decoded(reply)))
        return code, _decoded(reply)

    def _write(self, data: bytes) -> None:
        with self._answering(Verb.DATA, BLOCK_TIMEOUT_S):
            for start in range(0, len(data), BLOCK_OCTETS):
                self.send(data[start : start + BLOCK_OCTETS])

    @contextmanager
    def _answering(self, verb: Verb, timeout_s: float) -> Iterator[None]:
        """Set the timer for `verb`, and turn whatever goes wrong into a refusal."""
        try:
            if self.sock is None:
                raise smtplib.SMTPServerDisconnected("not connected")
            self.sock.settimeout(timeout_s)
            yield
        except smtplib.SMTPResponseException as error:
            if self.sock is None:  # a line without end, which the library reports as if the server had answered 500
                raise _Refused(verb, lost(verb, "endless reply")) from error
            raise _Refused(verb, classify(verb, error.smtp_code, _decoded(error.smtp_error))) from error
        except OSError as error:  # also TLS failures, and the library's own, such as STARTTLS not offered
            self.close()
            raise _Refused(verb, lost(verb, str(error))) from error


def dot_stuffed(data: bytes) -> bytes:
    """Return `data`, ended by CRLF, with a dot before each line that begins with one (RFC 5321 §4.5.2)."""
    ended = data if data.endswith(b"\r\n") else data + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", ended)


def _connect(relay: Relay) -> _Connection:
    try:
        connection = _Connection(relay)
    except smtplib.SMTPResponseException as error:
        outcome = classify(Verb.GREETING, error.smtp_code, _decoded(error.smtp_error))
        raise _Refused(Verb.GREETING, outcome) from error
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that cannot be a host's
        raise _Refused(Verb.GREETING, lost(Verb.GREETING, str(error))) from error
    try:
        connection.introduce()
    except _Refused:
        connection.leave()
        raise
    return connection


def _unfit(outgoing: Outgoing) -> Outcome | None:
    """Return a refusal of our own where the envelope could break out of its command."""
    try:
        check_address(outgoing.sender)
        check_address(outgoing.recipient)
    except HeaderInvalid as error:
        return Outcome(OutcomeKind.REJECTED, text=str(error), fault=Fault.CONTENT)
    return None


def _decoded(reply: bytes | str) -> str:
    return reply if isinstance(reply, str) else reply.decode("utf-8", "replace")
