"""From claimed copies to messages: who composes what, and what is made of a copy that cannot be composed.

Looking up whether and to whom a copy may go is done for many at once, as late as possible; its bytes are written one
by one, when a connection is there to take them.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Protocol

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.db import Database
from app.delivery.claims import Copy, still_wanted
from app.delivery.endings import Ending, Unsent, Withheld
from app.errors import AppError
from app.mail.dkim import Signer
from app.mail.envelope import Envelope
from app.mail.letter import Letter, cast
from app.mail.transport import Fault, Outcome, OutcomeKind, Outgoing

log = logging.getLogger(__name__)


class Ready(Protocol):
    """A copy that may go to `recipient`, an address in its wire form (domain as A-labels)."""

    @property
    def recipient(self) -> str:
        """Whom it goes to."""
        ...

    def write(self, message_id: str, leave_address: str | None) -> tuple[bytes, bytes]:
        """Return the message's header and body, the same at every try; the body is ASCII. Raises AppError.

        `leave_address`: where its reader may leave by mail, if anywhere.
        """
        ...


@dataclass(frozen=True)
class Composed:
    """A one-off letter, ready for its recipient."""

    letter: Letter
    recipient: str
    date: datetime

    def write(self, message_id: str, leave_address: str | None) -> tuple[bytes, bytes]:
        """Return the letter as header and body."""
        return cast(self.letter, date=self.date).fill_parts(
            recipient=self.recipient, message_id=message_id, leave_address=leave_address
        )


#: Looks up what becomes of copies of one kind, in their order. Consent and suppression are checked here.
Compose = Callable[[Session, Sequence[Copy]], Sequence[Ready | Withheld]]
ComposeOne = Callable[[Session, Copy], Ready | Withheld]
#: What is made of a copy before it goes; an `Ending` where it does not.
Made = Ready | Ending


def one_by_one(compose: ComposeOne) -> Compose:
    """Return what composes copies of a kind of which there are few, each for itself."""
    return lambda session, copies: [compose(session, copy) for copy in copies]


class Composers:
    """Composes by kind: `compose` maps a delivery's kind to what makes its letters. All are signed, where keys are."""

    def __init__(
        self, database: Database, compose: Mapping[str, Compose], envelope: Envelope, signer: Signer | None
    ) -> None:
        self._database = database
        self._compose = compose
        self._envelope = envelope
        self._signer = signer

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of delivery that can be composed."""
        return frozenset(self._compose)

    def look_up(self, copies: Sequence[Copy]) -> list[Made]:
        """Return what becomes of each copy now; where the database is away, all go back."""
        try:
            with self._database.reading() as session:
                return list(self._made(session, copies))
        except OperationalError as error:
            return put_back(copies, error)

    def look_again(self, copies: Sequence[Copy], *, owner: str, now: datetime) -> list[Made]:
        """As `look_up`, for copies that waited: what was cancelled or held, expired or was taken over does not go."""
        try:
            with self._database.reading() as session:
                wanted = still_wanted(session, copies, owner=owner, now=now)
                made = iter(list(self._made(session, [copy for copy in copies if copy.id in wanted])))
        except OperationalError as error:
            return put_back(copies, error)
        return [next(made) if copy.id in wanted else Unsent() for copy in copies]

    def write(self, copy: Copy, ready: Ready) -> Outgoing | Outcome:
        """Return the message, whose ids hang on the delivery alone: a retry has the same envelope and bytes."""
        envelope = self._envelope
        try:
            leave_address = envelope.leave_address(copy.id) if envelope.takes_replies else None
            message_id = envelope.message_id(copy.id)
            header, body = ready.write(message_id, leave_address)
            if envelope.copy_header:
                header += envelope.copy_field(message_id)
            if self._signer is not None:
                header = self._signer.sign(header, body, at=copy.chunk.created_at) + header
        except Exception as error:
            return _unmade(copy, error)
        data = b"\r\n".join((header, body))
        return Outgoing(copy.id, envelope.bounce_address(copy.id), ready.recipient, data, not header.isascii())

    def _made(self, session: Session, copies: Sequence[Copy]) -> Iterator[Made]:
        for kind, group in groupby(copies, key=lambda copy: copy.chunk.kind):
            yield from self._made_of_kind(session, kind, list(group))

    def _made_of_kind(self, session: Session, kind: str, copies: Sequence[Copy]) -> Sequence[Made]:
        """Compose together; where that fails, one by one: a copy that cannot be made must not keep others back."""
        try:
            return self._compose[kind](session, copies)
        except OperationalError:
            raise  # the database, not these letters
        except Exception as error:
            if len(copies) == 1:
                return [_unmade(copies[0], error)]
        return [made for copy in copies for made in self._made_of_kind(session, kind, [copy])]


def put_back(copies: Sequence[Copy], error: OperationalError) -> list[Made]:
    """Let nothing go that was not looked up; what is on the wire meanwhile is finished."""
    log.warning("%d copies wait for the database: %s", len(copies), error.orig)
    return [Unsent() for _ in copies]


def _unmade(copy: Copy, error: Exception) -> Outcome:
    if isinstance(error, AppError):
        log.error("delivery %d cannot be composed: %s", copy.id, error)
        return Outcome(OutcomeKind.REJECTED, text=str(error), fault=Fault.CONTENT)
    log.error("delivery %d cannot be composed", copy.id, exc_info=error)
    return Outcome(OutcomeKind.DEFERRED, text="could not be composed, see the log", fault=Fault.CONTENT)
