"""A small mail server for what comes back: it takes mail for addresses that bear a seal of ours, and for no other.

It speaks SMTP, or LMTP (RFC 2033) behind a mail server, answers no mail and generates none (RFC 5321 §4.5.5).
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy.exc import OperationalError, ProgrammingError

from app import clock
from app.feedback.intake import Intake, Taken
from app.mail.reports.parts import SIZE_MAX_OCTETS
from app.settings.feedback import ReturnSettings

log = logging.getLogger(__name__)

#: Seconds that a client may be silent.
TIMEOUT_S = 60.0
UNKNOWN = "550 5.1.1 No such address here"
ONE_EACH = "452 4.5.3 One recipient at a time: each address here names one letter"
LATER = "451 4.3.0 Come back later"


#: Octets of a line; many who return mail keep no limit (RFC 5321 §4.5.3.1.6).
LINE_MAX = 65_536


class _Smtp(SMTP):
    line_length_limit = LINE_MAX


class _Lmtp(LMTP):
    line_length_limit = LINE_MAX


class Handler:
    """Answers RCPT and DATA. `addresses` are taken beside the sealed ones, in lower case."""

    def __init__(self, intake: Intake, addresses: frozenset[str]) -> None:
        self._intake = intake
        self._addresses = addresses

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]) -> str:
        """Take an address of ours, one in each transaction: so LMTP needs no more than one reply."""
        if envelope.rcpt_tos:
            return ONE_EACH
        if not self._is_ours(address):
            return UNKNOWN
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take the mail in, and say so only once it is kept."""
        content = envelope.content
        mail = content if isinstance(content, bytes) else (content or "").encode()
        # As whoever delivers for good does: it tells a mail from nobody (RFC 5321 §4.4).
        data = f"Return-Path: <{envelope.mail_from or ''}>\r\n".encode() + mail
        now = clock.now()
        take = partial(self._intake.take, data, recipients=tuple(envelope.rcpt_tos), at=now, now=now)
        try:
            taken = await asyncio.to_thread(take)
        except (OperationalError, ProgrammingError) as error:
            log.warning("returned mail waits for the database: %s", error.orig)
            return LATER
        log.info("returned mail for %s: %s", envelope.rcpt_tos[0], taken.value)
        return LATER if taken is Taken.TOO_MANY else "250 2.0.0 Taken"

    async def handle_exception(self, error: Exception) -> str:
        """Let a client come back where we failed: its mail is not lost."""
        log.error("returned mail could not be taken in", exc_info=error)
        return LATER

    def _is_ours(self, address: str) -> bool:
        ours = self._intake.envelope
        is_sealed = ours.read_bounce_address(address) is not None or ours.read_leave_address(address) is not None
        return is_sealed or address.lower() in self._addresses


class Listener(Controller):
    """Runs the server in a thread of its own."""

    def __init__(self, intake: Intake, settings: ReturnSettings) -> None:
        self._protocol = _Lmtp if settings.is_lmtp else _Smtp
        super().__init__(
            Handler(intake, settings.addresses),
            hostname=settings.bind,
            port=settings.port,
            ready_timeout=30,
            data_size_limit=SIZE_MAX_OCTETS,
            ident="Vigie",
            timeout=TIMEOUT_S,
        )

    def factory(self) -> SMTP:
        """Return what speaks with one client."""
        return self._protocol(self.handler, **self.SMTP_kwargs)


@contextmanager
def listening(intake: Intake, settings: ReturnSettings) -> Iterator[None]:
    """Listen while the block runs; what was not answered by then comes again, and counts once."""
    listener = Listener(intake, settings)
    listener.start()
    try:
        yield
    finally:
        listener.stop()
