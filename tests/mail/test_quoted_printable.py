"""Quoted-printable: exact back, short lines, nothing that software on the way would touch."""

import quopri
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.quoted_printable import encode

troublesome = st.sampled_from(["\n", "\r", "\r\n", ".", " ", "\t", "=", "From ", "é", "🛰", "x" * 72, "From " * 15])
pieces = st.one_of(troublesome, st.text(st.characters(exclude_categories=("Cs",)), max_size=20))
texts = st.lists(pieces, max_size=40).map("".join)


def unified(text: str) -> bytes:
    """The text with CRLF line ends, a last one included."""
    lines = re.split("\r\n|\r|\n", text.removeprefix("\ufeff"))
    if not lines[-1]:
        lines.pop()
    return "".join(line + "\r\n" for line in lines).encode()


@given(texts)
def test_any_text_comes_back_and_its_lines_are_safe(text: str) -> None:
    encoded = encode(text)
    assert quopri.decodestring(encoded) == unified(text)
    assert encoded.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", encoded)
    for line in encoded.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.endswith((b" ", b"\t"))
        assert not line.startswith((b".", b"From "))


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("Été", b"=C3=89t=C3=A9\r\n"),
        ("a=b", b"a=3Db\r\n"),
        ("end ", b"end=20\r\n"),
        (".", b"=2E\r\n"),
        ("From here", b"=46rom here\r\n"),
        ("\ufeffx\ry", b"x\r\ny\r\n"),
        ("x" * 80, b"x" * 73 + b"=\r\n" + b"x" * 7 + b"\r\n"),
    ],
)
def test_known_forms(text: str, encoded: bytes) -> None:
    assert encode(text) == encoded
