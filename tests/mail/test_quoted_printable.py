"""Quoted-printable: exact back, short lines, nothing that software on the way would touch."""

import quopri
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.quoted_printable import encode, encode_word

MARKS = ["mark-one-AA", "mark-two-AA"]
troublesome = st.sampled_from(["\n", "\r", "\r\n", ".", " ", "\t", "=", "From ", "é", "🛰", "x" * 72, "From " * 15])
pieces = st.one_of(troublesome, st.text(st.characters(exclude_categories=("Cs",)), max_size=20))
texts = st.lists(pieces, max_size=40).map("".join)
marked_texts = st.lists(st.one_of(st.sampled_from(MARKS), pieces), max_size=40).map("".join)
words = st.text("aF.=-%&?/", min_size=1, max_size=200)


def unified(text: str) -> bytes:
    """The text with CRLF line ends, a last one included."""
    lines = re.split("\r\n|\r|\n", text.removeprefix("\ufeff"))
    if not lines[-1]:
        lines.pop()
    return "".join(line + "\r\n" for line in lines).encode()


@given(texts)
def test_any_text_comes_back_and_its_lines_are_safe(text: str) -> None:
    check(encode(text), text)


@given(marked_texts, words, words)
def test_words_can_replace_the_marks_of_any_text(text: str, first: str, second: str) -> None:
    encoded = encode(text, [mark.encode() for mark in MARKS])
    for mark, word in zip(MARKS, (first, second), strict=True):
        assert encoded.count(mark.encode()) == text.count(mark)
        encoded = encoded.replace(mark.encode(), encode_word(word.encode()))
        text = text.replace(mark, word)
    check(encoded, text)


def check(encoded: bytes, text: str) -> None:
    """Hold `encoded` against the rules, and against the text that is in it."""
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


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("mark-one-AA", b"mark-one-AA\r\n"),
        ("a mark-one-AA.", b"a =\r\nmark-one-AA=\r\n=2E\r\n"),
        ("mark-one-AA\n\nmark-two-AA \n", b"mark-one-AA\r\n\r\nmark-two-AA=\r\n=20\r\n"),
        ("mark-one-AAmark-two-AA", b"mark-one-AA=\r\nmark-two-AA\r\n"),
    ],
)
def test_a_mark_is_alone_on_its_line(text: str, encoded: bytes) -> None:
    assert encode(text, [mark.encode() for mark in MARKS]) == encoded


@pytest.mark.parametrize(
    ("word", "encoded"),
    [
        (b"a=b", b"a=3Db"),
        (b"...", b"=2E.."),
        (b"x" * 73 + b".y", b"x" * 73 + b"=\r\n=2Ey"),
        (b"x" * 71 + b"=y", b"x" * 71 + b"=\r\n=3Dy"),
        (b"x" * 70 + b"=y", b"x" * 70 + b"=3D=\r\ny"),
    ],
)
def test_known_forms_of_words(word: bytes, encoded: bytes) -> None:
    assert encode_word(word) == encoded
