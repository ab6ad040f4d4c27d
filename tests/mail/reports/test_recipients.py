"""Whom a returned mail names, however the name is written."""

import pytest

from app.mail.reports.addresses import addresses_of
from app.mail.reports.reading import read_report
from tests.mail.reports.mails import READER, delivery_report, verdicts

FAILED = "Action: failed\r\nStatus: 5.1.1\r\n"


@pytest.mark.parametrize(
    "fields",
    [
        f"Final-Recipient: RFC822;{READER}",
        f"Final-Recipient: rfc822; <{READER}>",
        f"Final-Recipient: rfc822; <{READER}",
        f"Final-Recipient: rfc822; {READER} (Lea Reader)",
        f"Final-Recipient: {READER}",
        f"Final-Recipient: unknown; {READER}",
        f"Final-Recipient: rfc822;\r\n {READER}",
        f"Final-Recipient: rfc822; {READER}.",
        f"Final-Recipient: rfc822; mailto:{READER}",
        f"Final-Recipient: rfc822; SMTP:{READER}",
        f"Final-Recipient: rfc822; @relay.example:{READER}",
        "Final-Recipient: rfc822; reader+40inbox.example",
        f"Final-Recipient: rfc822; reader\r\nX-Actual-Recipient: rfc822; {READER}",
        f"Original-Recipient: rfc822;{READER}\r\nFinal-Recipient: rfc822; reader",
        f"Original-Recipient: rfc822;{READER}\r\nFinal-Recipient: rfc822; |/usr/bin/filter",
        f"Original-Recipient: rfc822;{READER}\r\nFinal-Recipient: X400; /C=FR/PRMD=Paper/S=Reader/G=Lea/",
        f"Final-Recipient: X400; /SMTP={READER}/C=FR/",
        "Final-Recipient: X400; /C=FR/ADMD=X/PRMD=Paper/S=Reader/G=Lea/",
        "Final-Recipient: rfc822;CN=Lea Reader/O=Paper@Paper",
        "Final-Recipient: rfc822;IMCEASMTP-reader+40inbox+2Eexample@mx.example",
        "Final-Recipient: rfc822;IMCEAEX-_o=Paper_ou=X_cn=Recipients_cn=lea@mx.example",
        "Final-Recipient: rfc822; undisclosed-recipients:;",
    ],
)
def test_a_reader_is_found_in_any_writing(fields: str) -> None:
    assert verdicts(read_report(delivery_report(f"{fields}\r\n{FAILED}"))) == {READER: "hard"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("utf-8; léa@inbox.example", "léa@inbox.example"),
        ("utf-8; l\\x{e9}a@inbox.example", "léa@inbox.example"),
        ("utf-8; l\\x{d800}a@inbox.example", "la@inbox.example"),
        ('rfc822; "le a"@inbox.example', '"le a"@inbox.example'),
        ("rfc822; 用户@例え.テスト", "用户@例え.テスト"),
        ("rfc822; a+b=c@inbox.example", "a+b=c@inbox.example"),
    ],
)
def test_a_rare_address_is_read_whole(written: str, meant: str) -> None:
    assert verdicts(read_report(delivery_report(f"Final-Recipient: {written}\r\n{FAILED}"))) == {meant: "hard"}


@pytest.mark.parametrize(
    "text",
    [
        "您的邮件无法发送到{}。",
        "收件人邮件地址：{}的邮件",
        "宛先「{}」が見つかりません",
        "Adresse : {}, inconnue",
        "<mailto:{}>",
        "[SMTP:{}]",
        "rfc822;{}",
        "({})...",
    ],
)
def test_an_address_is_told_from_the_words_that_touch_it(text: str) -> None:
    assert addresses_of(text.format(READER)) == [READER]
