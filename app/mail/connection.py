"""Connections to a relay, from the dialling to the sign-in; what is then sent over them is not known here."""

import logging
import smtplib
import socket
import ssl
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property

from app.mail.commands import Features
from app.mail.replies import Verb, classify, lost
from app.mail.reply_reader import Reply, ReplyReader
from app.mail.transport import Outcome

log = logging.getLogger(__name__)

#: Servers may close a connection that was silent for five minutes (RFC 5321 §4.5.3.2.7).
IDLE_MAX_S = 240.0
#: Bounds within the command time-out (RFC 5321 §4.5.3.2.4 and .5).
DATA_COMMAND_TIMEOUT_S = 120.0
BLOCK_TIMEOUT_S = 180.0
#: A goodbye is a courtesy, not worth a wait.
GOODBYE_TIMEOUT_S = 5.0
#: Takes most letters in one write.
SEND_BUFFER_OCTETS = 131_072
RECEIVE_OCTETS = 65_536
#: Both need TLS, which we insist on; CRAM-MD5 gains nothing then, and obliges the server to keep the password itself.
MECHANISMS = ("PLAIN", "LOGIN")


@dataclass(frozen=True)
class Relay:
    """The server that letters are handed to; times in seconds (RFC 5321 §4.5.3.2).

    `ca_file` names the certificates of a private authority; the system's own are trusted where it is empty.
    """

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
    ca_file: str = ""

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """What verifies the server. Made once: to read the system's authorities takes as long as 100 letters."""
        context = ssl.create_default_context(cafile=self.ca_file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


class Refused(Exception):
    """A command was not granted, or the connection ended under it."""

    def __init__(self, verb: Verb, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.verb = verb
        self.outcome = outcome


class Connection(smtplib.SMTP):
    """The standard library's client, whose refusals and failures come as `Refused`."""

    features = Features()

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self.reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        super().__init__(relay.server, relay.port, relay.ehlo_name, relay.connect_timeout_s)

    def introduce(self) -> None:
        """Say EHLO, secure the connection and sign in, as the relay's settings want."""
        self._say_ehlo()
        if self._relay.use_tls:
            self._secure()
            self._say_ehlo()
        if self._relay.username:
            self._sign_in()

    def getreply(self) -> tuple[int, bytes]:
        """Return the next reply; the base class's way knows no bound for the number of its lines."""
        try:
            while not self._replies:
                self._replies.extend(self.reader.feed(self.open_socket.recv(RECEIVE_OCTETS)))
        except OSError as error:
            self.close()
            raise smtplib.SMTPServerDisconnected(str(error)) from error
        return self._replies.popleft()

    @property
    def open_socket(self) -> socket.socket:
        """The open socket; raises SMTPServerDisconnected where there is none."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        return self.sock

    @property
    def security(self) -> str:
        """The version of TLS in use, for people."""
        return self.sock.version() or "TLS" if isinstance(self.sock, ssl.SSLSocket) else "in clear"

    @contextmanager
    def answering(self, verb: Verb, timeout_s: float) -> Iterator[None]:
        """Set the timer for `verb`, and turn whatever goes wrong into a refusal."""
        try:
            self.open_socket.settimeout(timeout_s)
            yield
        except smtplib.SMTPResponseException as error:
            raise Refused(verb, classify(verb, error.smtp_code, decoded(error.smtp_error))) from error
        except (OSError, ValueError) as error:  # TLS failures and the library's own too; a challenge that is not base64
            self.close()
            raise Refused(verb, lost(verb, str(error))) from error

    def leave(self) -> None:
        """Say QUIT if anyone listens, and close."""
        with suppress(OSError):
            if self.sock is not None:
                self.sock.settimeout(GOODBYE_TIMEOUT_S)
                self.quit()
        self.close()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Open the socket: the base class calls this, and would use one timer for connecting and for all commands."""
        tls = self._relay.tls if self._relay.use_ssl else None
        connected = socket.create_connection((host, port), timeout)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_OCTETS)
        if tls is not None:
            connected = tls.wrap_socket(connected, server_hostname=host)
        connected.settimeout(self._relay.command_timeout_s)
        return connected

    def _say_ehlo(self) -> None:
        with self.answering(Verb.EHLO, self._relay.command_timeout_s):
            code, reply = self.ehlo()
        if code != 250:
            raise Refused(Verb.EHLO, classify(Verb.EHLO, code, decoded(reply)))
        self.features = Features.offered(self.esmtp_features)

    def _secure(self) -> None:
        """Begin TLS; the base class would overlook what stands behind the reply in clear (RFC 3207 §6)."""
        if not self.has_extn("starttls"):
            raise Refused(Verb.STARTTLS, lost(Verb.STARTTLS, "the server does not offer STARTTLS"))
        with self.answering(Verb.STARTTLS, self._relay.command_timeout_s):
            code, reply = self.docmd("STARTTLS")
            if code != 220:
                raise smtplib.SMTPResponseException(code, reply)
            if self._replies or self.reader.has_rest:
                raise smtplib.SMTPServerDisconnected("more than its reply came in clear")
            self.sock = self._relay.tls.wrap_socket(self.open_socket, server_hostname=self._relay.server)

    def _sign_in(self) -> None:
        """Try the password once, by one mechanism: the base class would try it by each that is offered."""
        if not (self._relay.use_tls or self._relay.use_ssl):
            raise Refused(Verb.AUTH, lost(Verb.AUTH, "a password does not travel without TLS"))
        if not (self._relay.username + self._relay.password).isascii():
            raise Refused(Verb.AUTH, lost(Verb.AUTH, "only ASCII user names and passwords can be sent"))
        self.user, self.password = self._relay.username, self._relay.password
        offered = self.esmtp_features.get("auth", "").upper().split()
        mechanism = next((way for way in MECHANISMS if way in offered), None)
        if mechanism is None:
            raise Refused(Verb.AUTH, lost(Verb.AUTH, "the server offers no way to sign in that we know"))
        with self.answering(Verb.AUTH, self._relay.command_timeout_s):
            self.auth(mechanism, getattr(self, f"auth_{mechanism.lower()}"))


def connect(relay: Relay) -> Connection:
    """Return a connection that is ready for letters. Raises Refused."""
    try:
        connection = Connection(relay)
    except smtplib.SMTPResponseException as error:
        outcome = classify(Verb.GREETING, error.smtp_code, decoded(error.smtp_error))
        raise Refused(Verb.GREETING, outcome) from error
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that cannot be a host's
        raise Refused(Verb.GREETING, lost(Verb.GREETING, str(error))) from error
    try:
        connection.introduce()
    except Refused:
        connection.leave()
        raise
    log.info("connected to %s:%d, %s, %s", relay.server, relay.port, connection.security, connection.features)
    return connection


def log_refusal(relay: Relay, security: str, verb: Verb, outcome: Outcome) -> None:
    """Log what came of a command and over what it went; never a letter or a password."""
    log.info("%s:%d, %s, at %s: %s %s", relay.server, relay.port, security, verb, outcome.code or "-", outcome.text)


def decoded(reply: bytes | str) -> str:
    """Return a reply's text."""
    return reply if isinstance(reply, str) else reply.decode("utf-8", "replace")
