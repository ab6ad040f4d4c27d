"""Quoted-printable bodies (RFC 2045 §6.7), safe for mbox files and for SMTP's dots.

Unlike the standard library's, a line never begins with a dot or with `From `, which software on the way may change.
This also holds for what is put into an encoded text later, in the place of its marks.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

LINE_MAX = 76
_SOFT_BREAK = b"=\r\n"
_LINE_END = re.compile(rb"\r\n?")
_UNSAFE = re.compile(rb"[^\n\t !-<>-~]+")
#: Leaves room for an escaped first character (2 more) and the soft break (1).
_PIECE_MAX = LINE_MAX - 3
#: No escape is cut.
_PIECE = re.compile(rb".{1,%d}(?<!=)(?<!=.)" % _PIECE_MAX)


def encode(text: str, marks: Sequence[bytes] = ()) -> bytes:
    """Return `text` encoded, every line ended by CRLF, whatever ended it before; a byte order mark goes.

    `marks` are words of ASCII letters, digits, `_` and `-`. Each comes out as it is, alone on its line, so that what
    `encode_word` returns can replace it.
    """
    data = _LINE_END.sub(b"\n", text.removeprefix("\ufeff").encode("utf-8"))
    if not data:
        return b""
    escaped = _UNSAFE.sub(_escaped, data.removesuffix(b"\n"))
    at = _at(marks) if marks else None
    return b"".join(_line(line, at) for line in escaped.split(b"\n"))


def encode_word(word: bytes) -> bytes:
    """Return `word`, printable ASCII without blanks, on lines that nothing else may share."""
    return _SOFT_BREAK.join(_wrapped(word.replace(b"=", b"=3D")))


def split_at(marks: Sequence[bytes], data: bytes) -> list[bytes]:
    """Return `data` cut at its marks, which stand at the odd places of the list."""
    return _at(marks).split(data) if marks else [data]


def _at(marks: Sequence[bytes]) -> re.Pattern[bytes]:
    return re.compile(b"(" + b"|".join(map(re.escape, marks)) + b")")


def _line(escaped: bytes, at: re.Pattern[bytes] | None) -> bytes:
    if escaped.endswith((b" ", b"\t")):
        escaped = escaped[:-1] + b"=%02X" % escaped[-1]
    if len(escaped) <= _PIECE_MAX and (at is None or at.search(escaped) is None):
        return _guarded(escaped) + b"\r\n"  # as most lines are
    return _SOFT_BREAK.join(_pieces(escaped, at)) + b"\r\n"


def _pieces(escaped: bytes, at: re.Pattern[bytes] | None) -> Iterator[bytes]:
    for place, part in enumerate(at.split(escaped) if at is not None else [escaped]):
        if place % 2:
            yield part
        elif part:
            yield from _wrapped(part)


def _wrapped(escaped: bytes) -> list[bytes]:
    pieces = [escaped] if len(escaped) <= _PIECE_MAX else _PIECE.findall(escaped)
    return [_guarded(piece) for piece in pieces]


def _guarded(piece: bytes) -> bytes:
    return b"=%02X" % piece[0] + piece[1:] if piece.startswith((b".", b"From ")) else piece


def _escaped(found: re.Match[bytes]) -> bytes:
    return _escape(found[0])


@lru_cache(4096)
def _escape(run: bytes) -> bytes:
    return b"".join(b"=%02X" % octet for octet in run)
