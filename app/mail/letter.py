"""A letter is content; `cast` makes it a mold, and filling that gives the bytes of one recipient's message."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime

from app.errors import HeaderInvalid, InputRefused
from app.mail.headers import (
    address_field,
    check_address,
    clean_value,
    list_id_field,
    mailbox_field,
    message_id_field,
    text_field,
    token_field,
    url_field,
)
from app.mail.quoted_printable import encode, encode_word, split_at

_MARK = re.compile(r"[a-z][A-Za-z0-9_-]*")
_VALUE = re.compile(r"[A-Za-z0-9._~:/?=&%#+-]+")
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


@dataclass(frozen=True)
class Mold:
    """A letter encoded once for all its copies, which differ in To, Message-ID and what replaces the marks.

    No line of a copy begins with a dot, so a transport writes it as it is (RFC 5321 §4.5.2).
    """

    marks: tuple[str, ...]
    _reply_to: str | None
    _fields: tuple[bytes, bytes, bytes, bytes]
    _unsubscribe_url: "_Gapped"
    _text: "_Gapped"
    _html: "_Gapped"

    def fill(
        self, *, recipient: str, message_id: str, values: Sequence[str] = (), leave_address: str | None = None
    ) -> bytes:
        """Return one copy for the wire; `values` replace the marks and are in their order.

        A value is URL-safe ASCII of any length, such as a URL or its end; in the HTML its `&` is escaped.
        The same arguments give the same bytes, so that a retried copy is the same message. Only a non-ASCII local part
        in `recipient` makes the header 8-bit, which SMTPUTF8 then covers (RFC 6532). `leave_address`: where one leaves
        by mail, and where replies go.
        Raises HeaderInvalid for an argument that would leave its place.
        """
        parts = self.fill_parts(recipient=recipient, message_id=message_id, values=values, leave_address=leave_address)
        return b"\r\n".join(parts)

    def fill_parts(
        self, *, recipient: str, message_id: str, values: Sequence[str] = (), leave_address: str | None = None
    ) -> tuple[bytes, bytes]:
        """Return what `fill` does as header and body, without the empty line between them."""
        if len(values) != len(self.marks):
            raise ValueError("a letter wants one value for each of its marks")
        octets = [_checked_octets(value) for value in values]
        words = [encode_word(each) for each in octets]
        in_html = words
        if b"&" in b"".join(octets):
            in_html = [encode_word(each.replace(b"&", b"&amp;")) for each in octets]
        body = b"".join(self._text.filled(words) + self._html.filled(in_html))
        return self._header(recipient, message_id, octets, leave_address), body

    def _header(self, recipient: str, message_id: str, values: Sequence[bytes], leave_address: str | None) -> bytes:
        before_to, before_message_id, before_unsubscribe, rest = self._fields
        unsubscribe_url = b"".join(self._unsubscribe_url.filled(values)).decode()
        reply_to = leave_address or self._reply_to
        return b"".join(
            (
                before_to,
                address_field("To", recipient),
                address_field("Reply-To", reply_to) if reply_to else b"",
                before_message_id,
                message_id_field(message_id),
                before_unsubscribe,
                # The https way first: what a program takes by itself is the leftmost it knows (RFC 2369 §2).
                url_field("List-Unsubscribe", unsubscribe_url, *_leave_by_mail(leave_address)),
                rest,
            )
        )


def cast(letter: Letter, *, date: datetime, marks: Sequence[str] = ()) -> Mold:
    """Return `letter` as a mold: CRLF line ends, 7-bit, text before HTML, one recipient in To.

    `marks` are ASCII words that begin with a small letter. In the HTML, the text and the unsubscribe URL they stand
    for what is one reader's own; all of these are found, or the letter is refused.
    Raises HeaderInvalid for a value that would leave its field, InputRefused for an empty part or a mark out of place,
    ValueError for a mark that is no such word.
    """
    if not letter.text.strip() or not letter.html.strip():
        raise InputRefused("a letter needs a text and an HTML part")
    _check_marks(letter, marks)
    words = [mark.encode() for mark in marks]
    text, html = (encode(part, words) for part in (letter.text, letter.html))
    # No "=_" can stand in quoted-printable, so the boundary is in neither part (RFC 2045 §6.7).
    boundary = f"=_{hashlib.sha256(text + html).hexdigest()[:32]}"
    end = f"--{boundary}--\r\n".encode()
    return Mold(
        tuple(marks),
        letter.reply_to,
        _fixed_fields(letter, date, boundary),
        _gapped(clean_value(letter.unsubscribe_url).encode(), letter.unsubscribe_url, words),
        _gapped(_part(boundary, "plain", text), letter.text, words),
        _gapped(_part(boundary, "html", html) + end, letter.html, words),
    )


def check_subject(subject: str) -> str:
    """Return `subject`, cleaned; raises HeaderInvalid where it is empty, unsafe, or poses as a reply or forward."""
    subject = clean_value(subject)
    if not subject.strip():
        raise HeaderInvalid("a letter needs a subject")
    if _FAKE_REPLY.match(subject):
        raise HeaderInvalid("a subject may not pose as a reply or a forwarded letter")
    return subject


@dataclass(frozen=True)
class _Gapped:
    """A text cut at its marks; `gaps` tells the place of each among the pieces, and its number among the marks."""

    pieces: list[bytes]
    gaps: list[tuple[int, int]]

    def filled(self, values: Sequence[bytes]) -> list[bytes]:
        pieces = self.pieces.copy()
        for place, number in self.gaps:
            pieces[place] = values[number]
        return pieces


def _gapped(data: bytes, source: str, marks: Sequence[bytes]) -> _Gapped:
    """Return `data`, made from `source`, with a gap for each mark of `source`."""
    pieces = split_at(marks, data)
    found = pieces[1::2]
    if any(found.count(mark) != source.count(mark.decode()) for mark in marks):
        raise InputRefused("a mark of this letter is part of something else")
    return _Gapped(pieces, [(2 * place + 1, marks.index(mark)) for place, mark in enumerate(found)])


def _check_marks(letter: Letter, marks: Sequence[str]) -> None:
    for mark in marks:
        # No escape of quoted-printable begins with a small letter, so none can be taken for a mark's beginning.
        if not _MARK.fullmatch(mark):
            raise ValueError("a mark is an ASCII word that begins with a small letter")
    common = astuple(replace(letter, html="", text="", unsubscribe_url=""))
    if any(mark in str(value) for mark in marks for value in common):
        raise InputRefused("a mark stands in a field that is the same for all readers")


def _fixed_fields(letter: Letter, date: datetime, boundary: str) -> tuple[bytes, bytes, bytes, bytes]:
    """Return what stands before, between and after the fields that each copy has of its own."""
    return (
        mailbox_field("From", letter.from_name, letter.from_address),
        b"".join(
            (
                text_field("Subject", check_subject(letter.subject)),
                token_field("Date", format_datetime(date.astimezone(UTC))),
            )
        ),
        list_id_field(letter.list_name, letter.list_id),
        b"".join(_fields_after_unsubscribe(letter, boundary)),
    )


def _leave_by_mail(address: str | None) -> tuple[str, ...]:
    """Return the URL of a mail by which one leaves; its subject says so (RFC 6068)."""
    return (f"mailto:{address}?subject=unsubscribe",) if address else ()


def _fields_after_unsubscribe(letter: Letter, boundary: str) -> Iterator[bytes]:
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
    yield b"MIME-Version: 1.0\r\n"
    yield f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'.encode()


def _part(boundary: str, subtype: str, encoded: bytes) -> bytes:
    head = (
        f"--{boundary}\r\n"
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode() + encoded + b"\r\n"


def _checked_octets(value: str) -> bytes:
    if not _VALUE.fullmatch(value):
        raise HeaderInvalid("what replaces a mark is URL-safe ASCII")
    return value.encode("ascii")
