"""Whatever comes, it is read without an exception and within a second or so."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.reports.parts import DEPTH_MAX, take_apart
from app.mail.reports.reading import read_report
from app.mail.reports.report import Report, Verdict
from tests.mail.reports.mails import READER, delivery_report, feedback_report, group, letter

DAEMON = b"From: mailer-daemon@mx.example\r\nSubject: failure notice\r\n"
#: What costs a careless reader much time, or its stack.
HOSTILE = {
    "lines": DAEMON + b"\n" * 5_000_000,
    "one-line": DAEMON + b"\nYour message to:\nThe following addresses had\n" + b"x" * 5_000_000,
    "at-signs": DAEMON + b"\n" + b"a@" * 2_000_000,
    "addresses": DAEMON + b"\n" + b"x@x.example\n" * 90_000,
    "angles": DAEMON + b"Content-Type: text/html\n\n" + b"<" * 5_000_000,
    "styles": DAEMON + b"Content-Type: text/html\n\n" + b"<style>" * 700_000,
    "words": DAEMON + b"\n" + b"user host exceeds the " * 200_000,
    "mailboxes": DAEMON + b"\n" + b"mailbox of the domain may not " * 200_000,
    "server-names": DAEMON + b"\n550 " + b"-a" * 2_000_000,
    "attempts": DAEMON + b"\n" + "no попытка не tentatives domain x-".encode() * 100_000,
    "cyrillic": DAEMON + b"\n" + "почтовый ящик домена ".encode() * 100_000,
    "unspaced": DAEMON + b"\n" + "收件人邮箱找不到宛先".encode() * 100_000,
    "wide-domains": DAEMON + b"\n" + ("a@" + "é." * 120).encode() * 15_000,
    "labels": DAEMON + b"\n" + (b"a@" + b"b-" * 126 + b"\xc3\xa9 ") * 20_000,
    "quotes": DAEMON + b"\n" + b'"a ' * 1_500_000 + b"@",
    "senders": DAEMON + b"\n" + b"mail from: <from: sent by: " * 150_000,
    "sessions": DAEMON + b"\n" + b"<-- 250 --> DATA <<< 35" * 200_000,
    "escapes": DAEMON + b"\nFinal-Recipient: rfc822; " + b"\\x{e9}+40" * 500_000 + b"\n",
    "marks": DAEMON + b"\n" + "o\u0301\u0302".encode() * 800_000,
    "headers": DAEMON + b"To: a\nReceived: b\n" * 300_000 + b"\n",
    "encoded-words": DAEMON[:-2] + b"=?utf-8?q?a?= " * 300_000 + b"\n\nx",
    "nested": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3_000)),
    "returned": b"Content-Type: message/rfc822\n\n" * 50_000,
    "parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: text/plain\n\nx\n" * 100_000,
}  # fmt: skip
PIECES = [
    delivery_report(group(diagnostic="smtp; 550 5.1.1 unknown")),
    feedback_report("abuse", f"Original-Rcpt-To: {READER}"),
    letter(f"<{READER}>:\n550 unknown\n"),
    DAEMON,
    b"Content-Type: multipart/report; boundary=part\r\n\r\n--part\r\n",
    b"Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: ;;\r\nStatus: 5\r\n\r\n",
    b"Content-Type: text/plain; charset=\xff\r\nContent-Transfer-Encoding: base64\r\n\r\n====",
    b"From: =?x?b?\xff\xfe?=\r\n",
    b'{"notificationType":"Bounce","bounce":[]}',
]


@pytest.mark.slow
@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_mail_is_read_in_bounded_time(data: bytes) -> None:
    started = time.monotonic()
    read_report(data)
    assert time.monotonic() - started < 3  # one on a quiet machine


@given(st.binary(max_size=2_000))
def test_no_octets_raise(data: bytes) -> None:
    assert isinstance(read_report(data), Report)


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=60), max_size=8).map(b"".join), st.integers(0, 4_000))
def test_no_mail_that_is_cut_or_mixed_up_raises(data: bytes, end: int) -> None:
    report = read_report(data[:end])
    assert report.verdict in Verdict
    assert all(len(finding.diagnostic) <= 500 for finding in report.findings)


def test_parts_below_the_bound_are_not_looked_at() -> None:
    def nested(depth: int) -> bytes:
        opening = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth))
        return opening + b"Content-Type: text/plain\n\nfound\n"

    assert take_apart(nested(DEPTH_MAX - 1)).text.strip() == "found"
    assert take_apart(nested(DEPTH_MAX + 5)).text == ""


def test_what_lies_beyond_five_megabytes_does_not_hide_the_report() -> None:
    mail = delivery_report(group()) + b"x" * 6_000_000
    assert read_report(mail).verdict == "hard"
