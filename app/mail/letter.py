"""A letter is content; `build` makes it the bytes of one recipient's message."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from app.errors import HeaderInvalid, InputRefused
from app.mail import quoted_printable
from app.mail.headers import (
    check_address,
    clean_value,
    list_id_field,
    mailbox_field,
    text_field,
    token_field,
    url_field,
)

_FAKE_REPLY = re.compile(r"\s*(re|fwd?)\s*:", re.IGNORECASE)


@dataclass(frozen=True)
class Letter:
    """What one recipient is to read, and the list it comes from.

    `list_id` is the bare identifier (`fr.vigie.example.org`); `from_address`, `reply_to` and `owner` are addresses in
    their wire form; the URLs are absolute. `is_automatic`: no person chose this moment to send (RFC 3834 §5.2).
    """

    subject: str
    html: str
    text: str
    language: str
    from_name: str
    from_address: str
    list_name: str
    list_id: str
    unsubscribe_url: str
    archive_url: str
    help_url: str
    owner: str
    feedback_id: str
    is_automatic: bool
    reply_to: str | None = None


def build(letter: Letter, *, recipient: str, message_id: str, date: datetime) -> bytes:
    """Return the message for the wire: CRLF line ends, 7-bit, text before HTML, one recipient in To.

    The same arguments give the same bytes, so that a retried copy is the same message. Only a non-ASCII local part in
    `recipient` makes the header 8-bit, which SMTPUTF8 then covers (RFC 6532).
    Raises HeaderInvalid for a value that would leave its field, InputRefused for an empty part.
    """
    if not letter.text.strip() or not letter.html.strip():
        raise InputRefused("a letter needs a text and an HTML part")
    # No "=_" can stand in quoted-printable, so the boundary is in neither part (RFC 2045 §6.7).
    boundary = f"=_{hashlib.sha256(message_id.encode()).hexdigest()[:32]}"
    separator = f"--{boundary}\r\n".encode()
    return b"".join(
        [
            *_address_fields(letter, recipient),
            text_field("Subject", check_subject(letter.subject)),
            token_field("Date", format_datetime(date.astimezone(UTC))),
            token_field("Message-ID", _checked_message_id(message_id)),
            *_list_fields(letter),
            b"MIME-Version: 1.0\r\n",
            f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'.encode(),
            b"\r\n",
            separator,
            *_part("plain", letter.text),
            separator,
            *_part("html", letter.html),
            f"--{boundary}--\r\n".encode(),
        ]
    )


def check_subject(subject: str) -> str:
    """Return `subject`, cleaned; raises HeaderInvalid where it is empty, unsafe, or poses as a reply or forward."""
    subject = clean_value(subject)
    if not subject.strip():
        raise HeaderInvalid("a letter needs a subject")
    if _FAKE_REPLY.match(subject):
        raise HeaderInvalid("a subject may not pose as a reply or a forwarded letter")
    return subject


def _address_fields(letter: Letter, recipient: str) -> Iterator[bytes]:
    yield mailbox_field("From", letter.from_name, letter.from_address)
    yield mailbox_field("To", "", recipient)
    if letter.reply_to:
        yield mailbox_field("Reply-To", "", letter.reply_to)


def _list_fields(letter: Letter) -> Iterator[bytes]:
    yield list_id_field(letter.list_name, letter.list_id)
    yield url_field("List-Unsubscribe", letter.unsubscribe_url)
    # RFC 8058 §3.1 ties this to an https link. The settings see to that; only a trial on one's own machine has http.
    yield b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    yield url_field("List-Help", letter.help_url)
    yield url_field("List-Owner", f"mailto:{check_address(letter.owner)}")
    yield url_field("List-Archive", letter.archive_url)
    yield b"List-Post: NO\r\n"
    yield token_field("Content-Language", letter.language)
    yield token_field("Feedback-ID", letter.feedback_id)
    if letter.is_automatic:
        yield b"Auto-Submitted: auto-generated\r\n"


def _part(subtype: str, text: str) -> Iterator[bytes]:
    yield f"Content-Type: text/{subtype}; charset=utf-8\r\n".encode()
    yield b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    yield quoted_printable.encode(text)
    yield b"\r\n"


def _checked_message_id(message_id: str) -> str:
    if not re.fullmatch(r"<[A-Za-z0-9._-]+@[A-Za-z0-9.-]+>", message_id):
        raise HeaderInvalid("not a message id")
    return message_id
