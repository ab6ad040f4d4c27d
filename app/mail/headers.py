"""Header fields as bytes: checked, encoded (RFC 2047) and folded (RFC 5322 §2.2.3).

The standard library's policies turn long URLs and non-ASCII local parts into encoded-words, which structured fields
must not hold (RFC 2047 §5, RFC 2369 §2); hence this small writer of our own.
"""

import base64
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache

from app.errors import HeaderInvalid

#: RFC 5322 §2.1.1, in octets and without CRLF.
LINE_MAX_OCTETS = 998
#: A line that holds an encoded-word, and the word itself (RFC 2047 §2).
ENCODED_LINE_MAX = 76
ENCODED_WORD_MAX = 75
#: Where lines without encoded-words are folded.
LINE_PREFERRED = 78

_WORD_FRAME = len("=?utf-8?q??=")
_BIDI_OPENERS = dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c") | dict.fromkeys("\u2066\u2067\u2068", "\u2069")
_BIDI_CLOSERS = frozenset(_BIDI_OPENERS.values())
#: What an encoded-word of a phrase may hold unescaped (RFC 2047 §5(3)).
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
#: What `_ADDRESS` takes anyway, told sooner: nearly all addresses are such.
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_ADDRESS = re.compile(r'[^\s<>@,;:"()\[\]\\]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?')
_URL = re.compile(r"(https?://|mailto:)[!-;=?-~]+")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9._-]+@[A-Za-z0-9.-]+>")
_PRINTABLE = re.compile(r"[ -~]+")


def clean_value(value: str) -> str:
    """Return `value` in Unicode form NFC.

    Raises HeaderInvalid for what could end the field or turn its text around: any control character, line or
    paragraph separator, lone surrogate, unbalanced bidirectional control. Nothing is stripped: such a value was forged.
    """
    if value.isascii() and value.isprintable():
        return value
    for character in value:
        if unicodedata.category(character) in {"Cc", "Zl", "Zp", "Cs"}:
            raise HeaderInvalid(f"a header field may not hold U+{ord(character):04X}")
    if not _is_bidi_balanced(value):
        raise HeaderInvalid("a header field may not hold unbalanced bidirectional controls")
    return unicodedata.normalize("NFC", value)


def text_field(name: str, value: str) -> bytes:
    """Return an unstructured field (Subject)."""
    value = clean_value(value)
    if value.isascii() and "=?" not in value and value == value.strip():
        return _folded_at_blanks(f"{name}: {value}")
    return _finished(f"{name}: {encode_words(value, len(name) + 2)}")


def mailbox_field(name: str, display_name: str, address: str) -> bytes:
    """Return a field with one mailbox; `address` is in its wire form and never encoded (RFC 2047 §5)."""
    phrase = _phrase(clean_value(display_name), len(name) + 2)
    if not phrase:
        return address_field(name, address)
    return _finished(_joined(f"{name}: {phrase}", f"<{check_address(address)}>"))


def address_field(name: str, address: str) -> bytes:
    """Return a field with one bare address in its wire form."""
    return _finished(f"{name}: {check_address(address)}")


def message_id_field(message_id: str) -> bytes:
    """Return Message-ID; `message_id` has its angle brackets (RFC 5322 §3.6.4)."""
    if not _MESSAGE_ID.fullmatch(message_id):
        raise HeaderInvalid("not a message id")
    return _finished(f"Message-ID: {message_id}")


def list_id_field(display_name: str, identifier: str) -> bytes:
    """Return List-Id (RFC 2919 §3)."""
    if len(identifier) > 255 or not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", identifier):
        raise HeaderInvalid("a list identifier is a name like fr.vigie.example.org")
    phrase = _phrase(clean_value(display_name), len("List-Id: "))
    return _finished(_joined(f"List-Id: {phrase}".rstrip(), f"<{identifier}>"))


def url_field(name: str, *urls: str) -> bytes:
    """Return a list field with its URLs, the preferred one first, never encoded (RFC 2369 §2)."""
    field = f"{name}:"
    for place, url in enumerate(urls, start=1):
        if not _URL.fullmatch(url) or "=?" in url:
            raise HeaderInvalid(f"{name} wants plain ASCII URLs")
        field = _joined(field, f"<{url}>" + ("," if place < len(urls) else ""))
    return _finished(field)


def token_field(name: str, value: str) -> bytes:
    """Return a field whose value goes as it is: printable ASCII only."""
    if not _PRINTABLE.fullmatch(value) or "=?" in value:
        raise HeaderInvalid(f"{name} takes printable ASCII only")
    return _finished(f"{name}: {value}")


def check_address(address: str) -> str:
    """Return `address` if it can stand in an envelope or a mailbox field; raises HeaderInvalid (RFC 5321 §4.1.2)."""
    if _PLAIN_ADDRESS.fullmatch(address):
        return address
    clean_value(address)
    if not _ADDRESS.fullmatch(address):
        raise HeaderInvalid("not an address for the wire")
    return address


@lru_cache(maxsize=256)
def encode_words(text: str, used: int) -> str:
    """Return `text` as encoded-words on folded lines; `used` columns of the first line are taken already."""
    return "\r\n ".join(_encoded_words(text, used))


def _encoded_words(text: str, used: int) -> Iterator[str]:
    """Cut between characters, never inside one (RFC 2047 §5)."""
    letter, encode = ("b", _base64) if len(_base64(text)) < len(_q(text)) else ("q", _q)
    room = ENCODED_LINE_MAX - used - _WORD_FRAME
    while text:
        length = _fitting(text, room, encode)
        yield f"=?utf-8?{letter}?{encode(text[:length])}?="
        text = text[length:]
        room = ENCODED_WORD_MAX - _WORD_FRAME


def _fitting(text: str, room: int, encode: Callable[[str], str]) -> int:
    length = 1
    while length < len(text) and len(encode(text[: length + 1])) <= room:
        length += 1
    return length


def _q(text: str) -> str:
    return "".join(chr(byte) if byte in _Q_SAFE else "_" if byte == 0x20 else f"={byte:02X}" for byte in text.encode())


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _phrase(text: str, used: int) -> str:
    """Return a display name as atoms, a quoted-string, or encoded-words, whichever it takes (RFC 5322 §3.2.5)."""
    if not text.isascii() or "=?" in text:
        return encode_words(text, used)
    if not text or _ATOMS.fullmatch(text):
        return text
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _joined(start: str, last: str) -> str:
    """Put `last` on a line of its own if the line would grow too long."""
    column = len(start) - (start.rfind("\n") + 1)
    limit = ENCODED_LINE_MAX if "=?" in start else LINE_PREFERRED
    return f"{start} {last}" if column + 1 + len(last) <= limit else f"{start}\r\n {last}"


def _folded_at_blanks(line: str) -> bytes:
    lines = [""]
    for word in re.findall(r" *[^ ]+", line):
        if lines[-1] and len(lines[-1]) + len(word) > LINE_PREFERRED:
            lines.append("")
        lines[-1] += word
    return _finished("\r\n".join(lines))


def _finished(field: str) -> bytes:
    data = field.encode("utf-8")
    if len(data) > LINE_MAX_OCTETS and any(len(line) > LINE_MAX_OCTETS for line in data.split(b"\r\n")):
        raise HeaderInvalid("a header line is too long")
    return data + b"\r\n"


def _is_bidi_balanced(text: str) -> bool:
    awaited: list[str] = []
    for character in text:
        if character in _BIDI_OPENERS:
            awaited.append(_BIDI_OPENERS[character])
        elif character in _BIDI_CLOSERS and (not awaited or awaited.pop() != character):
            return False
    return not awaited
