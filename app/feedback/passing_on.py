"""The letter that brings a reader's mail to the newsroom: who wrote, their words, and the mail itself, untouched."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.claims import Copy
from app.delivery.composing import Compose, one_by_one
from app.delivery.endings import Withheld
from app.delivery.models import Chunk
from app.errors import AddressInvalid
from app.feedback.models import Reply
from app.feedback.replies import REPLY, own_words
from app.i18n import gettext, is_line
from app.mail.address import parse_address
from app.mail.headers import address_field, mailbox_field, message_id_field, text_field, token_field
from app.mail.reports.addresses import addresses_in_fields
from app.mail.reports.fields import first
from app.mail.reports.parts import take_apart
from config import Config

#: Octets of a line of base64 (RFC 2045 §6.8).
LINE = 76
SUBJECT_MAX = 150


def reply_letters(config: Config) -> Mapping[str, Compose]:
    """Return, by kind of delivery, who composes what is passed on."""

    def compose(session: Session, copy: Copy) -> "PassedOn | Withheld":
        data = session.scalar(select(Reply.data).where(Reply.public_id == copy.reference))
        language = session.get_one(Chunk, copy.chunk.id).language
        if data is None or copy.address is None:
            return Withheld("the mail is gone")
        return PassedOn(
            data,
            copy.address,
            config.mail.sender,
            config.identity.publication,
            language,
            copy.chunk.created_at,
        )

    return {REPLY: one_by_one(compose)}


@dataclass(frozen=True)
class PassedOn:
    """One mail on its way to the newsroom."""

    data: bytes
    recipient: str
    sender: str
    publication: str
    language: str
    date: datetime

    def write(self, message_id: str, leave_address: str | None) -> tuple[bytes, bytes]:
        """Return header and body; the mail is an attachment, in base64, so that not an octet of it changes."""
        mail = take_apart(self.data)
        writer = next(iter(addresses_in_fields(mail.header, "reply-to", "from")), "")
        subject = " ".join("".join(filter(is_line, first(mail.header, "subject"))).split())[:SUBJECT_MAX]
        boundary = f"=_{hashlib.sha256(self.data).hexdigest()[:32]}"
        header = b"".join(
            (
                mailbox_field("From", self.publication, self.sender),
                address_field("To", self.recipient),
                _reply_to(writer),
                text_field("Subject", gettext(self.language, "A reader writes: %(subject)s", subject=subject or "…")),
                token_field("Date", format_datetime(self.date.astimezone(UTC))),
                message_id_field(message_id),
                b"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n",
                f'Content-Type: multipart/mixed;\r\n boundary="{boundary}"\r\n'.encode(),
            )
        )
        text = f"{writer}\n\n{own_words(mail.text) or mail.text}\n"
        parts = (
            ("text/plain; charset=utf-8", "", text.encode(errors="replace")),
            ("application/octet-stream", 'Content-Disposition: attachment; filename="mail.eml"\r\n', self.data),
        )
        body = b"".join(_part(boundary, kind, more, octets) for kind, more, octets in parts)
        return header, body + f"--{boundary}--\r\n".encode()


def _part(boundary: str, kind: str, more: str, octets: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Type: {kind}\r\n{more}Content-Transfer-Encoding: base64\r\n\r\n"
    encoded = base64.b64encode(octets)
    lines = (encoded[start : start + LINE] for start in range(0, len(encoded), LINE))
    return head.encode() + b"\r\n".join(lines) + b"\r\n"


def _reply_to(writer: str) -> bytes:
    """An answer goes to the reader, where their address is one that any relay takes in a header (RFC 6532 §3.2)."""
    try:
        address = parse_address(writer).ascii
    except AddressInvalid:
        return b""
    return address_field("Reply-To", address) if address.isascii() else b""
