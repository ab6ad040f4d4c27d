"""Replies as they come off the wire, whole or in pieces."""

import smtplib

import pytest

from app.mail.reply_reader import LINE_MAX_OCTETS, REPLY_MAX_OCTETS, ReplyReader

STREAM = (
    b"220 mx ready\r\n250-one\r\n250-2.0.0 two\r\n250 three\r\n354\r\n550 5.1.1 no\n250-\r\n250 \r\nwhat?\r\n9\r\n\r\n"
)
REPLIES = [
    (220, b"mx ready"),
    (250, b"one\n2.0.0 two\nthree"),
    (354, b""),
    (550, b"5.1.1 no"),
    (250, b"\n"),
    (-1, b"?"),
    (-1, b""),
    (-1, b""),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20, len(STREAM)])
def test_replies_are_read_however_they_were_cut(size: int) -> None:
    reader = ReplyReader()
    replies = [reply for start in range(0, len(STREAM), size) for reply in reader.feed(STREAM[start : start + size])]
    assert replies == REPLIES
    assert not reader.has_rest


@pytest.mark.parametrize("piece", [b"2", b"250 ok", b"250-ok\r\n", b"250-ok\r\n250 ok\r"])
def test_what_is_begun_is_known(piece: bytes) -> None:
    reader = ReplyReader()
    assert reader.feed(piece) == []
    assert reader.has_rest


def test_garbage_inside_a_reply_ends_it() -> None:
    assert ReplyReader().feed(b"250-one\r\nhello\r\n250 ok\r\n") == [(-1, b"one\no"), (250, b"ok")]


def test_nothing_is_the_end() -> None:
    with pytest.raises(smtplib.SMTPServerDisconnected, match="closed"):
        ReplyReader().feed(b"")


@pytest.mark.parametrize(
    ("piece", "times"),
    [
        (b"250 " + b"x" * 100, LINE_MAX_OCTETS // 100),
        (b"250-\r\n", REPLY_MAX_OCTETS),
        (b"250-" + b"x" * 99 + b"\r\n", 700),
    ],
)
def test_a_reply_without_end_is_given_up(piece: bytes, times: int) -> None:
    reader = ReplyReader()
    with pytest.raises(smtplib.SMTPServerDisconnected, match="without end"):
        list(map(reader.feed, [piece] * (times + 1)))
