"""One mail taken apart within bounds: what people are to read, what machines are to read, and the mail it returns.

Every input is taken; what lies beyond a bound is not looked at.
"""

import binascii
import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from html import unescape

from app.mail.reports.fields import FIELDS_MAX, PARSER_FAULTS, Fields, fields_of, gather, in_unicode, read_fields

SIZE_MAX_OCTETS = 5_000_000
LINES_MAX = 50_000
DEPTH_MAX = 20
PARTS_MAX = 200
#: Characters of what people are to read.
TEXT_MAX = 64_000
#: The parser's time grows with lines times open parts: after so many openings nothing more is parsed.
OPENINGS_MAX = 60

_OPENING = re.compile(rb"^content-type:[ \t]*(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
_RETURNED_TYPES = frozenset({"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers",
                             "text/rfc822", "message/news", "text/rfc822-header"})  # fmt: skip
_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_DISPOSITION_TYPES = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
_TEXT_TYPES = frozenset({"text/plain", "text/html"})

_SHOWN_BOUNDARY = re.compile(r"^--([^\s\"]{1,200})[ \t]*\r?\n(?:content-|\r?\n)", re.IGNORECASE | re.MULTILINE)
_SERVER = re.compile(r"mailer-?daemon|post_?master", re.IGNORECASE)
_STATUS_IN_TEXT = re.compile(r"^(?:final|original)-recipient:", re.IGNORECASE | re.MULTILINE)
_FEEDBACK_IN_TEXT = re.compile(r"^feedback-type:", re.IGNORECASE | re.MULTILINE)

#: What writers of a charset's name mean by it, where that is more (WHATWG Encoding §4.2).
_CHARSETS = {"us-ascii": "utf-8", "ascii": "utf-8", "iso-8859-1": "cp1252", "latin1": "cp1252", "gb2312": "gb18030",
             "gbk": "gb18030", "x-gbk": "gb18030", "shift_jis": "cp932", "x-sjis": "cp932", "ks_c_5601-1987": "cp949",
             "euc-kr": "cp949", "unknown-8bit": "utf-8", "cp-850": "cp850"}  # fmt: skip
#: How text in ISO-2022-JP leaves ASCII: no other charset does so, and mail often forgets to name it.
_JAPANESE = b"\x1b$B"

_HIDDEN = re.compile(r"<(style|script|head|title)\b", re.IGNORECASE)
_LINE_TAG = re.compile(r"<(?:br|/?p|/?div|/?tr|/?li|/?h\d|/?table|/td)\b[^<>]*>", re.IGNORECASE)
#: Not a mailbox in angle brackets, which careless writers of HTML leave as it is.
_TAG = re.compile(r"<(?![^<>\s@]{1,64}@[^<>\s@]{1,255}>)[^<>]*>")


@dataclass(frozen=True)
class Mail:
    """One mail's parts: `text` for people, the fields of its reports, the header of the mail it returns."""

    header: Fields
    report_type: str = ""
    text: str = ""
    status: tuple[tuple[str, str], ...] = ()
    feedback: Fields | None = None
    disposition: Fields | None = None
    returned: Fields | None = None


def take_apart(data: bytes) -> Mail:
    """Return the parts of a mail, of which at most 5 MB are looked at, 20 levels deep."""
    data = within_bounds(data)
    try:
        message = email.message_from_bytes(data)
        report_type = str(message.get_param("report-type", "") or "").lower()
        return _sorted_parts(message, report_type)
    except PARSER_FAULTS:
        return Mail(gather(pair for pair in read_fields(_ascii(data[:TEXT_MAX]).partition("\n\n")[0]) if pair[0]))


def _mended(message: Message) -> Message:
    """Return a mail whose parts are not marked as its header says, with the parts that its text shows."""
    payload = message.get_payload()
    if message.get_content_maintype() != "multipart" or not isinstance(payload, str):
        return message
    shown = _SHOWN_BOUNDARY.search(payload)
    if shown is None:
        message.set_type("text/plain")
        return message
    inner = email.message_from_string(f'Content-Type: multipart/mixed; boundary="{shown[1]}"\n\n{payload}')
    if isinstance(inner.get_payload(), list):
        message.set_payload(inner.get_payload())
    return message


def within_bounds(data: bytes) -> bytes:
    """Return as much of a mail as may be parsed."""
    lines = data[:SIZE_MAX_OCTETS].lstrip().split(b"\n", LINES_MAX)
    data = b"\n".join(lines[:LINES_MAX])
    for count, opening in enumerate(_OPENING.finditer(data)):
        if count == OPENINGS_MAX:
            return data[: opening.start()]
    return data


def _sorted_parts(message: Message, report_type: str) -> Mail:
    texts: list[str] = []
    status: list[tuple[str, str]] = []
    found: dict[str, Fields] = {}
    for part in _leaves(message):
        kind = part.get_content_type()
        if kind in _STATUS_TYPES:
            status += _report_fields(part)
        elif kind == "message/feedback-report":
            found.setdefault("feedback", gather(_report_fields(part)))
        elif kind in _DISPOSITION_TYPES:
            found.setdefault("disposition", gather(_report_fields(part)))
        elif kind in _RETURNED_TYPES:
            if "returned" not in found:
                found["returned"] = _returned(part)
        elif kind in _TEXT_TYPES and "returned" not in found:
            texts.append(text_of(part))
    text = "\n\n".join(text for text in texts if text.strip())[:TEXT_MAX]
    is_of_server = _is_of_server(message)
    if is_of_server:
        status = status or _fields_in(text, _STATUS_IN_TEXT)
    if (is_of_server or "returned" in found) and _FEEDBACK_IN_TEXT.search(text):
        found.setdefault("feedback", gather(_fields_in(text, _FEEDBACK_IN_TEXT)))
    return Mail(
        header=fields_of(message),
        report_type=report_type,
        text=text,
        status=tuple(status),
        **found,
    )


def _leaves(message: Message) -> Iterator[Message]:
    """Yield the parts that hold something themselves, in their order; of an alternative, the plain text alone."""
    waiting = [(message, 0)]
    for _ in range(PARTS_MAX):
        if not waiting:
            return
        part, depth = waiting.pop()
        part = _mended(part)
        children = part.get_payload()
        if part.get_content_maintype() != "multipart" or not isinstance(children, list):
            yield part
        elif depth < DEPTH_MAX:
            messages = [child for child in children if isinstance(child, Message)]
            if part.get_content_subtype() == "alternative":
                plain = [child for child in messages if child.get_content_type() != "text/html"]
                messages = plain if any(child.get_payload() for child in plain) else messages
            waiting.extend((child, depth + 1) for child in reversed(messages))


def _report_fields(part: Message) -> list[tuple[str, str]]:
    """Return the fields of a report: a blank line between its groups is an empty pair.

    The parser takes each group for the header of a message, and what it cannot read for that message's text.
    """
    payload = part.get_payload()
    groups = [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else [part]
    texts = []
    for group in groups[:PARTS_MAX]:
        header = [] if group is part else list(group.raw_items())[:FIELDS_MAX]
        lines = "\n".join(f"{name}: {in_unicode(str(value))}" for name, value in header)
        texts.append(f"{lines}\n{text_of(group)}"[:TEXT_MAX])
    text = "\n\n".join(texts)
    if part not in groups and str(part.get("content-transfer-encoding", "")).strip().lower() == "base64":
        text = _from_base64(text)
    return read_fields(text)


def _is_of_server(message: Message) -> bool:
    """Whether fields in its text may be a report's whose parts are not marked: people paste reports too."""
    return message.get_content_subtype() == "report" or _SERVER.search(str(message.get("from", ""))) is not None


def _fields_in(text: str, beginning: re.Pattern[str]) -> list[tuple[str, str]]:
    """Return the fields in a text from the paragraph on in which a report begins, or none."""
    found = beginning.search(text)
    if found is None:
        return []
    return read_fields(text[max(text.rfind("\n\n", 0, found.start()), 0) :])


def _from_base64(text: str) -> str:
    try:
        return binascii.a2b_base64("".join(text.split()).encode("ascii", "ignore")).decode("utf-8", "replace")
    except ValueError:
        return text


def _returned(part: Message) -> Fields:
    """Return the header of the mail that is returned."""
    payload = part.get_payload()
    inner = payload[0] if isinstance(payload, list) and payload else None
    if isinstance(inner, Message):
        return fields_of(inner)
    header = text_of(part).lstrip("\n").partition("\n\n")[0]
    return gather(pair for pair in read_fields(header) if pair[0])


def text_of(part: Message) -> str:
    """Return a text part in Unicode, HTML without its tags, at most `TEXT_MAX` characters."""
    try:
        octets = part.get_payload(decode=True)
    except PARSER_FAULTS:
        octets = None
    if not isinstance(octets, bytes):
        return ""
    # Some more octets than characters are kept: one character may be four.
    text = _decoded(octets[: 4 * TEXT_MAX], part).replace("\r\n", "\n").replace("\r", "\n")
    is_html = part.get_content_type() == "text/html"
    return (_without_tags(text) if is_html else text).replace("\xa0", " ").replace("\0", "")[:TEXT_MAX]


def _decoded(octets: bytes, part: Message) -> str:
    if _JAPANESE in octets[:TEXT_MAX]:
        return octets.decode("iso2022_jp_ext", "replace")
    named = str(part.get_param("charset", "") or "us-ascii").strip().lower()
    charset = _CHARSETS.get(named, named)
    # Octets that were cut within a character are no reason to take UTF-8 for something else.
    last = "cp1252" if charset == "utf-8" and b"\xc3" not in octets else charset
    for attempt, errors in ((charset, "strict"), ("utf-8", "strict"), (last, "replace")):
        try:
            return octets.decode(attempt, errors)
        except (LookupError, ValueError):
            continue
    return octets.decode("latin-1")


def _without_tags(text: str) -> str:
    text = _LINE_TAG.sub("\n", _without_hidden(text.replace("\n", " ")))
    return unescape(_TAG.sub(" ", text))


def _without_hidden(text: str) -> str:
    """Return HTML without what no reader sees: style, script, head, title; what is not closed stays."""
    first, *rest = _HIDDEN.split(text)
    kept = [first]
    for name, piece in zip(rest[::2], rest[1::2], strict=True):
        closing = piece.lower().find(f"</{name.lower()}")
        kept.append(piece[max(closing, 0) :])
    return " <".join(kept)


def _ascii(octets: bytes) -> str:
    return octets.decode("ascii", "replace").replace("\r\n", "\n")
