"""Quoted-printable bodies (RFC 2045 §6.7), safe for mbox files and for SMTP's dots.

Unlike the standard library's, a line never begins with a dot or with `From `, which software on the way may change.
"""

import re
from collections.abc import Iterator

LINE_MAX = 76
#: Leaves room for an escaped first character (2 more) and the soft break (1).
_PIECE = LINE_MAX - 3
_UNSAFE = re.compile(rb"[^\t !-<>-~]")


def encode(text: str) -> bytes:
    """Return `text` encoded, every line ended by CRLF, whatever ended it before; a byte order mark goes."""
    lines = re.split(rb"\r\n|\r|\n", text.removeprefix("\ufeff").encode("utf-8"))
    if not lines[-1]:
        lines.pop()
    return b"".join(piece + b"\r\n" for line in lines for piece in _pieces(line))


def _pieces(line: bytes) -> Iterator[bytes]:
    rest = _UNSAFE.sub(_escaped, line)
    if rest.endswith((b" ", b"\t")):
        rest = rest[:-1] + b"=%02X" % rest[-1]
    while len(rest) > _PIECE:
        end = _cut(rest)
        yield _guarded(rest[:end]) + b"="
        rest = rest[end:]
    yield _guarded(rest)


def _cut(rest: bytes) -> int:
    """Return where to break: not inside an escape."""
    escape = rest.rfind(b"=", _PIECE - 2, _PIECE)
    return _PIECE if escape < 0 else escape


def _guarded(piece: bytes) -> bytes:
    return b"=%02X" % piece[0] + piece[1:] if piece.startswith((b".", b"From ")) else piece


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"=%02X" % found[0][0]
